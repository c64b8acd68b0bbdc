/** The stages of one model as functions on tensors. Each network becomes a session when it is first needed. */
import { matchingOf, type Matching, type MatchingMethod } from '../checkpoint/methods-section.ts';
import type { Model } from '../checkpoint/model-folder.ts';
import { gridBlocks, type PromptEncoderConfig, type Sam2Config } from '../networks/config.ts';
import { samInput, squareInput, type PreprocessConfig } from '../image/preprocess.ts';
import type { Raster } from '../image/pillow-resize.ts';
import { checkTensors } from '../checkpoint/check-tensors.ts';
import { ProsamError } from '../common/errors.ts';
import { emitWithFile, outputShapes, tensorsNeeded, type EmittedModel } from './emit.ts';
import { markedCells } from './marked-cells.ts';
import {
  backboneFinalGraph,
  backboneStateShape,
  backboneTrunkGraph,
  decodePointsGraph,
  decodePromptsGraph,
  encodeReferenceGraph,
  encodeTargetGraph,
  imageEncoderGraph,
  nearestCosineGraph,
  similarityGraph,
  type DecoderGuidance,
} from './model-graphs.ts';
import type { Precision } from './precision.ts';
import { createEncoderNetworks, type OpenPromptEncoder, type PromptEncoderNetworks } from './prompt-encoder-networks.ts';
import type { Runtime, Session, Tensor } from './session.ts';
import { createSessions } from './sessions.ts';

type Named = Record<string, Tensor>;

/** SAM's view of an image. */
export interface SamFeatures {
  /** [1, c, g, g] */
  embedding: Tensor;
  /** SAM 2's finer maps, in the order of `HighResMaps`. [1, 16 g * g, c / 8] */
  highRes0?: Tensor;
  /** [1, 4 g * g, c / 4] */
  highRes1?: Tensor;
}

/** Features of an image that the prompt encoder reads. */
export interface BackboneFeatures {
  /** [1, C, h, w] */
  mid: Tensor;
  /** [1, C', h, w] */
  high: Tensor;
  /** Start of the backbone's last stage, where `mid` does not end in it. */
  state?: Tensor;
}

/** Tensors of SAM's view, without whatever else an image has. */
export function samFeaturesOf({ embedding, highRes0, highRes1 }: SamFeatures): SamFeatures & Record<string, Tensor> {
  return { embedding, ...(highRes0 && { highRes0 }), ...(highRes1 && { highRes1 }) };
}

/** Low-resolution logits [B, n, 4g, 4g] and SAM's estimate of each mask's IoU [B, n]. */
export interface Decoded {
  logits: Tensor;
  iou: Tensor;
  /** SAM 2: logit of "there is an object". [B, 1] */
  objectScore?: Tensor;
}

/** With the model's own prompt encoder. */
export interface Networks extends PromptEncoderNetworks {
  readonly device: string;
  /** Number format of the image networks. */
  readonly precision: Precision;
  encode(image: Raster): Promise<SamFeatures & BackboneFeatures>;
  /** SAM's image encoder gives the backbone's maps as well: nothing need run twice. */
  readonly samIsBackbone: boolean;
  /** Numbers of SAM 2's mask decoder; undefined for SAM. */
  readonly sam2: Sam2Config | undefined;
  /** Points and boxes are drawn into the mask prompt besides. */
  readonly drawsPrompts: boolean;
  encodeSam(image: Raster): Promise<SamFeatures>;
  /** Maps of the backbone; of SAM as its own backbone also its finer maps, and its embedding where that is not `high`. */
  encodeBackbone(image: Raster): Promise<BackboneFeatures & Partial<SamFeatures>>;
  /** High-level map of a reference that only ever saw the marked cells. mask: h * w values */
  maskedHigh(features: BackboneFeatures, mask: Float32Array): Promise<Tensor>;
  /** Largest cosine similarity of every target cell to a marked cell; zeros where nothing is marked. [1, 1, h, w] */
  similarity(reference: Tensor, mask: Float32Array, target: Tensor, norm: 'none' | 'minmax'): Promise<Tensor>;
  /** Features that the training-free methods compare. */
  readonly matching: Readonly<Record<MatchingMethod, Matching>>;
  /** Largest cosine of every target cell to one of the cells. cells [n, C], target [1, C, h, w] in parts of `widths` channels -> h * w values, -1..1 */
  nearestCosine(cells: Tensor, target: Tensor, widths: readonly number[]): Promise<Float32Array>;
  /** Other weights; those of one configuration share their sessions. */
  promptEncoder: OpenPromptEncoder;
  /** prompts [B, m, c] decoded on one image, optionally with one mask prompt of logits for all of them [1, 1, 4g, 4g]. */
  decodePrompts(image: SamFeatures, prompts: Tensor, mask?: Tensor): Promise<Decoded>;
  /** SAM's own prompts: xy [B, N, 2], kinds [B, N, 5] (POINT_KINDS), optionally a mask prompt of logits [B, 1, 4g, 4g]. All four masks. */
  decodePoints(image: SamFeatures, xy: Tensor, kinds: Tensor, mask?: Tensor, guidance?: DecoderGuidance): Promise<Decoded>;
  /** Makes the session of the image encoder, which proves the device. */
  warmUp(): Promise<void>;
  /** Each makes a session that most calls need, in the order in which they do, or finds it made: for times when nobody asks for anything. */
  readonly ahead: readonly (() => Promise<unknown>)[];
  close(): Promise<void>;
}

export function preprocessOf(model: Model): PreprocessConfig {
  const { sam, backbone } = model.manifest;
  return {
    resize: sam.resize,
    samSize: sam.config.imageSize,
    ...('file' in backbone && { backboneSize: backbone.config.imageSize }),
    ...(sam.upsample === 'half_pixel' && { halfPixel: true }),
    normalisation: { mean: sam.mean, std: sam.std },
  };
}

/**
 * Compares every weight file with what the model's configuration needs, and the parts with each other.
 * @throws CHECKPOINT_MISMATCH, MODEL_INVALID
 */
export function checkModelWeights(model: Model): void {
  const { manifest } = model;
  const label = (file: string): string => `${model.id}: ${file}`;
  const depth = gridBlocks(manifest.sam.config);
  if ('midBlocks' in manifest.backbone && manifest.backbone.midBlocks.some((block) => block >= depth)) {
    throw new ProsamError(
      'MODEL_INVALID',
      `${model.id}: mid_blocks must be below SAM's depth of ${depth} (blocks on the embedding's grid).`,
    );
  }
  const sam = [
    imageEncoderGraph(manifest),
    decodePromptsGraph(manifest),
    decodePointsGraph(manifest, false),
    decodePointsGraph(manifest, true),
  ];
  checkTensors(tensorsNeeded(...sam), model.sam.tensors, label(manifest.sam.file));
  const trunk = 'file' in manifest.backbone ? backboneTrunkGraph(manifest) : imageEncoderGraph(manifest);
  if (model.backbone) checkTensors(tensorsNeeded(trunk, backboneFinalGraph(manifest)), model.backbone.tensors, label(model.backbone.file));
  if (manifest.prompt_encoder === undefined || model.promptEncoder === undefined) return;
  const channels = outputShapes(trunk)['mid']?.[1];
  const { midChannels } = manifest.prompt_encoder.config;
  if (channels !== midChannels) {
    throw new ProsamError(
      'MODEL_INVALID',
      `${model.id}: prompt_encoder.config.mid_channels is ${midChannels}, the backbone gives ${channels}. Correct the manifest.`,
    );
  }
  checkPromptEncoder(manifest, manifest.prompt_encoder.config, model.promptEncoder, label(manifest.prompt_encoder.file));
}

/** @throws CHECKPOINT_MISMATCH */
export function checkPromptEncoder(
  manifest: Model['manifest'],
  config: PromptEncoderConfig,
  tensors: ReadonlyMap<string, { shape: readonly number[] }>,
  label: string,
): void {
  const parts = { ...manifest, prompt_encoder: { config } };
  checkTensors(tensorsNeeded(encodeReferenceGraph(parts), encodeTargetGraph(parts)), tensors, label);
}

export interface NetworksOptions {
  /** Number format of the image encoder and the backbone; decoder and prompt encoder compute in fp32. @default 'fp32' */
  precision?: Precision;
}

export function createNetworks(model: Model, runtime: Runtime, { precision = 'fp32' }: NetworksOptions = {}): Networks {
  const { manifest } = model;
  const preprocess = preprocessOf(model);
  const sessions = createSessions(runtime);
  const imageSession = () => sessions.of('image', () => emitWithFile(imageEncoderGraph(manifest), model.sam, precision));
  const trunkSession = () => sessions.of('trunk', () => emitWithFile(backboneTrunkGraph(manifest), model.backbone, precision));
  const finalSession = () => sessions.of('final', () => emitWithFile(backboneFinalGraph(manifest), model.backbone, precision));
  const promptsSession = (withMask: boolean) =>
    sessions.of(`prompts ${withMask}`, () => emitWithFile(decodePromptsGraph(manifest, withMask), model.sam));
  const pointsSession = (withMask: boolean, guided: boolean) =>
    sessions.of(`points ${withMask} ${guided}`, () => emitWithFile(decodePointsGraph(manifest, withMask, guided), model.sam));
  const run = async <K extends string>(session: Promise<Session>, inputs: Named): Promise<Record<K, Tensor>> =>
    await (await session).run(inputs);
  const square = (data: Float32Array, side: number): Tensor => ({ data, shape: [1, 3, side, side] });
  const maskLike = (mask: Float32Array, map: Tensor): Tensor => ({ data: mask, shape: [1, 1, ...map.shape.slice(2)] });
  const encoders = createEncoderNetworks(model, sessions);
  const stateShape = 'file' in manifest.backbone ? (backboneStateShape(manifest) as number[]) : undefined;
  const sizeOf = (shape: readonly number[]): number => shape.reduce((product, dim) => product * dim, 1);
  const backboneFeatures = async (image: Float32Array, side: number): Promise<BackboneFeatures> => {
    const trunk = await run<'mid'>(trunkSession(), { image: square(image, side) });
    const cells = (trunk.mid.shape[2] as number) * (trunk.mid.shape[3] as number);
    return { ...trunk, high: await maskedHigh({ ...trunk, high: trunk.mid }, new Float32Array(cells).fill(1)) };
  };
  const maskedHigh: Networks['maskedHigh'] = async (features, mask) => {
    if (stateShape === undefined) return features.high; // SAM's embedding: the mask comes in where cells are picked
    const state = features.state ?? { data: features.mid.data.subarray(-sizeOf(stateShape)), shape: stateShape };
    const inputs = { state, mask: maskLike(mask, features.mid) };
    return (await run<'high'>(finalSession(), inputs)).high;
  };

  const imageEncoder = (image: Raster): Promise<SamFeatures & { mid: Tensor; high?: Tensor }> =>
    run(imageSession(), { image: square(samInput(image, preprocess), preprocess.samSize) });
  const samIsBackbone = preprocess.backboneSize === undefined;
  const drawsPrompts = manifest.sam.prompts === 'drawn';
  const encoder = manifest.prompt_encoder?.config;
  const encodeSam: Networks['encodeSam'] = async (image) => samFeaturesOf(await imageEncoder(image));
  const encodeBackbone: Networks['encodeBackbone'] = async (image) => {
    const { backboneSize } = preprocess;
    if (backboneSize !== undefined) return backboneFeatures(squareInput(image, backboneSize, preprocess.normalisation), backboneSize);
    const { mid, embedding, high, ...finer } = await imageEncoder(image);
    return high === undefined ? { mid, high: embedding, ...finer } : { mid, high, embedding, ...finer };
  };

  return {
    device: runtime.device,
    precision,
    maskedHigh,
    async warmUp() {
      await imageSession();
    },
    ahead: [
      ...('file' in manifest.backbone ? [trunkSession, finalSession] : []),
      () => pointsSession(drawsPrompts, false),
      ...encoders.ahead,
      ...(encoder ? [() => promptsSession(encoder.dense === 'coarse')] : []),
    ],
    samIsBackbone,
    sam2: manifest.sam.config.sam2,
    drawsPrompts,
    encodeSam,
    encodeBackbone,
    async encode(image) {
      const maps = await encodeBackbone(image);
      return { ...maps, ...(samIsBackbone ? { embedding: maps.embedding ?? maps.high } : await encodeSam(image)) };
    },
    async similarity(reference, mask, target, norm) {
      // Taps know no masked reference: a cell that is not marked has no similarity, not one of 0.
      const marked = markedCells(reference, mask, 'midTaps' in manifest.backbone);
      if (marked === undefined)
        return {
          data: new Float32Array((target.shape[2] as number) * (target.shape[3] as number)),
          shape: [1, 1, ...target.shape.slice(2)],
        };
      const emit = (): EmittedModel => emitWithFile(similarityGraph(target.shape, norm), undefined);
      const session = sessions.of(`similarity ${norm} ${target.shape.join()}`, emit);
      return (await run<'similarity'>(session, { ...marked, target })).similarity;
    },
    matching: matchingOf(manifest),
    async nearestCosine(cells, target, widths) {
      const emit = (): EmittedModel => emitWithFile(nearestCosineGraph(target.shape, widths), undefined);
      const session = sessions.of(`cosine ${widths.join()} ${target.shape.join()}`, emit);
      return (await run<'cosine'>(session, { cells, target })).cosine.data;
    },
    promptEncoder: encoders.promptEncoder,
    ...encoders.own,
    decodePrompts(image, prompts, mask) {
      return run(promptsSession(mask !== undefined), { ...samFeaturesOf(image), prompts, ...(mask && { mask }) });
    },
    decodePoints(image, xy, kinds, mask, guidance) {
      const inputs = { ...samFeaturesOf(image), xy, kinds, ...(mask && { mask }), ...guidance };
      return run(pointsSession(mask !== undefined, guidance !== undefined), inputs);
    },
    close: () => sessions.close(),
  };
}
