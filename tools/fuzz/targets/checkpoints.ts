/** One try: a sound checkpoint, damaged, opened, recognised, and made a session of where it still can be. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backboneTensors } from '../../../src/core/checkpoint/names/backbone.ts';
import { checkTensors } from '../../../src/core/checkpoint/check-tensors.ts';
import type { Checkpoint } from '../../../src/core/checkpoint/checkpoint.ts';
import { describeBackbone } from '../../../src/core/models/detect-backbone.ts';
import { describePromptEncoder } from '../../../src/core/models/detect-prompt-encoder.ts';
import { describeSam } from '../../../src/core/models/detect-sam.ts';
import { openCheckpoint } from '../../../src/core/checkpoint/open-checkpoint.ts';
import { promptEncoderTensors } from '../../../src/core/checkpoint/names/prompt-encoder.ts';
import { readFloatTensors } from '../../../src/core/checkpoint/read-tensors.ts';
import { samTensors } from '../../../src/core/checkpoint/names/sam.ts';
import { isProsamError } from '../../../src/core/common/errors.ts';
import { backboneTrunk } from '../../../src/core/networks/backbone.ts';
import { samImageEncoder } from '../../../src/core/networks/sam-image-encoder.ts';
import { seededRandom, uniformInt } from '../../../src/core/common/random.ts';
import { emitWithFile, tensorsNeeded, type NetworkDefinition } from '../../../src/core/onnx/emit.ts';
import { nodeRuntime } from '../../../src/core/runtime/node/ort-node.ts';
import { checkpointSeeds, type Seed } from './checkpoint-seeds.ts';
import { damaged } from '../mutate.ts';
import { unexpected, type FuzzTarget, type Try } from '../target.ts';

/** Codes with which opening damaged weights may end. */
const REFUSALS = ['CHECKPOINT_INVALID', 'CHECKPOINT_PICKLE', 'CHECKPOINT_MISMATCH', 'MODEL_NOT_FOUND'];
/** Refusals by the first bytes, before anything inside was read. */
const NOT_EVEN_OPENED = /not a|does not begin|is no /;
/** Sessions take longest: of damage that leaves a checkpoint readable, not every one is tried. */
const SESSION_SHARE = 0.2;

export const CHECKPOINTS: FuzzTarget = {
  name: 'checkpoints',
  about: 'openCheckpoint, up to a session of ONNX Runtime',
  open: async (folder) => ({ run: await tryDamaged(folder) }),
};

/** folder: to write damaged files to. */
async function tryDamaged(folder: string): Promise<Try> {
  const place = join(folder, 'seeds');
  mkdirSync(place);
  const seeds = checkpointSeeds(place);
  for (const seed of seeds) await openCheckpoint(written(folder, seed)); // sound, or the damage would prove nothing
  return async (number) => {
    const random = seededRandom(number);
    const seed = seeds[uniformInt(random, 0, seeds.length - 1)] as Seed;
    const other = [...(seeds[uniformInt(random, 0, seeds.length - 1)] as Seed).files.values()][0] as Buffer;
    const names = [...seed.files.keys()];
    const hit = names[uniformInt(random, 0, names.length - 1)] as string;
    const most = random() < 0.5 ? 1 : 8;
    const files = new Map([...seed.files].map(([name, bytes]) => [name, name === hit ? damaged(bytes, other, random, most) : bytes]));
    try {
      await use(await openCheckpoint(written(folder, { ...seed, files })), random() < SESSION_SHARE);
      return { code: 'OK', past: true };
    } catch (error) {
      if (!isProsamError(error) || !REFUSALS.includes(error.code)) return unexpected(error);
      return { code: error.code, past: !NOT_EVEN_OPENED.test(error.message) };
    }
  };
}

function written(folder: string, { files, open }: Pick<Seed, 'files' | 'open'>): string {
  const place = join(folder, 'damaged');
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  for (const [name, bytes] of files) writeFileSync(join(place, name), bytes);
  return join(place, open);
}

/** Uses damaged weights as far as they go: detected as one of the three parts, compared with its network, and a session made. */
async function use(checkpoint: Checkpoint, withSession: boolean): Promise<void> {
  const named = recognised(checkpoint);
  if (named === undefined) return;
  if (named.definition === undefined) {
    await readFloatTensors({ ...checkpoint, tensors: named.tensors });
    return;
  }
  checkTensors(tensorsNeeded(named.definition), new Map([...named.tensors].filter(([name]) => named.counts(name))), 'damaged');
  if (!withSession) return;
  const session = await nodeRuntime({ threads: 1 }).load(emitWithFile(named.definition, { ...checkpoint, tensors: named.tensors }));
  await session.close();
}

function recognised(
  checkpoint: Checkpoint,
): { tensors: Checkpoint['tensors']; counts: (name: string) => boolean; definition?: NetworkDefinition } | undefined {
  const { tensors } = checkpoint;
  const names = [...tensors.keys()].join('\n');
  if (names.includes('mask_decoder')) {
    const sam = samTensors(tensors, 'damaged');
    const config = describeSam(sam, 'damaged', { decoderHeads: 2 });
    const definition: NetworkDefinition = {
      name: 'encoder',
      inputs: { image: [1, 3, config.imageSize, config.imageSize] },
      build: (ops, weights, i) => ({ embedding: samImageEncoder(ops, weights, config, i['image'] as never).embedding }),
    };
    return { tensors: sam, counts: (name) => name.startsWith('image_encoder.'), definition };
  }
  if (names.includes('downsample_query') || names.includes('reduce.weight')) {
    const encoder = promptEncoderTensors(tensors, 'damaged');
    describePromptEncoder(encoder, 'damaged', { sam: '' });
    return { tensors: encoder.tensors, counts: () => true };
  }
  if (!/layer1|features|blocks|embeddings/.test(names)) return undefined; // small files without a network
  const backbone = backboneTensors(tensors, 'damaged');
  const described = describeBackbone(backbone.kind, backbone.tensors, 'damaged', { imageSize: 64, heads: 2 });
  const definition: NetworkDefinition = {
    name: 'backbone',
    inputs: { image: [1, 3, described.imageSize, described.imageSize] },
    build: (ops, weights, i) => ({ mid: backboneTrunk(ops, weights, described, i['image'] as never).mid }),
  };
  return { tensors: backbone.tensors, counts: (name) => tensorsNeeded(definition).has(name), definition };
}
