/** Facts about a model without reading its weights: the manifest, and the names and shapes in its files. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProsamError } from '../common/errors.ts';
import { methodNames } from '../engine/methods/available.ts';
import { gridSize, type SamConfig } from '../networks/config.ts';
import { backboneTensors } from '../checkpoint/names/backbone.ts';
import type { Checkpoint, CheckpointTensors } from '../checkpoint/checkpoint.ts';
import { parseManifest, type Manifest } from '../checkpoint/manifest.ts';
import { openCheckpoint } from '../checkpoint/open-checkpoint.ts';
import { promptEncoderTensors } from '../checkpoint/names/prompt-encoder.ts';
import { samTensors } from '../checkpoint/names/sam.ts';
import { publishedHiera } from './published-hiera.ts';

export interface ModelFile {
  name: string;
  path: string;
  sha256: string;
  /** undefined: it is not there. */
  bytes: number | undefined;
}

export interface ModelPart {
  role: 'sam' | 'backbone' | 'prompt encoder';
  /** Description, such as `SAM ViT-B`. */
  what: string;
  parameters: number;
  /** Number formats of its weights, such as F32. */
  dtypes: string[];
}

export interface ModelFacts {
  folder: string;
  manifest: Manifest;
  files: ModelFile[];
  parts: ModelPart[];
  /** Bytes of all weight files present. */
  bytes: number;
  parameters: number;
  /** Peak while it segments on a CPU in single precision; an estimate, see `memoryToExpect`. */
  memoryBytes: number;
  methods: string[];
}

/** @throws MODEL_NOT_FOUND, MODEL_INVALID, CHECKPOINT_* */
export async function inspectModel(folder: string): Promise<ModelFacts> {
  const label = join(folder, 'manifest.json');
  const text = await readFile(label, 'utf8').catch((cause: unknown) => {
    throw new ProsamError('MODEL_NOT_FOUND', `expected a model folder with a manifest.json, found none in ${folder}.`, { cause });
  });
  const manifest = parseManifest(text, label);
  const locations = manifest.locations ?? {};
  const placeOf = (file: string): string => (Object.hasOwn(locations, file) ? (locations[file] as string) : join(folder, file));
  const files = await Promise.all(
    Object.entries(manifest.files).map(async ([name, sha256]): Promise<ModelFile> => {
      const info = await stat(placeOf(name)).catch(() => undefined);
      return { name, path: placeOf(name), sha256, bytes: info?.size };
    }),
  );
  const open = (file: string): Promise<Checkpoint> => openCheckpoint(placeOf(file), { locations });
  const parts: ModelPart[] = [];
  const { sam, backbone, prompt_encoder: encoder } = manifest;
  parts.push(partOf('sam', samName(sam.config), samTensors((await open(sam.file)).tensors, placeOf(sam.file))));
  if ('file' in backbone) {
    const { tensors } = backboneTensors((await open(backbone.file)).tensors, placeOf(backbone.file));
    parts.push(partOf('backbone', backboneName(backbone.config), tensors));
  }
  if (encoder) {
    const { tensors } = promptEncoderTensors((await open(encoder.file)).tensors, placeOf(encoder.file));
    const { distribution, config } = encoder;
    parts.push(
      partOf(
        'prompt encoder',
        `${distribution === 'deterministic' ? 'VRP-SAM' : 'ProSAM'}, ${config.numPrompts} prompts, ${distribution}`,
        tensors,
      ),
    );
  }
  const parameters = parts.reduce((sum, part) => sum + part.parameters, 0);
  return {
    ...{ folder, manifest, files, parts, parameters },
    bytes: files.reduce((sum, file) => sum + (file.bytes ?? 0), 0),
    memoryBytes: memoryToExpect(sam.config, parameters),
    methods: methodNames(encoder),
  };
}

function partOf(role: ModelPart['role'], what: string, tensors: CheckpointTensors): ModelPart {
  let parameters = 0;
  const dtypes = new Set<string>();
  for (const { shape, dtype } of tensors.values()) {
    parameters += shape.reduce((a, b) => a * b, 1);
    if (dtype !== 'I64') dtypes.add(dtype); // counters of batch norms
  }
  return { role, what, parameters, dtypes: [...dtypes].sort() };
}

const VIT_SIZES: Readonly<Record<number, string>> = { 384: 'S', 768: 'B', 1024: 'L', 1280: 'H' };

function samName({ encoder, imageSize }: SamConfig): string {
  if (encoder.kind === 'tiny_vit') return `SAM TinyViT (${encoder.embedDims.join('-')}) at ${imageSize}`;
  if (encoder.kind === 'hiera') {
    const size = publishedHiera(encoder)?.size;
    const depth = encoder.stages.reduce((sum, count) => sum + count, 0);
    return `SAM 2 Hiera${size === undefined ? ` of ${depth} blocks, ${encoder.embedDim} wide at first` : `, ${size}`}, at ${imageSize}`;
  }
  if (encoder.kind === 'efficientnet-lite2') return `EfficientNet-Lite2 under SAM 2's decoder, at ${imageSize}`;
  const size = VIT_SIZES[encoder.embedDim];
  return `SAM ViT${size === undefined ? ` of ${encoder.depth} blocks, ${encoder.embedDim} wide` : `-${size}`} at ${imageSize}`;
}

type OwnBackbone = Extract<Manifest['backbone'], { file: string }>['config'];

function backboneName(config: OwnBackbone): string {
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  // The name counts the layers with weights: three convolutions a block, the stem and the classifier that is left off.
  if (config.kind === 'resnet')
    return `ResNet-${3 * sum(config.layers) + 2}${config.deepStem ? ' with a deep stem' : ''} at ${config.imageSize}`;
  if (config.kind === 'vgg') return `VGG-${sum(config.convs) + 3} at ${config.imageSize}`;
  const version = config.kind === 'dinov2' ? 2 : 3;
  const registers = config.kind === 'dinov2' && config.numRegisterTokens > 0 ? ' with registers' : '';
  return `DINOv${version} ViT-${VIT_SIZES[config.embedDim] ?? String(config.embedDim)}/${config.patchSize}${registers} at ${config.imageSize}`;
}

/** Node, ONNX Runtime and the graphs. */
const BASE_BYTES = 150e6;
/** Some weights are held twice, in the order the products want them. */
const WEIGHT_SHARE = 1.15;
/** Per token and channel, while a block of a ViT runs: SAM ViT-B took 1.26 GB alone and 1.90 GB with DINOv2 ViT-B beside it. */
const VIT_BYTES = 260;
/** Per cell and widened channel of a TinyViT's first stage, the largest maps it makes. */
const TINY_VIT_BYTES = 16;
const FIRST_STRIDE = 4;
/** Per cell and channel of a Hiera's first stage: base+ took 1.28 GB, large 2.17 GB. */
const HIERA_BYTES = 108;
/** Per cell of an EfficientNet's first map: its widest layer stands on four times as many. */
const EFFICIENTNET_BYTES = 6000;

function memoryToExpect(sam: SamConfig, parameters: number): number {
  return Math.round(BASE_BYTES + WEIGHT_SHARE * 4 * parameters + activationBytes(sam));
}

function activationBytes(sam: SamConfig): number {
  const { encoder, imageSize } = sam;
  const firstCells = (imageSize / FIRST_STRIDE) ** 2;
  switch (encoder.kind) {
    case 'vit':
      return VIT_BYTES * gridSize(sam) ** 2 * encoder.embedDim;
    case 'tiny_vit':
      return TINY_VIT_BYTES * firstCells * encoder.embedDims[0] * encoder.mbconvExpandRatio;
    case 'hiera':
      return HIERA_BYTES * firstCells * encoder.embedDim;
    case 'efficientnet-lite2':
      return EFFICIENTNET_BYTES * firstCells;
  }
}
