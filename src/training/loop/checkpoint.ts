/** The state of a run between two steps, in one file that is either whole or not there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import {
  floatsFromTensor,
  parseSafetensors,
  safetensorsBytes,
  tensorToWrite,
  type TensorToWrite,
} from '../../core/checkpoint/formats/safetensors.ts';
import type { FloatTensor } from '../../core/checkpoint/read-tensors.ts';
import { writeDurably } from '../../core/files/write-file.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import type { AdamWState } from '../../core/common/adamw.ts';

/** Position of a run. Random draws depend on seed and step alone, so no RNG state is needed. */
const progressSchema = z.strictObject({
  /** Steps taken. */
  step: z.int().min(0),
  /** Steps of the optimiser's own count. */
  optimizerStep: z.int().min(0),
  /** Percent; -1 before the first validation. */
  bestMiou: z.number(),
  bestStep: z.int().min(0),
  /** Validated after this many steps; no validation is repeated. */
  validatedStep: z.int().min(0),
  /** Everything that must not change between the parts of one run. */
  settings: z.record(z.string(), z.union([z.string(), z.number()])),
});
export type Progress = z.output<typeof progressSchema>;

export interface RunState {
  progress: Progress;
  parameters: Map<string, FloatTensor>;
  optimizer: AdamWState;
  /** Exponential moving average of the parameters, where one is kept. */
  average?: Map<string, FloatTensor>;
}

const FILE = 'checkpoint.safetensors';

/** Written beside the old one, pushed to the disk, then put in its place. @throws OUTPUT_FAILED, the old one untouched */
export async function writeCheckpoint(folder: string, state: RunState): Promise<void> {
  const tensors: Record<string, TensorToWrite> = {};
  for (const [name, { data, shape }] of state.parameters) {
    tensors[`parameter/${name}`] = tensorToWrite(data, shape);
    tensors[`mean/${name}`] = tensorToWrite(state.optimizer.mean.get(name) as Float32Array, shape);
    tensors[`square/${name}`] = tensorToWrite(state.optimizer.square.get(name) as Float32Array, shape);
  }
  for (const [name, { data, shape }] of state.average ?? []) tensors[`average/${name}`] = tensorToWrite(data, shape);
  await writeDurably(join(folder, FILE), safetensorsBytes(tensors, { progress: JSON.stringify(state.progress) }));
}

/** undefined: the folder has none. @throws RUN_INVALID */
export async function readCheckpoint(folder: string): Promise<RunState | undefined> {
  const path = join(folder, FILE);
  const bytes = await readFile(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ProsamError('RUN_INVALID', `${path}: cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  if (bytes === undefined) return undefined;
  try {
    return parseCheckpoint(bytes, path);
  } catch (cause) {
    throw new ProsamError('RUN_INVALID', `${path}: expected a training checkpoint: ${messageOf(cause)}. Start in another folder.`, {
      cause,
    });
  }
}

function parseCheckpoint(bytes: Uint8Array, path: string): RunState {
  const { tensors, metadata } = parseSafetensors(bytes, path);
  const progress = progressSchema.parse(JSON.parse(metadata['progress'] ?? 'null'));
  const groups: Record<string, Map<string, FloatTensor>> = { parameter: new Map(), mean: new Map(), square: new Map(), average: new Map() };
  for (const [full, entry] of tensors) {
    const slash = full.indexOf('/');
    const data = floatsFromTensor(entry, bytes.subarray(entry.offset, entry.offset + entry.byteLength), `${path}: ${full}`);
    groups[full.slice(0, slash)]?.set(full.slice(slash + 1), { data, shape: entry.shape });
  }
  const { parameter, mean, square, average } = groups as Record<'parameter' | 'mean' | 'square' | 'average', Map<string, FloatTensor>>;
  const arrays = (group: Map<string, FloatTensor>): Map<string, Float32Array> => {
    return new Map(
      [...parameter.keys()].map((name) => {
        const found = group.get(name);
        if (found === undefined) throw new Error(`the optimiser's state of ${name} is missing`);
        return [name, found.data];
      }),
    );
  };
  return {
    progress,
    parameters: parameter,
    optimizer: { step: progress.optimizerStep, mean: arrays(mean), square: arrays(square) },
    ...(average.size > 0 && { average }),
  };
}
