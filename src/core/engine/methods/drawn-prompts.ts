/** Points and boxes drawn into the mask prompt: a small decoder reads a drawing better than a code of their places. */
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import type { PointKind } from '../../networks/sam-prompt-encoder.ts';

/** Pixels of SAM's input along a logit. */
const PIXELS = 4;
/** Pixels around a point that are drawn. */
const RADIUS = 12;
/** Pixels around a box that still count as inside. */
const MARGIN = 2;
/** Logit inside a box of which nothing else is known. */
const INSIDE = 2;

/**
 * Previous logits or nothing, cut to the box, then the positive points, then the negative ones.
 * prompts: in pixels of SAM's input. previous: limited already. -> logits [side * side]
 */
export function drawnPrompt(
  side: number,
  prompts: readonly { x: number; y: number; kind: PointKind }[],
  previous: Float32Array | undefined,
): Float32Array {
  const drawing = previous?.slice() ?? new Float32Array(side * side);
  /** Cells whose middles lie within from..to, both in pixels. */
  const cells = (from: number, to: number): [first: number, end: number] => [
    Math.max(0, Math.ceil((from - PIXELS / 2) / PIXELS)),
    Math.min(side, Math.floor((to - PIXELS / 2) / PIXELS) + 1),
  ];
  const [first, last] = (['boxTopLeft', 'boxBottomRight'] as const).map((kind) => prompts.find((prompt) => prompt.kind === kind));
  if (first !== undefined && last !== undefined) {
    const [left, right] = cells(first.x - MARGIN, last.x + MARGIN);
    const [top, bottom] = cells(first.y - MARGIN, last.y + MARGIN);
    const whole = drawing.slice();
    drawing.fill(-MASK_PROMPT_LIMIT);
    for (let y = top; y < bottom && left < right; y++) {
      const [from, to] = [y * side + left, y * side + right];
      if (previous === undefined) drawing.fill(INSIDE, from, to);
      else drawing.set(whole.subarray(from, to), from);
    }
  }
  for (const [kind, logit] of [
    ['positive', MASK_PROMPT_LIMIT],
    ['negative', -MASK_PROMPT_LIMIT],
  ] as const) {
    for (const point of prompts) {
      if (point.kind !== kind) continue;
      const [left, right] = cells(point.x - RADIUS, point.x + RADIUS);
      const [top, bottom] = cells(point.y - RADIUS, point.y + RADIUS);
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++)
          if (Math.hypot(centre(x) - point.x, centre(y) - point.y) <= RADIUS) drawing[y * side + x] = logit;
    }
  }
  return drawing;
}

/** Middle of a logit, in pixels. */
function centre(index: number): number {
  return PIXELS * index + PIXELS / 2;
}
