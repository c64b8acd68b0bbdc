import { createSceneRandom } from './scene-random.ts';
import { SHAPES } from './shapes.ts';
import type { NamedShape } from './shapes.ts';
import { TEXTURE_NAMES } from './textures.ts';
import type { TextureName } from './textures.ts';

/** Appearance of an object, before its own random variation is added. */
export interface Appearance {
  /** Index into SHAPES. */
  readonly shape: number;
  readonly texture: TextureName;
  /** Hue of the first colour, in turns [0, 1). */
  readonly hue: number;
  /** Hue of the second colour, in turns [0, 1). */
  readonly secondHue: number;
  /** Saturations and values of the two colours, [0, 1]. */
  readonly saturation: number;
  readonly secondSaturation: number;
  readonly value: number;
  readonly secondValue: number;
  /** Texture periods per unit of object coordinates, roughly. */
  readonly frequency: number;
  /** Largest rotation to either side, radians. */
  readonly rotation: number;
  /** Width over height. */
  readonly aspect: number;
  /** Factor on the radius that the scene asks for. */
  readonly size: number;
  /** Integer that picks details of the outline: number of points, teeth, petals, … */
  readonly kind: number;
}

/** A class of objects: the same in every scene. */
export interface Concept extends Appearance {
  /** 0..47, its index in CONCEPTS. */
  readonly id: number;
  /** Shape, texture and number, such as `disc_solid_00`. */
  readonly name: string;
}

const CONCEPT_COUNT = 48;
const FOLD_COUNT = 4;

/** All 48 concepts, in the order of their ids. */
export const CONCEPTS: readonly Concept[] = Array.from({ length: CONCEPT_COUNT }, (_, id) => makeConcept(id));

/** The concept ids in four disjoint folds of 12: the novel concepts of each fold, the other 36 being its base concepts. */
export const CONCEPT_FOLDS: readonly (readonly number[])[] = Array.from({ length: FOLD_COUNT }, (_, fold) =>
  CONCEPTS.map((concept) => concept.id).filter((id) => id % FOLD_COUNT === fold),
);

function makeConcept(id: number): Concept {
  const random = createSceneRandom(9001 + id * 7717);
  const shape = id % SHAPES.length;
  const { name: shapeName } = SHAPES[shape] as NamedShape;
  // The second round through the shapes shifts the textures, so that no pair of shape and texture comes twice.
  const round = Math.floor(id / SHAPES.length);
  const texture = TEXTURE_NAMES[(id * 5 + round * 3) % TEXTURE_NAMES.length] as TextureName;
  const hue = (id * 0.6180339) % 1;
  // The properties are in the order of the draws: an object literal evaluates them as written.
  return {
    id,
    name: `${shapeName}_${texture}_${String(id).padStart(2, '0')}`,
    shape,
    texture,
    hue,
    secondHue: (hue + random.pick([0.08, 0.33, 0.5, 0])) % 1,
    saturation: random.range(0.35, 0.95),
    secondSaturation: random.range(0, 0.9),
    value: random.range(0.45, 0.95),
    secondValue: random.range(0.15, 0.95),
    frequency: random.range(1.6, 4.2),
    rotation: random.pick([0.25, 0.25, 0.6, Math.PI]),
    aspect: random.range(0.75, 1.35),
    size: random.range(0.8, 1.2),
    kind: id,
  };
}
