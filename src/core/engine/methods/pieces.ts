/** Redrawing of what 'nearest' finds, each connected piece by SAM on its own: many objects, and objects that SAM sees otherwise, stay. */
import { groupedBy } from '../../common/grouped.ts';
import { runSteps } from '../../mask/cooperative.ts';
import { splitInstancesSteps, type Region } from '../../mask/instances.ts';
import type { ImageFeatures } from '../image-features.ts';
import { depthOf, innerPoints } from '../instances/points.ts';
import { featureContrast } from './feature-contrast.ts';
import { gridPrompt, samResult } from './mask-prompts.ts';
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
const OUTSIDE = -8;

interface Piece {
  /** 1 = in the piece. [side * side] */
  data: Uint8Array;
  prompts: SamPrompt[];
}

export const pieces: RunMethod = async (context, target, references, { signal }) => {
  const contrast = await featureContrast(context, target, references, context.networks.matching.nearest);
  context.lap('prompt');
  return redrawPieces(context, target, gridPrompt(context, target, contrast), signal);
};

/** logits: a map whose sign is the mask. [4g * 4g] -> the mask with each piece redrawn where SAM sees it alike */
export async function redrawPieces(
  context: MethodContext,
  target: ImageFeatures,
  logits: Float32Array,
  signal?: AbortSignal,
): Promise<MethodResult> {
  const side = lowResSide(target);
  const seen = context.geometry.visible({ data: logits, width: side, height: side }, target.width, target.height);
  const whole = { ...seen, data: Uint8Array.from(seen.data, (value) => (value > 0 ? 1 : 0)) };
  const regions = await runSteps(splitInstancesSteps(whole, PIECES.leastArea), signal);
  const found = regions.slice(0, PIECES.most).map((region) => pieceOf(context, target, region));
  const drawn = logits.slice();
  let [covered, trusted] = [0, 0];
  for (const group of groupedBy(found, ({ prompts }) => prompts.length).values()) {
    const maps = group.map(({ data }) => logits.map((value, i) => (data[i] === 0 ? OUTSIDE : value)));
    const answers = await decodeSamPromptSets(
      ...[context.networks, context.geometry, target],
      group.map(({ prompts }) => prompts),
      maps,
    );
    context.checkpoint();
    group.forEach(({ data }, i) => {
      const { iou, mask } = mostAlike(data, answers[i]?.all ?? []);
      if (mask === undefined || iou < PIECES.leastIou) return;
      data.forEach((value, at) => {
        if (value === 1) drawn[at] = Math.min(0, drawn[at] as number) + OUTSIDE;
      });
      mask.logits.forEach((value, at) => (drawn[at] = Math.max(drawn[at] as number, value)));
      covered++;
      trusted += mask.iou;
    });
  }
  context.lap('decode');
  const result = samResult(context, target, { logits: drawn, iou: trusted / Math.max(1, covered) });
  // Where nothing was redrawn, the mask is none of SAM's.
  if (covered === 0) delete result.samIou;
  context.lap('resize');
  return result;
}

function pieceOf({ geometry }: Pick<MethodContext, 'geometry'>, target: ImageFeatures, { boxXyxy, mask }: Region): Piece {
  const side = lowResSide(target);
  const data = new Uint8Array(side * side);
  const [x0, y0, x1, y1] = boxXyxy;
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) data[y * side + x] = mask.data[(y - y0) * mask.width + x - x0] as number;
  const [lastX, lastY] = geometry.toSam(target.width, target.height, target.width, target.height);
  const [scaleX, scaleY] = [(lastX + 0.5) / (4 * target.width), (lastY + 0.5) / (4 * target.height)];
  const points = innerPoints({ data, side }, depthOf({ data, side }), PIECES.points);
  const prompts: SamPrompt[] = points.map(({ x, y }) => ({ x: (x + 0.5) / scaleX, y: (y + 0.5) / scaleY, kind: 'positive' }));
  return { data, prompts: [...boxPrompts([x0 / scaleX, y0 / scaleY, x1 / scaleX, y1 / scaleY]), ...prompts] };
}

function mostAlike(piece: Uint8Array, masks: readonly SamMask[]): { iou: number; mask?: SamMask } {
  let best: { iou: number; mask?: SamMask } = { iou: -1 };
  for (const mask of masks) {
    let [both, either] = [0, 0];
    mask.logits.forEach((value, i) => {
      const [a, b] = [value > 0, piece[i] === 1];
      if (a && b) both++;
      if (a || b) either++;
    });
    const iou = either === 0 ? 0 : both / either;
    if (iou > best.iou) best = { iou, mask };
  }
  return best;
}
