/**
 * The port against the Python original it was transcribed from (numpy 2.4).
 *
 * python-scenes.json was made with that file imported as `scenes`:
 *   concepts: scenes.CONCEPTS
 *   scenes:   image, inst, classes = scenes.scene(seed, size, classes=allowed, force=force)
 *             with concepts = classes, instanceRuns = inst as [value, run length, …] and, where there is one, image in base64.
 * Four scenes with a picture and twelve without are 64 pixels wide; twelve small ones have one texture each, two the concepts of
 * the strongest colours; the seeds of the tiny ones were chosen so that some objects miss every pixel.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CONCEPTS } from '../../../src/scenes/concepts.ts';
import { generateScene } from '../../../src/scenes/scene.ts';
import type { Scene } from '../../../src/scenes/scene.ts';
import { SHAPES } from '../../../src/scenes/shapes.ts';

interface PythonScene {
  seed: number;
  size: number;
  force: number[] | null;
  allowed: number[] | null;
  concepts: number[];
  instanceRuns: number[];
  image?: string;
}

interface Fixture {
  concepts: Record<string, number | string>[];
  scenes: PythonScene[];
}

const fixture = JSON.parse(readFileSync(new URL('python-scenes.json', import.meta.url), 'utf8')) as Fixture;
const withImage = fixture.scenes.flatMap((scene) => (scene.image === undefined ? [] : [{ ...scene, image: scene.image }]));

describe.each(fixture.scenes)('scene of seed $seed', (reference) => {
  const scene = generateLike(reference);

  test('has the same concepts', () => {
    expect(scene.concepts).toEqual(reference.concepts);
  });

  test('has the same instances, but for a pixel on an outline', () => {
    const expected = unpackRuns(reference.instanceRuns);
    expect(expected.length).toBe(reference.size ** 2);
    const differing = expected.filter((instance, pixel) => scene.instances[pixel] !== instance).length;
    expect(differing).toBeLessThanOrEqual(1);
  });
});

test.each(withImage)('scene of seed $seed has the same colours, but for a few pixels one level off', (reference) => {
  const { image } = generateLike(reference);
  const expected = Buffer.from(reference.image, 'base64');
  expect(image.length).toBe(expected.length);
  const distances = [...expected].map((level, at) => Math.abs(level - (image[at] as number)));
  // The original works in 32-bit floats, the port does not: a byte can fall to the other side of a rounding threshold.
  expect(Math.max(...distances)).toBeLessThanOrEqual(1);
  expect(distances.filter((distance) => distance > 0).length / distances.length).toBeLessThan(0.002);
});

test('the fixture shows every texture in a picture and every concept', () => {
  expect(new Set(withImage.flatMap((scene) => scene.concepts.map((id) => CONCEPTS[id]?.texture))).size).toBe(12);
  expect(new Set(fixture.scenes.flatMap((scene) => scene.concepts)).size).toBe(48);
});

test('the concepts are the same, to the last bit', () => {
  const underPythonNames = CONCEPTS.map((concept) => ({
    id: concept.id,
    name: concept.name,
    shape: concept.shape,
    tex: concept.texture,
    hue: concept.hue,
    hue2: concept.secondHue,
    sat: concept.saturation,
    sat2: concept.secondSaturation,
    val: concept.value,
    val2: concept.secondValue,
    freq: concept.frequency,
    rot: concept.rotation,
    aspect: concept.aspect,
    size: concept.size,
    k: concept.kind,
  }));
  expect(underPythonNames).toEqual(fixture.concepts);
  expect(CONCEPTS.every((concept) => concept.name.startsWith(`${SHAPES[concept.shape]?.name ?? 'no such shape'}_`))).toBe(true);
});

/** The port's scene with the options of a fixture scene. */
function generateLike({ seed, size, allowed, force }: PythonScene): Scene {
  return generateScene(seed, { size, ...(allowed && { allowed }), ...(force && { force }) });
}

/** Values from [value, run length, …]. */
function unpackRuns(runs: readonly number[]): number[] {
  const values: number[] = [];
  for (let at = 0; at < runs.length; at += 2) values.push(...Array<number>(runs[at + 1] as number).fill(runs[at] as number));
  return values;
}
