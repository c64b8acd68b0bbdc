import { describe, expect, test } from 'vitest';
import { coarsePrompt } from '../../../../src/core/engine/methods/coarse-prompt.ts';
import { drawnPrompt } from '../../../../src/core/engine/methods/drawn-prompts.ts';
import { decodeSamPrompts } from '../../../../src/core/engine/methods/sam-prompts.ts';
import { geometryOf } from '../../../../src/core/image/geometry.ts';
import { IMAGENET } from '../../../../src/core/image/preprocess.ts';
import type { Networks } from '../../../../src/core/onnx/networks.ts';
import type { Tensor } from '../../../../src/core/onnx/session.ts';

/** Logits of 4 pixels each: their centres lie at 2, 6, 10, ... */
const SIDE = 16;
const at = (drawing: Float32Array, x: number, y: number): number => drawing[((y - 2) / 4) * SIDE + (x - 2) / 4] as number;
const flat = (value: number): Float32Array => new Float32Array(SIDE * SIDE).fill(value);

describe('a drawn prompt', () => {
  test('has a disc of 12 pixels at every point, the negative ones on top', () => {
    const drawing = drawnPrompt(
      SIDE,
      [
        { x: 22, y: 22, kind: 'negative' },
        { x: 30, y: 22, kind: 'positive' },
        { x: 0, y: 0, kind: 'padding' },
      ],
      undefined,
    );
    expect(at(drawing, 42, 22)).toBe(8); // exactly 12 away
    expect(at(drawing, 46, 22)).toBe(0);
    expect(at(drawing, 34, 22)).toBe(-8); // within both
    expect(at(drawing, 2, 2)).toBe(0); // the padding point draws nothing
  });

  test('is -8 around a box and 2 in it, where nothing else is known', () => {
    const box = [
      { x: 8, y: 12, kind: 'boxTopLeft' },
      { x: 20, y: 40, kind: 'boxBottomRight' },
    ] as const;
    const drawing = drawnPrompt(SIDE, box, undefined);
    expect([2, 6, 22, 26].map((x) => at(drawing, x, 30))).toEqual([-8, 2, 2, -8]); // 2 pixels of margin
    expect([6, 10, 42, 46].map((y) => at(drawing, 14, y))).toEqual([-8, 2, 2, -8]);
    const kept = drawnPrompt(SIDE, box, flat(-3));
    expect([2, 6].map((x) => at(kept, x, 30))).toEqual([-8, -3]);
  });

  test('leaves the previous logits as they are', () => {
    const previous = flat(1);
    expect(at(drawnPrompt(SIDE, [{ x: 6, y: 6, kind: 'positive' }], previous), 6, 6)).toBe(8);
    expect(previous).toEqual(flat(1));
  });
});

describe('a coarse prompt', () => {
  const embedding = { data: new Float32Array(0), shape: [1, 8, 2, 2] };
  const map = (...data: number[]): Tensor => ({ data: Float32Array.from(data), shape: [1, 1, 2, 2] });

  test('is the mean of the references, then limited, then stretched from cell centres', () => {
    const mask = coarsePrompt({ embedding }, [map(0, 20, 0, 4), map(4, 10, 0, 0)]) as Tensor;
    expect(mask.shape).toEqual([1, 1, 8, 8]);
    expect(mask.data[0]).toBe(2);
    expect(mask.data[7]).toBe(8); // 15, limited
    expect(mask.data[63]).toBe(2);
    expect(mask.data[3]).toBeCloseTo(2 + (3 / 8) * 6, 5); // 1.5 cells of 4 logits between the centres
  });

  test('is none where a reference has none', () => {
    expect(coarsePrompt({ embedding }, [map(1, 1, 1, 1), undefined])).toBeUndefined();
    expect(coarsePrompt({ embedding }, [])).toBeUndefined();
  });
});

describe('a model whose prompts are drawn', () => {
  const geometry = geometryOf({ resize: 'stretch', samSize: 64, normalisation: IMAGENET, halfPixel: true });
  const image = { embedding: { data: new Float32Array(0), shape: [1, 8, 4, 4] }, key: '', width: 128, height: 64 } as never;

  test('reads them as points of its input and as a drawing; token 0 is the one mask where no rule replaces it', async () => {
    const seen: (Tensor | undefined)[] = [];
    const networks = {
      drawsPrompts: true,
      sam2: { predObjScores: false },
      decodePoints: (_: unknown, xy: Tensor, kinds: Tensor, mask?: Tensor) => {
        seen.push(xy, kinds, mask);
        const logits = {
          data: Float32Array.from({ length: 4 * SIDE * SIDE }, (__, i) => Math.floor(i / (SIDE * SIDE))),
          shape: [1, 4, SIDE, SIDE],
        };
        return Promise.resolve({ logits, iou: { data: Float32Array.of(0.1, 0.9, 0.2, 0.3), shape: [1, 4] } });
      },
    } as unknown as Networks;
    const found = await decodeSamPrompts(networks, geometry, image, [{ x: 61, y: 30.5, kind: 'positive' }], flat(-20));
    expect(Array.from((seen[0] as Tensor).data)).toEqual([30, 30, 0, 0]); // half the width, half a pixel to the left; one padding point
    const mask = seen[2] as Tensor;
    expect(mask.shape).toEqual([1, 1, SIDE, SIDE]);
    expect(at(mask.data, 30, 30)).toBe(8);
    expect(at(mask.data, 2, 2)).toBe(-8); // limited
    expect(found.single.logits.every((value) => value === 0)).toBe(true);
  });

  test('brings logits back in one step, from pixel centres', () => {
    const low = { data: Float32Array.of(0, 1, 0, 1), width: 2, height: 2 };
    expect(Array.from(geometry.lowToImage(low, 4, 1).data)).toEqual([0, 0.25, 0.75, 1]);
  });
});
