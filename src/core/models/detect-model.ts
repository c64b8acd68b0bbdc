/** A manifest for weights that lie somewhere: what they are is read off the files, and they stay where they are. */
import { basename, extname, resolve } from 'node:path';
import { ProsamError } from '../common/errors.ts';
import { IMAGENET, type SamResize } from '../image/preprocess.ts';
import { PLAN_KEY } from '../checkpoint/manifest.ts';
import type { HieraConfig, SamBackboneConfig, SamConfig, TinyVitConfig, VitConfig } from '../networks/config.ts';
import { backboneTensors } from '../checkpoint/names/backbone.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { samBackboneJson, samSectionJson, snakeKeys } from '../checkpoint/config-json.ts';
import { describeBackbone } from './detect-backbone.ts';
import { describePromptEncoder } from './detect-prompt-encoder.ts';
import { describeSam } from './detect-sam.ts';
import { inSinglePrecision } from './single-precision.ts';
import { saidBeside } from './sibling-manifest.ts';
import { openCheckpoint, weightFileAt } from '../checkpoint/open-checkpoint.ts';
import { promptEncoderTensors } from '../checkpoint/names/prompt-encoder.ts';
import { withoutHq } from '../checkpoint/names/fine-tunes.ts';
import { samTensors } from '../checkpoint/names/sam.ts';
import { aboutSam2 } from '../checkpoint/names/sam2.ts';
import { atImageSize } from './image-size.ts';
import { sam2FactsBeside } from './transformers-config.ts';

/** Weight files, or folders or lists of shards, as `openCheckpoint` takes them. */
export interface ModelWeights {
  sam: string;
  /** @default SAM is its own backbone */
  backbone?: string;
  promptEncoder?: string;
}

export interface DescribeModelOptions {
  name: string;
  license?: string | undefined;
  /** Origin of the weights, in words. */
  about?: string | undefined;
  /** @default 'stretch-float' for SAM 2, as it was trained; else 'aligned' with a backbone, as in the paper, and 'longest-side' without, as SAM was trained */
  resize?: SamResize | undefined;
  /** Side of SAM's square input in pixels, for SAM 2's fine-tunes. @default as the files beside the weights say, or as published */
  imageSize?: number | undefined;
  /** The model's folder, for copies of weights that cannot be used where they lie. */
  folder: string;
  /** sha256 of a file. */
  hash: (path: string) => Promise<string>;
}

export interface DescribedModel {
  /** Content of manifest.json, still without a known answer. */
  json: Record<string, unknown> & { files: Record<string, string> };
  /** Notes for people about its composition. */
  notes: string[];
}

/** @throws MODEL_NOT_FOUND, CHECKPOINT_*, MODEL_INVALID where two parts have files of one name */
export async function describeModel(weights: ModelWeights, options: DescribeModelOptions): Promise<DescribedModel> {
  const files: Record<string, string> = {};
  const locations: Record<string, string> = {};
  const notes: string[] = [];
  const place = (name: string, path: string, sha256: string): void => {
    if (Object.hasOwn(files, name))
      throw new ProsamError('MODEL_INVALID', `two parts of the model have a file called ${name}. Rename the shards of one and its list.`);
    files[name] = sha256;
    locations[name] = path;
  };
  /** Under a name that says which part it is: two checkpoints are often called the same. */
  const part = async (role: string, given: string): Promise<{ checkpoint: Checkpoint; file: string; sha256: string; label: string }> => {
    const { asked: label } = await weightFileAt(resolve(given));
    const checkpoint = await openCheckpoint(label);
    const converted = await inSinglePrecision(checkpoint, options.folder, role);
    if (converted !== undefined) {
      notes.push(`${label}: numbers of double precision; the model's folder has a copy in single precision, which is used.`);
      const file = basename(converted);
      const sha256 = await options.hash(converted);
      if (Object.hasOwn(files, file)) throw new ProsamError('MODEL_INVALID', `two parts of the model have a file called ${file}.`);
      files[file] = sha256;
      return { checkpoint: await openCheckpoint(converted), file, sha256, label };
    }
    const file = `${role}${endingOf(label)}`;
    const sha256 = await options.hash(label);
    place(file, label, sha256);
    for (const { name, path } of checkpoint.sources.slice(1)) place(name, path, await options.hash(path));
    return { checkpoint, file, sha256, label };
  };

  const sam = await part('sam', weights.sam);
  const samSays = await saidBeside(sam.label, sam.sha256);
  const config = await samConfigOf(sam.checkpoint, sam.label, samSays.sam?.config, options.imageSize, notes);
  const backbone = weights.backbone === undefined ? undefined : await part('backbone', weights.backbone);
  const encoder = weights.promptEncoder === undefined ? undefined : await part('prompt-encoder', weights.promptEncoder);
  const encoderSays = encoder ? await saidBeside(encoder.label, encoder.sha256) : {};
  const backboneJson = async (): Promise<Record<string, unknown>> => {
    if (backbone === undefined) return encoderSays.samBackbone ?? samSays.samBackbone ?? samBackboneJson(ownBackbone(config));
    const { kind, tensors } = backboneTensors(backbone.checkpoint.tensors, backbone.label);
    const { backbone: said } = await saidBeside(backbone.label, backbone.sha256);
    return { file: backbone.file, config: said ?? snakeKeys(describeBackbone(kind, tensors, backbone.label)) };
  };
  // As it was trained, where that is known and possible.
  const said = encoderSays.resize ?? samSays.resize;
  const usual = config.sam2 ? 'stretch-float' : backbone ? 'aligned' : 'longest-side';
  const against = { sam: sam.sha256, ...(backbone && { backbone: backbone.sha256 }) };
  const json = {
    format: 'prosam-model/1',
    name: options.name,
    ...(options.about !== undefined && { about: options.about }),
    license: options.license ?? 'not stated',
    files,
    locations,
    sam: samSectionJson({
      ...samSays.sam,
      file: sam.file,
      config,
      resize: options.resize ?? (said === undefined || (said === 'aligned' && !backbone) ? usual : said),
      mean: samSays.sam?.mean ?? [...IMAGENET.mean],
      std: samSays.sam?.std ?? [...IMAGENET.std],
    }),
    backbone: await backboneJson(),
    prompt_encoder: encoder && {
      ...encoderPlanJson(encoder.checkpoint, encoder.label, against, encoderSays.promptEncoder, notes),
      file: encoder.file,
    },
  };
  return { json, notes };
}

/** said: by the manifest beside the weights. @throws CHECKPOINT_*, OPTION_INVALID for an image side it cannot have */
async function samConfigOf(
  { tensors }: Checkpoint,
  label: string,
  said: SamConfig | undefined,
  imageSize: number | undefined,
  notes: string[],
): Promise<SamConfig> {
  const named = samTensors(tensors, label);
  const second = aboutSam2(tensors);
  const facts = second && said === undefined ? await sam2FactsBeside(label) : undefined;
  const config = said ?? describeSam(named, label, { facts });
  if (second) notes.push(`${label}: ${sam2Note(second)}`);
  const { left } = withoutHq(tensors);
  if (left > 0)
    notes.push(
      `${label}: SAM-HQ; the ${left} tensors of its own token and features are not read: masks are those of the SAM it was trained on.`,
    );
  if (facts?.imageSize !== undefined && imageSize !== undefined && facts.imageSize !== imageSize)
    notes.push(`${facts.path} says ${facts.imageSize} pixels; the image size that was given, ${imageSize}, is used.`);
  return atImageSize(config, imageSize, label);
}

function sam2Note({ version, videoTensors }: NonNullable<ReturnType<typeof aboutSam2>>): string {
  if (version === undefined) return 'SAM 2 or 2.1, which only the video part tells apart; it is not in this file, nor needed.';
  return `SAM ${version}; the ${videoTensors} tensors of its video part are not read.`;
}

/** Endings say little about a file, but people look at them; the list of a sharded checkpoint is known by its own. */
function endingOf(path: string): string {
  if (path.endsWith('.index.json')) return '.index.json';
  const ending = extname(path).toLowerCase();
  return /^\.[a-z0-9]{1,12}$/.test(ending) ? ending : '';
}

function ownBackbone(config: SamConfig): SamBackboneConfig {
  const { encoder } = config;
  if (encoder.kind === 'efficientnet-lite2') return { kind: 'sam', midTaps: [2, 3], highTaps: [3] };
  return { kind: 'sam', midBlocks: ownMidBlocks(encoder) };
}

/**
 * Two mid-level maps: of a ViT the two middle ones of the blocks that attend globally, which have seen the whole image; of a
 * TinyViT the middle and the end of its longest stage on the embedding's grid, the third. A Hiera's third stage counts as a ViT.
 */
function ownMidBlocks(encoder: VitConfig | TinyVitConfig | HieraConfig): number[] {
  if (encoder.kind === 'tiny_vit') return [...new Set([Math.max(0, Math.floor(encoder.depths[2] / 2) - 1), encoder.depths[2] - 1])];
  const { depth, globalAttnIndexes } = encoder.kind === 'vit' ? encoder : thirdStage(encoder);
  const blocks = globalAttnIndexes.length >= 2 ? globalAttnIndexes : Array.from({ length: depth }, (_, i) => i);
  const from = Math.max(0, Math.floor(blocks.length / 2) - 1);
  return blocks.slice(from, from + 2);
}

/** A Hiera's blocks on the embedding's grid, as if they were a ViT's. */
function thirdStage({ stages, globalAttBlocks }: HieraConfig): { depth: number; globalAttnIndexes: number[] } {
  const first = stages[0] + stages[1];
  return {
    depth: stages[2],
    globalAttnIndexes: globalAttBlocks.map((block) => block - first).filter((block) => block >= 0 && block < stages[2]),
  };
}

/** Plan of a prompt encoder: from the text beside it or in it, else from its shapes; checked against this SAM and backbone. */
function encoderPlanJson(
  { tensors, metadata }: Checkpoint,
  label: string,
  against: { sam: string; backbone?: string },
  beside: Record<string, unknown> | undefined,
  notes: string[],
): Record<string, unknown> {
  const said = beside ?? planIn(metadata, label);
  if (said === undefined) {
    const { config, ...plan } = describePromptEncoder(promptEncoderTensors(tensors, label), label, against);
    return { ...plan, config: snakeKeys(config) };
  }
  const { sam, backbone } = (said['trained_against'] ?? {}) as { sam?: string; backbone?: string };
  if (sam !== against.sam || backbone !== against.backbone)
    notes.push(
      `${label} says it was trained against other files (SAM ${short(sam)}, backbone ${short(backbone)}). ` +
        'That is well where these hold the same weights in another format, and gives useless masks where they do not.',
    );
  return { ...said, trained_against: against };
}

/** @throws CHECKPOINT_INVALID */
function planIn(metadata: Checkpoint['metadata'], label: string): Record<string, unknown> | undefined {
  const text = metadata[PLAN_KEY];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new ProsamError(
      'CHECKPOINT_INVALID',
      `${label}: expected JSON under ${PLAN_KEY} in its metadata, got text that does not parse.`,
      {
        cause,
      },
    );
  }
}

function short(sha256: string | undefined): string {
  return sha256?.slice(0, 12) ?? 'none';
}
