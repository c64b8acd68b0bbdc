/** Prompt encoders put beside the model's own while it answers. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import {
  floatsFromTensor,
  parseSafetensors,
  safetensorsBytes,
  type TensorToWrite,
} from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { createEngine, type Engine, type PredictOptions, type Reference } from '../../../../src/index.ts';
import { expectRejection } from '../expect-error.ts';

const own = new Uint8Array(readFileSync('models/tiny/prompt-encoder.safetensors'));
const plan = (JSON.parse(readFileSync('models/tiny/manifest.json', 'utf8')) as { prompt_encoder: Record<string, unknown> }).prompt_encoder;
const section = Object.fromEntries(Object.entries(plan).filter(([key]) => key !== 'file'));

/** The built-in weights, altered value by value. */
function altered(change: (value: number, name: string) => number, metadata: Record<string, string> = {}): Uint8Array {
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, entry] of parseSafetensors(own, 'own').tensors) {
    const values = floatsFromTensor(entry, own.subarray(entry.offset, entry.offset + entry.byteLength), name);
    tensors[name] = { dtype: 'F32', shape: entry.shape, bytes: new Uint8Array(values.map((value) => change(value, name)).buffer) };
  }
  return safetensorsBytes(tensors, metadata);
}

let seed = 100;
const scenes = [sceneWith(31, () => seed++), sceneWith(31, () => seed++)] as const;
const reference: Reference = { image: scenes[0].image, mask: scenes[0].truth };
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
});
afterAll(() => engine.close());

const logits = async (promptEncoder?: string): Promise<Float32Array> => {
  const { masks } = await engine.predict(scenes[1].image, [reference], {
    method: 'prosam',
    ...(promptEncoder !== undefined && { promptEncoder }),
  });
  return masks[0]?.lowResLogits as Float32Array;
};

describe('prompt encoders beside the own one', () => {
  it('answers with the one that was asked for, each with its own numbers', async () => {
    const before = await logits();
    await engine.loadPromptEncoder(
      'same',
      altered((value) => value),
    );
    await engine.loadPromptEncoder(
      'other',
      altered((value, name) => (name.startsWith('mu_head') ? value * 0.5 : value)),
    );
    expect(await logits('same')).toEqual(before);
    const other = await logits('other');
    expect(other.every(Number.isFinite)).toBe(true);
    expect(other).not.toEqual(before);
    expect(await logits()).toEqual(before);
  });

  it('takes the plan from the metadata of the file', async () => {
    await engine.loadPromptEncoder(
      'described',
      altered((value) => value, { prompt_encoder: JSON.stringify(section) }),
    );
    expect(await logits('described')).toEqual(await logits());
    const described = (text: string): Uint8Array => altered((value) => value, { prompt_encoder: text });
    const stranger = JSON.stringify({ ...section, trained_against: { sam: '0'.repeat(64) } });
    await expectRejection('PROMPT_ENCODER_MISMATCH', engine.loadPromptEncoder('stranger', described(stranger)), 'SAM');
    await expectRejection('CHECKPOINT_INVALID', engine.loadPromptEncoder('text', described('{')), 'prompt_encoder');
    await expectRejection('CHECKPOINT_INVALID', engine.loadPromptEncoder('empty', described('{}')), 'config');
  });

  it('refuses damaged weights and goes on answering', async () => {
    await expectRejection('CHECKPOINT_INVALID', engine.loadPromptEncoder('cut', own.slice(0, -8)));
    const broken = altered(() => NaN);
    await expectRejection('CHECKPOINT_INVALID', engine.loadPromptEncoder('nan', broken), 'finite');
    const { tensors } = parseSafetensors(own, 'own');
    const [name, entry] = [...tensors][0] as [string, { offset: number; byteLength: number; shape: readonly number[] }];
    const bytes = own.slice(entry.offset, entry.offset + entry.byteLength);
    await expectRejection(
      'CHECKPOINT_MISMATCH',
      engine.loadPromptEncoder('part', safetensorsBytes({ [name]: { dtype: 'F32', shape: entry.shape, bytes } })),
    );
    await expectRejection('VERSION_NOT_FOUND', logits('part'), 'part');
    expect(await logits()).toHaveLength(64 * 64);
  });

  it('are not believed for masks they may have learned from: the own one is measured on the references', async () => {
    await engine.loadPromptEncoder(
      'learned',
      altered((value, name) => (name.startsWith('mu_head') ? value * 0.5 : value)),
    );
    const references = [reference, { image: scenes[1].image, mask: scenes[1].truth }];
    const target = sceneWith(31, () => seed++).image;
    const version = { promptEncoder: 'learned' };
    const measured = async (options: PredictOptions): Promise<number | undefined> =>
      (await engine.selfCheck(references, options)).methods.prosam?.iou;
    expect(await measured(version)).not.toBe(await measured({}));
    const checked = async (options: PredictOptions) => (await engine.predict(target, references, options)).masks[0]?.quality;
    expect((await checked(version))?.referenceIou).toBe((await checked({}))?.referenceIou);
    expect((await checked(version))?.referenceIou).toBeGreaterThan(0);
    expect((await engine.fit(references, version)).held).toEqual((await engine.fit(references)).held);
  });

  it('lets calls end with the encoder they began with', async () => {
    await engine.loadPromptEncoder(
      'going',
      altered((value) => value),
    );
    const running = logits('going');
    await engine.unloadPromptEncoder('going');
    expect(await running).toEqual(await logits());
    await expectRejection('VERSION_NOT_FOUND', logits('going'), 'going');
  });
});

describe('describe', () => {
  it('gives one unit vector per mark, nearer for the same concept than for the background', async () => {
    const inverse = { ...scenes[0].truth, data: scenes[0].truth.data.map((value) => 1 - value) };
    const [one, two, background] = await Promise.all([
      engine.embedObject(reference),
      engine.embedObject({ image: scenes[1].image, mask: scenes[1].truth }),
      engine.embedObject({ image: scenes[0].image, mask: inverse }),
    ]);
    const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
    for (const vector of [one, two, background]) expect(dot(vector, vector)).toBeCloseTo(1, 5);
    expect(dot(one, two)).toBeGreaterThan(dot(one, background));
  });
});
