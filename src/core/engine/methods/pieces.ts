/** Redrawing of what 'nearest' finds, each connected piece by SAM on its own: many objects, and objects that SAM sees otherwise, stay. */
import { groupedBy } from '../../common/grouped.ts';
import { runSteps } from '../../mask/cooperative.ts';
import { splitInstancesSteps, type Region } from '../../mask/instances.ts';
import { iou } from '../../mask/metrics.ts';
import { aboveZero } from '../../mask/resize-map.ts';
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import type { ImageFeatures } from '../image-features.ts';
import { depthOf, innerPoints, placeIn } from '../instances/points.ts';
import { nearestPrompt, samResult } from './mask-prompts.ts';
import type { MethodContext, MethodResult, RunMethod } from './method.ts';
import { boxPrompts, decodeSamPromptSets, lowResSide, type SamPrompt } from './sam-prompts.ts';
import type { SamMask } from './stable-mask.ts';

/** Numbers that decide over the mask. */
export const PIECES = {
  /** Pieces that are redrawn at most, the largest: each is a set of prompts for the decoder. */
  most: 8,
  /** Pixels of SAM's low-resolution square that a piece has at least to be redrawn. */
  leastArea: 12,
  /** Points inside of a piece that SAM is shown, at most. */
  points: 3,
  /** SAM's mask takes the place of a piece where they cover each other so far (docs/decisions/030-auto-redraws-pieces.md). */
  leastIou: 0.6,
} as const;
/** Logit of what is no piece. */
const OUTSIDE = -MASK_PROMPT_LIMIT;

interface Piece {
  /** 1 = in the piece. [side * side] */
  data: Uint8Array;
  prompts: SamPrompt[];
}

export const pieces: RunMethod = async (context, target, references, { signal }) =>
  redrawPieces(context, target, await nearestPrompt(context, target, references), signal);

/** logits: a map whose sign is the mask. [4g * 4g] -> the mask with each piece redrawn where SAM sees it alike */
export async function redrawPieces(
  context: MethodContext,
  target: ImageFeatures,
  logits: Float32Array,
  signal?: AbortSignal,
): Promise<MethodResult> {
  const { logits: drawn, samIou } = await redrawnPieces(context, target, logits, signal);
  context.lap('decode');
  const result = samResult(context, target, { logits: drawn, iou: samIou ?? 0 });
  // Where nothing was redrawn, the mask is none of SAM's.
  if (samIou === undefined) delete result.samIou;
  context.lap('resize');
  return result;
}

/** The same on SAM's low-resolution square, with SAM's mean estimate of the pieces that it redrew, where there are some. */
export async function redrawnPieces(
  context: Pick<MethodContext, 'networks' | 'geometry' | 'checkpoint'>,
  target: ImageFeatures,
  logits: Float32Array,
  signal?: AbortSignal,
): Promise<{ logits: Float32Array; samIou?: number }> {
  const side = lowResSide(target);
  const seen = context.geometry.visible({ data: logits, width: side, height: side }, target.width, target.height);
  const regions = await runSteps(splitInstancesSteps({ ...seen, data: aboveZero(seen.data) }, PIECES.leastArea), signal);
  const found = regions.slice(0, PIECES.most).map((region) => pieceOf(context, target, region));
  const drawn = logits.slice();
  const estimates: number[] = [];
  for (const group of groupedBy(found, ({ prompts }) => prompts.length).values()) {
    const maps = group.map(({ data }) => logits.map((value, i) => (data[i] === 0 ? OUTSIDE : value)));
    const answers = await decodeSamPromptSets(
      ...[context.networks, context.geometry, target],
      group.map(({ prompts }) => prompts),
      maps,
    );
    context.checkpoint();
    group.forEach(({ data }, i) => {
      const mask = mostAlike(data, answers[i]?.all ?? []);
      if (mask === undefined) return;
      data.forEach((value, at) => {
        if (value === 1) drawn[at] = Math.min(0, drawn[at] as number) + OUTSIDE;
      });
      mask.logits.forEach((value, at) => (drawn[at] = Math.max(drawn[at] as number, value)));
      estimates.push(mask.iou);
    });
  }
  const samIou = estimates.reduce((sum, value) => sum + value, 0) / estimates.length;
  return { logits: drawn, ...(estimates.length > 0 && { samIou }) };
}

function pieceOf({ geometry }: Pick<MethodContext, 'geometry'>, target: ImageFeatures, { boxXyxy, mask }: Region): Piece {
  const side = lowResSide(target);
  const data = new Uint8Array(side * side);
  const [x0, y0, x1, y1] = boxXyxy;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) data[y * side + x] = mask.data[(y - y0) * mask.width + x - x0] as number;
  const place = placeIn(geometry, target);
  // Boxes end at the borders of pixels, points lie in their middles.
  const [left, top] = place({ x: x0 - 0.5, y: y0 - 0.5 });
  const [right, bottom] = place({ x: x1 - 0.5, y: y1 - 0.5 });
  const points = innerPoints({ data, side }, depthOf({ data, side }), PIECES.points).map((point): SamPrompt => {
    const [x, y] = place(point);
    return { x, y, kind: 'positive' };
  });
  return { data, prompts: [...boxPrompts([left, top, right, bottom]), ...points] };
}

/** SAM's mask that covers most of what the piece covers; undefined where none is close. */
function mostAlike(piece: Uint8Array, masks: readonly SamMask[]): SamMask | undefined {
  let [best, most]: [SamMask | undefined, number] = [undefined, 0];
  for (const mask of masks) {
    const like = iou(aboveZero(mask.logits), piece);
    if (like > most) [best, most] = [mask, like];
  }
  return most >= PIECES.leastIou ? best : undefined;
}
