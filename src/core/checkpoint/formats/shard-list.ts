/** The list of a checkpoint in shards: which tensor lies in which file. Read strictly: list and files must agree. */
import * as z from 'zod';
import { ProsamError } from '../../common/errors.ts';
import type { SafetensorsIndex } from './safetensors.ts';

export const SHARD_LIST = /\.index\.json$/;

const MAX_SHARDS = 1000;
const MAX_TENSORS = 100_000;
/** Shards lie beside their list: a name that leads elsewhere is refused. */
const SHARD_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;

const listSchema = z.looseObject({
  weight_map: z.record(
    z.string().min(1).max(1000),
    z.string().regex(SHARD_NAME, 'must be the plain name of a file beside the list').max(255),
  ),
});

export interface ShardList {
  /** Names of the files, each once, in order. */
  files: readonly string[];
  /** Tensor -> file. */
  places: ReadonlyMap<string, string>;
}

/** @throws CHECKPOINT_INVALID */
export function parseShardList(bytes: Uint8Array, label: string): ShardList {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw invalid(label, 'it is not JSON', cause);
  }
  const parsed = listSchema.safeParse(json);
  if (!parsed.success) throw invalid(label, z.prettifyError(parsed.error).split('\n').slice(0, 4).join(' '));
  const places = new Map(Object.entries(parsed.data.weight_map));
  const files = [...new Set(places.values())].sort();
  if (places.size === 0) throw invalid(label, 'it lists no tensors');
  if (places.size > MAX_TENSORS || files.length > MAX_SHARDS)
    throw invalid(label, `it lists ${places.size} tensors in ${files.length} files, more than any checkpoint`);
  return { files, places };
}

/** Does a shard hold what the list says, and nothing else? @throws CHECKPOINT_INVALID */
export function checkShard({ places }: ShardList, file: string, { tensors }: SafetensorsIndex, label: string): void {
  for (const name of tensors.keys())
    if (places.get(name) !== file)
      throw invalid(label, `${file} holds ${JSON.stringify(name)}, which the list puts into ${places.get(name) ?? 'no file'}`);
  for (const [name, place] of places)
    if (place === file && !tensors.has(name)) throw invalid(label, `${file} lacks ${JSON.stringify(name)}`);
}

function invalid(label: string, problem: string, cause?: unknown): ProsamError {
  return new ProsamError('CHECKPOINT_INVALID', `${label}: not a sound list of shards: ${problem}. Fetch the checkpoint again.`, { cause });
}
