import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { FloatTensor } from '../../../../src/core/checkpoint/read-tensors.ts';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { writeDurably } from '../../../../src/core/files/write-file.ts';
import { readCheckpoint, writeCheckpoint, type RunState } from '../../../../src/training/loop/checkpoint.ts';
import { expectRejection } from '../../core/expect-error.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-checkpoint-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'run-'));
});
const file = (): string => join(folder, 'checkpoint.safetensors');

const random = seededRandom(9);
const floats = (length: number): Float32Array => Float32Array.from({ length }, () => random() - 0.5);
const tensors = (): Map<string, FloatTensor> =>
  new Map([
    ['queries', { data: floats(6), shape: [2, 3] }],
    ['mu_head.bias', { data: Float32Array.of(1e-42, -0, 3.4e38), shape: [3] }],
  ]);
const state = (average: boolean): RunState => ({
  progress: {
    ...{ step: 12, optimizerStep: 12, bestMiou: 33.25, bestStep: 8, validatedStep: 10 },
    settings: { seed: 321, dataset: 'photos "of" cups\n' },
  },
  parameters: tensors(),
  optimizer: {
    step: 12,
    mean: new Map([...tensors()].map(([name, { data }]) => [name, floats(data.length)])),
    square: new Map([...tensors()].map(([name, { data }]) => [name, floats(data.length)])),
  },
  ...(average && { average: tensors() }),
});

describe('a checkpoint', () => {
  it.each([true, false])('comes back bit for bit (moving average: %s)', async (average) => {
    const written = state(average);
    await writeCheckpoint(folder, written);
    expect(await readCheckpoint(folder)).toEqual(written);
    expect(readdirSync(folder)).toEqual(['checkpoint.safetensors']);
  });

  it('is none in an empty folder', async () => {
    expect(await readCheckpoint(folder)).toBeUndefined();
  });

  it('is refused wherever it is cut off', async () => {
    await writeCheckpoint(folder, state(true));
    const whole = readFileSync(file());
    for (const length of [0, 4, 8, 100, Math.floor(whole.length / 2), whole.length - 1]) {
      writeFileSync(file(), whole.subarray(0, length));
      await expectRejection('RUN_INVALID', readCheckpoint(folder), 'checkpoint.safetensors', 'another folder');
    }
  });

  it('is refused without the optimiser’s state, or with progress of another kind', async () => {
    const broken = state(false);
    broken.optimizer.mean.delete('queries');
    await expect(writeCheckpoint(folder, broken)).rejects.toThrow();
    await writeCheckpoint(folder, state(false));
    const text = readFileSync(file()).toString('latin1');
    writeFileSync(file(), Buffer.from(text.replace('mean/queries', 'meen/queries'), 'latin1'));
    await expectRejection('RUN_INVALID', readCheckpoint(folder), 'queries');
    writeFileSync(file(), Buffer.from(text.replace(String.raw`\"step\":12`, String.raw`\"step\":-2`), 'latin1'));
    await expectRejection('RUN_INVALID', readCheckpoint(folder));
  });
});

describe('a durable file', () => {
  it('replaces the old one as a whole', async () => {
    await writeDurably(file(), 'a long text');
    await writeDurably(file(), 'short');
    expect(readFileSync(file(), 'utf8')).toBe('short');
    expect(readdirSync(folder)).toEqual(['checkpoint.safetensors']);
  });

  it('says so where it cannot be written', async () => {
    await expectRejection('OUTPUT_FAILED', writeDurably(join(folder, 'no', 'where'), 'x'), 'where', /space|folder/);
  });
});
