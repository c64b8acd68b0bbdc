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
  const centre = (index: number): number => PIXELS * index + PIXELS / 2;
  const each = (value: (x: number, y: number, before: number) => number): void => {
    for (let i = 0; i < drawing.length; i++) drawing[i] = value(centre(i % side), centre(Math.floor(i / side)), drawing[i] as number);
  };
  const [first, last] = (['boxTopLeft', 'boxBottomRight'] as const).map((kind) => prompts.find((prompt) => prompt.kind === kind));
  if (first !== undefined && last !== undefined)
    each((x, y, before) => {
      const inside = x >= first.x - MARGIN && x <= last.x + MARGIN && y >= first.y - MARGIN && y <= last.y + MARGIN;
      if (!inside) return -MASK_PROMPT_LIMIT;
      return previous === undefined ? INSIDE : before;
    });
  for (const [kind, logit] of [
    ['positive', MASK_PROMPT_LIMIT],
    ['negative', -MASK_PROMPT_LIMIT],
  ] as const) {
    for (const point of prompts)
      if (point.kind === kind) each((x, y, before) => (Math.hypot(x - point.x, y - point.y) <= RADIUS ? logit : before));
  }
  return drawing;
}
