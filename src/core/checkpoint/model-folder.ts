/** Opens a model: a folder with manifest.json and weights, in it or where the manifest says, every file proved by its hash. */
import { join } from 'node:path';
import { ProsamError } from '../common/errors.ts';
import { backboneTensors } from './names/backbone.ts';
import { knownHash } from './hash-cache.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { readManifestText } from './manifest-text.ts';
import { modelIds, type ModelIds } from './model-ids.ts';
import { namedSources, type Checkpoint } from './checkpoint.ts';
import { openCheckpoint } from './open-checkpoint.ts';
import { promptEncoderTensors } from './names/prompt-encoder.ts';
import { readFloatTensors, type FloatTensor } from './read-tensors.ts';
import { samTensors } from './names/sam.ts';

/** Everything an engine needs to know of a model. Plain data: it may cross to a worker. */
export interface Model extends ModelIds {
  manifest: Manifest;
  sam: Checkpoint;
  /** Absent where SAM is its own backbone. */
  backbone?: Checkpoint;
  /** Absent in a model without a trained prompt encoder. */
  promptEncoder?: ReadonlyMap<string, FloatTensor>;
}

/** folder: path of a model folder. @throws MODEL_NOT_FOUND, MODEL_INVALID, MODEL_HASH_MISMATCH, CHECKPOINT_*, PROMPT_ENCODER_MISMATCH */
export async function openModel(folder: string): Promise<Model> {
  const { text, label } = await readManifestText(folder);
  const manifest = parseManifest(text, label);
  const locations = manifest.locations ?? {};
  const placeOf = (file: string): string => locations[file] ?? join(folder, file);
  const open = async (file: string): Promise<Checkpoint> => {
    const checkpoint = await openCheckpoint(placeOf(file), { locations });
    for (const { name, path } of namedSources(checkpoint, file)) {
      const wanted = manifest.files[name];
      if (wanted === undefined)
        throw new ProsamError('MODEL_INVALID', `${label} gives no sha256 for ${name}, a shard of ${file}. Add it under "files".`);
      await verifyHash(path, wanted);
    }
    return checkpoint;
  };

  const sam = await open(manifest.sam.file);
  const backbone = 'file' in manifest.backbone ? await open(manifest.backbone.file) : undefined;
  const encoder = manifest.prompt_encoder && (await open(manifest.prompt_encoder.file));
  // The hash of a list of shards says nothing of the shards.
  const shards = [sam, ...(backbone ? [backbone] : [])].flatMap(({ sources }) => sources.slice(1).map(({ name }) => name));
  return {
    ...(await modelIds(manifest, text, shards)),
    manifest,
    sam: { ...sam, tensors: samTensors(sam.tensors, placeOf(manifest.sam.file)) },
    ...(backbone && { backbone: { ...backbone, tensors: backboneTensors(backbone.tensors, placeOf(backbone.file)).tensors } }),
    ...(encoder && {
      promptEncoder: await readFloatTensors({ ...encoder, ...promptEncoderTensors(encoder.tensors, placeOf(encoder.file)) }),
    }),
  };
}

async function verifyHash(path: string, wanted: string): Promise<void> {
  const got = await knownHash(path);
  if (got === wanted) return;
  throw new ProsamError(
    'MODEL_HASH_MISMATCH',
    `${path}: expected sha256 ${wanted}, got ${got}. The file is damaged or not the one the manifest describes; fetch it again.`,
  );
}
