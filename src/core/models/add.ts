/** A model from weights that lie somewhere: described, run once, and kept under a name with the numbers that prove it. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describeModel, type DescribeModelOptions, type DescribedModel, type ModelWeights } from './detect-model.ts';
import { knownHash } from '../checkpoint/hash-cache.ts';
import { checkModelName } from '../checkpoint/model-paths.ts';
import { storeModel } from './install-model.ts';
import { writeDurably } from '../files/write-file.ts';
import type { AnnotatedImage } from './compare-precision.ts';
import { makeKnownAnswer } from './known-answer.ts';
import { withNetworks } from './verify-model.ts';

const KNOWN_ANSWER = 'known-answer.safetensors';
const MANIFEST = 'manifest.json';

export interface AddModelOptions extends Omit<DescribeModelOptions, 'hash' | 'name' | 'folder'> {
  /** Replace a model of the same name. @default false */
  force?: boolean;
  /** Image the model is run on. */
  example: AnnotatedImage;
  /** CPU threads; 0 = as many as there are cores. @default 0 */
  threads?: number;
  signal?: AbortSignal | undefined;
  /** Bytes of a file that were read for its hash since the last call. */
  onHashed?: (path: string, count: number) => void;
  /** Before the networks run, which takes seconds to minutes. */
  onRun?: () => void;
}

export interface AddedModel {
  folder: string;
  notes: DescribedModel['notes'];
}

/**
 * The weights stay where they are. A model that cannot be run is not kept.
 * @throws OPTION_INVALID, MODEL_*, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH, OUTPUT_FAILED, OUTPUT_TAKEN, ENGINE_FAILED
 */
export async function addModel(name: string, weights: ModelWeights, options: AddModelOptions): Promise<AddedModel> {
  const { example, signal, force = false, threads = 0 } = options;
  checkModelName(name);
  const hash = (path: string): Promise<string> => {
    return knownHash(path, { signal, onBytes: (count) => options.onHashed?.(path, count) });
  };
  let notes: string[] = [];
  const folder = await storeModel(
    name,
    async (inside) => {
      const described = await describeModel(weights, { ...options, name, folder: inside, hash });
      ({ notes } = described);
      const write = (json: object): Promise<void> => writeDurably(join(inside, MANIFEST), `${JSON.stringify(json, null, 2)}\n`);
      await write(described.json);
      signal?.throwIfAborted();
      options.onRun?.();
      const answer = await withNetworks(inside, { threads }, (model, networks) => makeKnownAnswer(model, networks, example));
      signal?.throwIfAborted();
      await writeDurably(join(inside, KNOWN_ANSWER), answer);
      const files = { ...described.json.files, [KNOWN_ANSWER]: createHash('sha256').update(answer).digest('hex') };
      await write({ ...described.json, files, known_answer: KNOWN_ANSWER });
    },
    { force },
  );
  return { folder, notes };
}
