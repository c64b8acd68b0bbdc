/** The graphs a model is made of: which network, which inputs, which outputs. */
import type { Manifest } from '../checkpoint/manifest.ts';
import { backboneFinal, backboneTrunk, endsInTokens } from '../networks/backbone.ts';
import { coarseGradients } from '../networks/coarse-gradients.ts';
import { gridSize, type SamConfig } from '../networks/config.ts';
import { fixed, type Ops, type Shape, type Weights } from '../networks/ops.ts';
import { nearestCosine, pseudoMask } from '../networks/pseudo-mask.ts';
import { samImageEncoder } from '../networks/sam-image-encoder.ts';
import { samMaskDecoder, type Guidance, type MaskDecoderInputs } from '../networks/sam-mask-decoder.ts';
import { lowResSize, POINT_KINDS, samMaskEmbedding, samPointEmbeddings } from '../networks/sam-prompt-encoder.ts';
import { encodeReference, encodeTarget } from '../networks/variational-prompt-encoder.ts';
import { defineNetwork, outputShapes, type NetworkDefinition } from './emit.ts';
import type { Tensor } from './session.ts';

interface Parts extends Pick<Manifest, 'sam' | 'backbone'> {
  prompt_encoder?: Pick<NonNullable<Manifest['prompt_encoder']>, 'config'> | undefined;
}

/**
 * image [1, 3, S, S] -> embedding [1, c, g, g], of SAM 2 also highRes0, highRes1; where SAM is the backbone also mid [1, C, g, g], and
 * high [1, C', g, g] where that is not the embedding
 */
export function imageEncoderGraph({ sam: { config }, backbone }: Parts): NetworkDefinition {
  return defineNetwork('SAM image encoder', { image: [1, 3, config.imageSize, config.imageSize] }, (ops, weights, { image }) => {
    const { blocks, taps = [], embedding, highRes } = samImageEncoder(ops, weights, config, image);
    if ('file' in backbone) return { embedding, ...highRes };
    if ('midTaps' in backbone) {
      const map = (names: readonly number[]) => tapsOnGrid(ops, taps, names, gridSize(config));
      return { embedding, ...highRes, mid: map(backbone.midTaps), high: map(backbone.highTaps) };
    }
    const maps = backbone.midBlocks.map((index) => {
      const block = blocks[index];
      if (block === undefined) throw new Error(`mid_blocks names block ${index}, the encoder has ${blocks.length}`);
      return ops.transpose(block, [0, 3, 1, 2]);
    });
    return { embedding, ...highRes, mid: ops.concat(maps, 1) };
  });
}

/** Maps of several strides as one, on the embedding's grid. taps [B, C, h, w] each -> [B, sum of C, g, g] */
function tapsOnGrid<T>(ops: Ops<T>, taps: readonly T[], names: readonly number[], grid: number): T {
  const maps = names.map((name) => {
    const map = taps[name];
    if (map === undefined) throw new Error(`the backbone takes tap ${name}, the encoder has ${taps.length}`);
    return ops.shapeOf(map)[2] === grid ? map : ops.resizeAligned(map, grid, grid);
  });
  return maps.length === 1 ? (maps[0] as T) : ops.concat(maps, 1);
}

function ownBackbone({ backbone }: Parts) {
  if (!('file' in backbone)) throw new Error('SAM is its own backbone here');
  return backbone.config;
}

/** image [1, 3, s, s] -> mid [1, C, h, w], and where `mid` does not end in it also state */
export function backboneTrunkGraph(parts: Parts): NetworkDefinition {
  return trunkGraph(parts, endsInTokens(ownBackbone(parts)));
}

function trunkGraph(parts: Parts, withState: boolean): NetworkDefinition {
  const config = ownBackbone(parts);
  return defineNetwork(`${config.kind} trunk`, { image: [1, 3, config.imageSize, config.imageSize] }, (ops, weights, { image }) => {
    const { mid, state } = backboneTrunk(ops, weights, config, image);
    return { mid, ...(withState && { state }) };
  });
}

/** Input of the last stage: the last channels of `mid` for convolutions, tokens of its own for DINO. */
export function backboneStateShape(parts: Parts): Shape {
  return outputShapes(trunkGraph(parts, true))['state'] as Shape;
}

/** state, mask [1, 1, h, w] -> high [1, C', h, w] */
export function backboneFinalGraph(parts: Parts): NetworkDefinition {
  const config = ownBackbone(parts);
  const { mid, state } = outputShapes(trunkGraph(parts, true)) as { mid: Shape; state: Shape };
  return defineNetwork(`${config.kind} last stage`, { state, mask: [1, 1, ...mid.slice(2)] }, (ops, weights, inputs) => ({
    high: backboneFinal(ops, weights, config, inputs.state, inputs.mask),
  }));
}

/** cells [n, C], target [1, C, h, w], floor [1] -> similarity [1, 1, h, w] */
export function similarityGraph(target: Shape, norm: 'none' | 'minmax'): NetworkDefinition {
  return defineNetwork('similarity', { cells: ['n', target[1] as number], target, floor: [1] }, (ops, _, inputs) => ({
    similarity: pseudoMask(ops, inputs.cells, inputs.target, inputs.floor, norm),
  }));
}

/** cells [n, C], target [1, C, h, w] -> cosine [1, 1, h, w]. widths: channels of the parts that are compared, each at length 1 */
export function nearestCosineGraph(target: Shape, widths: readonly number[]): NetworkDefinition {
  return defineNetwork('largest cosine', { cells: ['n', target[1] as number], target }, (ops, _, inputs) => ({
    cosine: nearestCosine(ops, inputs.cells, inputs.target, widths),
  }));
}

/** Shape of the map the prompt encoder reads. [1, C, h, w] */
export function midShape(parts: Parts): Shape {
  return outputShapes('file' in parts.backbone ? backboneTrunkGraph(parts) : imageEncoderGraph(parts))['mid'] as Shape;
}

const BYTES_PER_VALUE = 4;

/** Memory that the features of one image take. */
export function featureBytes(parts: Parts): number {
  const graphs = 'file' in parts.backbone ? [backboneTrunkGraph(parts), backboneFinalGraph(parts)] : [];
  const shapes = [imageEncoderGraph(parts), ...graphs].flatMap((graph) => Object.values(outputShapes(graph)));
  return shapes.reduce((sum, shape) => sum + BYTES_PER_VALUE * shape.reduce<number>((product, dim) => product * fixed(dim), 1), 0);
}

function encoderShapes(parts: Parts) {
  const encoder = parts.prompt_encoder;
  if (encoder === undefined) throw new Error('the model has no prompt encoder');
  const mid = midShape(parts);
  return { config: encoder.config, mid, mask: [1, 1, ...mid.slice(2)] };
}

/** mid [1, C, h, w], mask [1, 1, h, w] -> prototype [1, c, 1, 1], queries [1, m, c] */
export function encodeReferenceGraph(parts: Parts): NetworkDefinition {
  const { config, mid, mask } = encoderShapes(parts);
  return defineNetwork('prompt encoder, reference', { mid, mask }, (ops, weights, inputs) => {
    const { prototype, queries } = encodeReference(ops, weights, config, inputs);
    return { prototype, queries };
  });
}

/** mid, pseudo [1, 1, h, w], prototype, queries -> mu and logSigma [1, m, c], coarse [1, 1, h, w] */
export function encodeTargetGraph(parts: Parts): NetworkDefinition {
  const { config, mid, mask } = encoderShapes(parts);
  const inputs = { mid, pseudo: mask, prototype: [1, config.dim, 1, 1], queries: [1, config.numPrompts, config.dim] };
  return defineNetwork('prompt encoder, target', inputs, (ops, weights, values) => {
    const { mu, logSigma, coarse } = encodeTarget(ops, weights, config, values);
    return { mu, ...(logSigma !== undefined && { logSigma }), ...(coarse !== undefined && { coarse }) };
  });
}

/** Cells of B pairs, as in `CoarseExamples` -> the gradient by each weight, in its own shape */
export function coarseGradientsGraph(parts: Parts): NetworkDefinition {
  const { config } = encoderShapes(parts);
  const { midChannels } = config;
  const inputs = {
    ...{ reference: ['R', midChannels], pool: ['B', 'R'], target: ['N', midChannels], pair: ['N', 'B'] },
    ...{ pseudo: ['N', 1], on: ['N', 1], off: ['N', 1] },
  };
  return defineNetwork('coarse mask, gradients', inputs, (ops, weights, values) => coarseGradients(ops, weights, config, values));
}

/** SAM's view of one image, as it comes into a decoder: of SAM 2 with the finer maps. */
function imageInputs(config: SamConfig): Record<string, Shape> {
  const grid = gridSize(config);
  const width = config.outChans;
  const embedding = [1, width, grid, grid];
  if (config.sam2 === undefined) return { embedding };
  return { embedding, highRes0: [1, 16 * grid * grid, width / 8], highRes1: [1, 4 * grid * grid, width / 4] };
}

/** The same inputs as the decoder takes them. */
function imageOf<T>({ embedding, highRes0, highRes1 }: Readonly<Record<string, T>>): Pick<MaskDecoderInputs<T>, 'embedding' | 'highRes'> {
  const highRes = highRes0 !== undefined && highRes1 !== undefined && { highRes0, highRes1 };
  return { embedding: embedding as T, ...(highRes && { highRes }) };
}

/**
 * embedding [1, c, g, g] (and SAM 2's finer maps), prompts [B, m, c], with a mask prompt for all of them also mask [1, 1, 4g, 4g]
 * -> logits [B, 1, 4g, 4g], iou [B, 1]
 */
export function decodePromptsGraph({ sam: { config } }: Parts, withMask = false): NetworkDefinition {
  const low = lowResSize(config);
  const inputs = { ...imageInputs(config), prompts: ['B', 'm', config.outChans], ...(withMask && { mask: [1, 1, low, low] }) };
  const name = withMask ? 'SAM mask decoder with a mask' : 'SAM mask decoder';
  return defineNetwork<string>(name, inputs, <T>(ops: Ops<T>, weights: Weights<T>, values: Readonly<Record<string, T>>) => {
    const dense = withMask && { dense: samMaskEmbedding(ops, weights, config, values['mask'] as T) };
    const { logits, iou } = samMaskDecoder(
      ops,
      weights,
      config,
      { ...imageOf(values), prompts: values['prompts'] as T, ...dense },
      'single',
    );
    return { logits, iou };
  });
}

/** `Guidance` as tensors. */
export type DecoderGuidance = Readonly<Record<keyof Guidance<Tensor>, Tensor>>;

/**
 * embedding (and SAM 2's finer maps), xy [B, N, 2], kinds [B, N, 5], with a mask prompt also mask [B, 1, 4g, 4g]
 * -> logits [B, 4, 4g, 4g], iou [B, 4], of SAM 2 also objectScore [B, 1]
 *
 * guided: the decoder of PerSAM, with its `Guidance` as inputs bias [1, g * g] and vector [1, c].
 */
export function decodePointsGraph({ sam: { config } }: Parts, withMask: boolean, guided = false): NetworkDefinition {
  const low = lowResSize(config);
  const guidance = guided && { bias: [1, gridSize(config) ** 2], vector: [1, config.outChans] };
  const points = { ...imageInputs(config), xy: ['B', 'N', 2], kinds: ['B', 'N', POINT_KINDS.length], ...guidance };
  const inputs = withMask ? { ...points, mask: ['B', 1, low, low] } : points;
  const name = `${guided ? 'guided ' : ''}SAM decoder for points${withMask ? ' and a mask' : ''}`;
  return defineNetwork<string>(name, inputs, <T>(ops: Ops<T>, weights: Weights<T>, values: Readonly<Record<string, T>>) => {
    const prompts = samPointEmbeddings(ops, weights, config, values['xy'] as T, values['kinds'] as T);
    const dense = withMask && { dense: samMaskEmbedding(ops, weights, config, values['mask'] as T) };
    const hooks = guided && { guidance: { bias: values['bias'] as T, vector: values['vector'] as T } };
    return { ...samMaskDecoder(ops, weights, config, { ...imageOf(values), prompts, ...dense, ...hooks }, 'all') };
  });
}
