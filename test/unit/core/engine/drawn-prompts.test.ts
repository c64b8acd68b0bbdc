/** Drawn prompts: every logit is what its middle's distance says, also beyond the borders and where marks overlap. */
import { expect, it } from 'vitest';
import { drawnPrompt } from '../../../../src/core/engine/methods/drawn-prompts.ts';
import { MASK_PROMPT_LIMIT } from '../../../../src/core/networks/coarse-mask.ts';
import type { PointKind } from '../../../../src/core/networks/sam-prompt-encoder.ts';

const SIDE = 32;
type Prompt = { x: number; y: number; kind: PointKind };

/** The rule, logit by logit. */
function expected(prompts: readonly Prompt[], previous: Float32Array | undefined): Float32Array {
  const [first, last] = ['boxTopLeft', 'boxBottomRight'].map((kind) => prompts.find((prompt) => prompt.kind === kind));
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [x, y] = [4 * (i % SIDE) + 2, 4 * Math.floor(i / SIDE) + 2];
    const near = (kind: PointKind): boolean => prompts.some((one) => one.kind === kind && Math.hypot(x - one.x, y - one.y) <= 12);
    if (near('negative')) return -MASK_PROMPT_LIMIT;
    if (near('positive')) return MASK_PROMPT_LIMIT;
    if (first === undefined || last === undefined) return previous?.[i] ?? 0;
    const inside = x >= first.x - 2 && x <= last.x + 2 && y >= first.y - 2 && y <= last.y + 2;
    return inside ? (previous?.[i] ?? 2) : -MASK_PROMPT_LIMIT;
  });
}

const box = (x0: number, y0: number, x1: number, y1: number): Prompt[] => [
  { x: x0, y: y0, kind: 'boxTopLeft' },
  { x: x1, y: y1, kind: 'boxBottomRight' },
];
const point = (x: number, y: number, kind: PointKind = 'positive'): Prompt => ({ x, y, kind });

it.each([
  ['a point', [point(50, 61)]],
  ['points whose rims lie on middles', [point(62, 62), point(30, 42, 'negative')]],
  ['points at and beyond the borders', [point(-3, 5), point(127.5, 127.5), point(140, 60), point(-13, -13)]],
  ['marks that overlap', [point(50, 50), point(55, 52, 'negative'), point(58, 50)]],
  ['a box', box(20.5, 30, 90, 77.25)],
  ['a box whose margin lies on middles', box(24, 24, 64, 64)],
  ['a box that reaches beyond the borders, with a point outside of it', [...box(-20, 40, 60, 200), point(100, 20)]],
  ['a box between two middles', box(36, 36, 35.5, 35.5)],
])('draws %s', (_, prompts: Prompt[]) => {
  const previous = Float32Array.from({ length: SIDE * SIDE }, (_value, i) => Math.sin(i));
  for (const before of [undefined, previous]) expect(drawnPrompt(SIDE, prompts, before)).toEqual(expected(prompts, before));
  expect(previous[5]).toBe(Math.fround(Math.sin(5)));
});
