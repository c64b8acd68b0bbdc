/** Decisions about annotations: each kind, each use. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ANNOTATION_KINDS, parseAnnotation, type Annotation, type AnnotationKind } from '../../../../src/core/mask/annotation.ts';
import { withPixels } from '../../../../src/core/mask/draw-annotation.ts';
import {
  ANNOTATION_USES,
  annotationTable,
  drawnAnnotation,
  growPrompts,
  labelReductionOf,
  resolveMask,
  treatmentOf,
  type AnnotationUse,
} from '../../../../src/core/engine/resolve-annotation.ts';
import { DEFAULT_LABEL_REDUCTION } from '../../../../src/core/engine/defaults.ts';
import { maskOf, textOf } from '../mask/any-mask.ts';

const size = { width: 8, height: 4 };
const square = [[1, 1], [3, 1], [3, 3], [1, 3]]; // prettier-ignore
const mask = maskOf('........', '.##.....', '.##.....', '........');
const annotations: Record<AnnotationKind, Annotation> = {
  mask: { mask },
  rle: { rle: { size: [4, 8], counts: [5, 2, 2, 2, 21] } },
  polygon: { polygon: square },
  box: { box: [1, 1, 3, 3] },
  points: { points: [[1, 1]], negative: [[7, 3]] },
  scribble: { scribble: [[1.5, 1.5], [2.5, 2.5]], width: 1 }, // prettier-ignore
};
const drawn = (kind: AnnotationKind) => withPixels(parseAnnotation(annotations[kind]));

describe('treatment', () => {
  const trained = { kind: 'nearest' } as const;
  it.each<[AnnotationKind, AnnotationUse, grown: boolean, reduction: object]>([
    ['mask', 'predict', false, trained],
    ['mask', 'accept', false, trained],
    ['rle', 'predict', false, trained],
    ['rle', 'accept', false, trained],
    ['polygon', 'predict', false, trained],
    ['polygon', 'accept', false, trained],
    ['box', 'predict', false, trained],
    ['box', 'accept', true, trained],
    ['points', 'predict', true, trained],
    ['points', 'accept', true, trained],
    ['scribble', 'predict', false, { kind: 'any' }],
    ['scribble', 'accept', true, trained],
  ])('of a %s to %s: grown %s, reduced by %j', (kind, use, grown, reduction) => {
    const treatment = treatmentOf(kind, use);
    expect(treatment.grown).toBe(grown);
    expect(labelReductionOf(treatment, { trained })).toEqual(reduction);
  });

  it('follows the caller: grown is reduced as the model does, thin annotations that are not grow into every cell they touch', () => {
    for (const kind of ANNOTATION_KINDS) {
      expect(treatmentOf(kind, 'predict', true)).toEqual({ grown: true, cells: 'model' });
      expect(treatmentOf(kind, 'accept', false)).toEqual({
        grown: false,
        cells: kind === 'points' || kind === 'scribble' ? 'any' : 'model',
      });
    }
  });

  it('reduces by what was asked for, then by what the model was trained with, then by area', () => {
    const asked = { kind: 'area', threshold: 0.9 } as const;
    expect(labelReductionOf({ cells: 'any' }, { asked, trained })).toEqual(asked);
    expect(labelReductionOf({ cells: 'model' }, {})).toEqual(DEFAULT_LABEL_REDUCTION);
  });
});

describe('mask', () => {
  const everywhere = (): Promise<Float32Array> => Promise.resolve(new Float32Array(32).fill(1));
  const corner = (): Promise<Float32Array> => Promise.resolve(Float32Array.from({ length: 32 }, (_, i) => (i === 31 ? 1 : -1)));
  const nothing = (): Promise<Float32Array> => Promise.resolve(new Float32Array(32).fill(-1));

  it.each(ANNOTATION_KINDS)('of a %s that is not grown is the marked pixels', async (kind) => {
    const expected = kind === 'points' ? ['........', '.#......', '........', '........'] : textOf(mask);
    expect(textOf(await resolveMask(drawn(kind), size, undefined))).toEqual(expected);
  });

  it.each(ANNOTATION_KINDS)('of a %s that is grown is what SAM draws, and the marked pixels but for a box', async (kind) => {
    const bare = await resolveMask(drawn(kind), size, undefined);
    const grown = await resolveMask(drawn(kind), size, corner);
    expect(grown.data[31]).toBe(1);
    expect(grown.data.filter((value, i) => value === 1 && bare.data[i] === 1).length > 0).toBe(kind !== 'box');
    expect((await resolveMask(drawn(kind), size, everywhere)).data).toEqual(new Uint8Array(32).fill(1));
    expect(await resolveMask(drawn(kind), size, nothing)).toEqual(bare); // SAM found nothing
  });

  it('is grown from points, from places along a scribble, from the box around all else', async () => {
    const prompts = async (kind: AnnotationKind) => growPrompts(drawn(kind), await resolveMask(drawn(kind), size, undefined));
    expect(await prompts('points')).toEqual([
      { x: 1, y: 1, kind: 'positive' },
      { x: 7, y: 3, kind: 'negative' },
    ]);
    expect(await prompts('scribble')).toEqual([1.5, 2.5].map((at) => ({ x: at, y: at, kind: 'positive' })));
    const box = [
      { x: 1, y: 1, kind: 'boxTopLeft' },
      { x: 3, y: 3, kind: 'boxBottomRight' },
    ];
    for (const kind of ['mask', 'rle', 'polygon', 'box'] as const) expect(await prompts(kind)).toEqual(box);
    const stroke = withPixels(parseAnnotation({ scribble: mask }));
    expect(growPrompts(stroke, mask).map(({ x, y }) => [x, y])).toEqual([[1.5, 1.5], [2.5, 1.5], [1.5, 2.5], [2.5, 2.5]]); // prettier-ignore
  });

  it('of a file is what its reader marks, with the value or colour that was chosen', async () => {
    const asked: unknown[] = [];
    const read = (...given: unknown[]) => {
      asked.push(given);
      return Promise.resolve({ data: Uint8Array.of(0, 1), width: 2, height: 1 });
    };
    for (const choice of [{}, { maskValue: 3 }, { maskColor: '#FF0000' }]) {
      const drawn = (await drawnAnnotation(parseAnnotation({ mask: 'a.png', ...choice }), read)) as { mask: { data: Uint8Array } };
      expect([...drawn.mask.data]).toEqual([0, 1]);
    }
    expect(asked).toEqual([
      ['a.png', undefined],
      ['a.png', { value: 3 }],
      ['a.png', { color: 'ff0000' }],
    ]);
    const refused = [
      { mask: 'a.png', maskValue: 3, maskColor: 'ff0000' },
      { mask: 'a.png', maskValue: -1 },
      { mask: 'a.png', maskColor: 'red' },
      { box: [0, 0, 1, 1], maskValue: 3 },
      { mask: { data: new Uint8Array(2), width: 2, height: 1 }, maskValue: 3 },
    ];
    for (const one of refused) expect(() => parseAnnotation(one as never)).toThrow(/mask/);
  });
});

it('stands in the documentation as the table has it', () => {
  const table = annotationTable();
  expect(table.split('\n')).toHaveLength(2 + ANNOTATION_KINDS.length * ANNOTATION_USES.length);
  expect(readFileSync('docs/concepts/annotations.md', 'utf8')).toContain(table);
});
