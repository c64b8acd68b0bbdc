/** The photo model's networks against numbers of PyTorch, where its folder is at hand: PROSAM_SMALL, or beside the project. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTrainingEngine } from '../../src/training/tfjs/engine.ts';
import type { Engines } from './golden-set.ts';
import { knownOf, relativeError, smallOutputs, tensorOf } from './small-model.ts';

const FOLDER = process.env['PROSAM_SMALL'] ?? '../shared/data/small';
const here = existsSync(join(FOLDER, 'manifest.json'));
const RUNTIMES: Record<string, () => Promise<Engines>> = {
  'ONNX Runtime': () => Promise.resolve({}),
  'TensorFlow.js': async () => ({ tf: (await loadTrainingEngine('wasm')).tf, networks: 'tfjs' }),
};
/** Deviations in single precision on the runtimes seen so far stay below a tenth of this. */
const BOUND = 1e-4;

describe.skipIf(!here)('the photo model', () => {
  it.each(Object.entries(RUNTIMES))("hits every one of PyTorch's forward numbers on %s", async (_, engines) => {
    const known = knownOf(FOLDER);
    const found = await smallOutputs(FOLDER, known, await engines());
    const errors = new Map([...found].map(([name, values]) => [name, relativeError(values, tensorOf(known, `out.${name}`))]));
    if (process.env['PROSAM_SMALL_SHOW']) console.log([...errors].map(([name, error]) => `${name} ${error.toExponential(1)}`).join('\n'));
    const forward = [...known.keys()].filter((name) => name.startsWith('out.') && !name.startsWith('out.train.'));
    expect([...found.keys()].map((name) => `out.${name}`).sort()).toEqual(forward.sort());
    expect([...errors].filter(([, error]) => !(error < BOUND))).toEqual([]);
  });
});
