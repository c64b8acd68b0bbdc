import { paintBackground } from './background.ts';
import { takeImage } from './camera.ts';
import { createCanvas } from './canvas.ts';
import type { Canvas } from './canvas.ts';
import { CONCEPTS } from './concepts.ts';
import type { Appearance, Concept } from './concepts.ts';
import { paintObject } from './paint-object.ts';
import { createSceneRandom } from './scene-random.ts';
import type { SceneRandom } from './scene-random.ts';
import { BLOB, SHAPES } from './shapes.ts';
import { TEXTURE_NAMES } from './textures.ts';

/** A made-up image with every object of a known concept outlined. */
export interface Scene {
  width: number;
  height: number;
  /** RGB, row-major, interleaved. */
  image: Uint8Array;
  /** 0 background, 1..n visible part of instance i; row-major. */
  instances: Uint8Array;
  /** Concept id of instance i at index i - 1. */
  concepts: readonly number[];
}

export interface SceneOptions {
  /** Width and height in pixels, default 256. */
  size?: number;
  /** Concept ids to choose from, default all. */
  allowed?: readonly number[];
  /**
   * Concept ids that get painted in any case. The scene can still lack them: at most ten objects are painted, some can miss
   * the canvas, and those mostly hidden or tiny lose their label.
   */
  force?: readonly number[];
}

/** An object as it was planned: its concept id, and its radius as a share of the canvas. */
type PlannedObject = readonly [concept: number, radius: number];

const MAX_OBJECTS = 10;
const ALL_CONCEPTS: readonly number[] = CONCEPTS.map((concept) => concept.id);

/** The scene of a seed (any safe integer); the same seed and options give the same bytes. */
export function generateScene(seed: number, options: SceneOptions = {}): Scene {
  const { size = 256, allowed = ALL_CONCEPTS, force = [] } = options;
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a safe integer, got ${seed}`);
  if (!Number.isSafeInteger(size) || size < 1) throw new RangeError(`size must be a positive integer, got ${size}`);
  if (allowed.length === 0) throw new RangeError('allowed must name at least one concept');
  for (const id of [...allowed, ...force]) {
    if (!CONCEPTS[id]) throw new RangeError(`there is no concept ${id}`);
  }

  const random = createSceneRandom(Math.imul(seed, 2654435761) + 12345);
  const canvas = createCanvas(size);
  paintBackground(canvas, random);
  paintClutter(canvas, random);
  const painted: number[] = [];
  const pixelCounts: number[] = [];
  for (const [concept, radius] of planObjects(random, allowed, force)) {
    const pixelCount = paintObject(canvas, CONCEPTS[concept] as Concept, random, { radius, owner: painted.length + 1 });
    if (pixelCount === 0) continue;
    painted.push(concept);
    pixelCounts.push(pixelCount);
  }
  const image = takeImage(canvas, random);
  return { width: size, height: size, image, ...labelVisible(canvas, painted, pixelCounts) };
}

/** Union of all instances of one concept: 0 or 1 per pixel, row-major. */
export function conceptMask(scene: Scene, concept: number): Uint8Array {
  return scene.instances.map((instance) => (instance > 0 && scene.concepts[instance - 1] === concept ? 1 : 0));
}

/** Up to six objects of no concept, half of them blobs, that never get a label. */
function paintClutter(canvas: Canvas, random: SceneRandom): void {
  const count = random.integer(0, 6);
  for (let index = 0; index < count; index++) {
    // The properties are in the order of the draws.
    const appearance: Appearance = {
      shape: random.uniform() < 0.5 ? BLOB : random.integer(0, SHAPES.length - 1),
      texture: random.pick(TEXTURE_NAMES),
      hue: random.uniform(),
      secondHue: random.uniform(),
      saturation: random.range(0, 0.8),
      secondSaturation: random.range(0, 0.8),
      value: random.range(0.2, 0.9),
      secondValue: random.range(0.2, 0.9),
      frequency: random.range(1, 5),
      rotation: Math.PI,
      aspect: random.range(0.5, 2),
      size: 1,
      kind: random.integer(0, 999),
    };
    const radius = random.range(0.04, 0.16);
    const soft = random.uniform() < 0.3;
    paintObject(canvas, appearance, random, { radius, owner: 0, soft });
  }
}

/** The objects to paint, in that order: one to four concepts (more if more are forced) with one to four objects each. */
function planObjects(random: SceneRandom, allowed: readonly number[], force: readonly number[]): PlannedObject[] {
  const concepts = [...force];
  const wanted = random.integer(1, 4);
  while (concepts.length < wanted) concepts.push(random.pick(allowed));
  const planned: PlannedObject[] = [];
  for (const concept of concepts) {
    const count = random.pick([1, 1, 1, 2, 2, 3, 4]);
    const radius = random.range(0.1, 0.3) * (count < 3 ? 1 : 0.7);
    for (let index = 0; index < count; index++) planned.push([concept, radius * random.range(0.8, 1.25)]);
  }
  random.shuffle(planned);
  return planned.slice(0, MAX_OBJECTS);
}

/** Renumbers the objects that show well enough; the others keep their pixels in the image but lose their label. */
function labelVisible(canvas: Canvas, painted: readonly number[], pixelCounts: readonly number[]): Pick<Scene, 'instances' | 'concepts'> {
  const { owners, size } = canvas;
  const visible = new Uint32Array(painted.length + 1);
  for (const owner of owners) visible[owner] = (visible[owner] as number) + 1;
  const labels = new Uint8Array(painted.length + 1);
  const concepts: number[] = [];
  for (const [index, concept] of painted.entries()) {
    const enough = Math.max(0.35 * (pixelCounts[index] as number), 0.002 * size * size);
    if ((visible[index + 1] as number) < enough) continue;
    concepts.push(concept);
    labels[index + 1] = concepts.length;
  }
  return { instances: owners.map((owner) => labels[owner] as number), concepts };
}
