/** Annotations in numbers, as tools write them: the same object however it is written, and a clear refusal of what is none. */
import { cocoRleFromMaskSync, polygonsFromMaskSync } from 'prosam';
import type { Case } from './support/case.ts';
import { REFERENCE } from './support/scene.ts';
import type { Question } from './support/ways.ts';

const mark =
  (it: Question['mark']) =>
  (plain: Question): Question => ({ ...plain, mark: it });
const { width, height } = REFERENCE.truth;
const rle = cocoRleFromMaskSync(REFERENCE.truth) as { size: number[]; counts: string };
const ring = (polygonsFromMaskSync(REFERENCE.truth)[0]?.exterior ?? []).map(([x, y]) => [x, y]);
const RING = mark({ polygon: ring });
const BOX = mark({ box: [20, 20, 70, 70] });
const invalid = (says: readonly string[]): Pick<Case, 'expected' | 'codes'> => ({
  expected: { code: 'ANNOTATION_INVALID', says },
  codes: { HTTP: 'REQUEST_INVALID' },
});

export const CASES: readonly Case[] = [
  { name: 'run lengths as text', question: mark({ rle }), expected: { same: 'plain' } },
  {
    name: 'a ring that is closed by its first corner',
    question: mark({ polygon: [...ring, ring[0] as number[]] }),
    expected: { same: RING },
  },
  { name: 'a ring the other way round', question: mark({ polygon: [...ring].reverse() }), expected: { same: RING } },
  { name: 'a ring with a corner twice', question: mark({ polygon: [ring[0] as number[], ...ring] }), expected: { same: RING } },
  { name: 'a box with fractions', question: mark({ box: [20, 20, 70.0, 70.0] }), expected: { same: BOX } },
  {
    name: 'run lengths of another image',
    question: mark({ rle: { size: [height + 1, width], counts: rle.counts } }),
    expected: { code: 'MASK_SIZE_MISMATCH', says: [`${height + 1}`] },
  },
  {
    name: 'run lengths of another size',
    question: mark({ rle: { size: [9, 9], counts: '1`2' } }),
    expected: { code: 'MASK_SIZE_MISMATCH', says: ['9 x 9'] },
  },
  {
    name: 'run lengths that end too early',
    question: mark({ rle: { size: [height, width], counts: '55' } }),
    expected: { code: 'ANNOTATION_INVALID', says: ['cover'] },
  },
  { name: 'points far outside', question: mark({ points: [[500, 500]] }), expected: { code: 'ANNOTATION_OUTSIDE', says: ['500'] } },
  {
    name: 'an outline far outside',
    question: mark({ polygon: [[500, 500], [600, 500], [600, 600]] }), // prettier-ignore
    expected: { code: 'ANNOTATION_OUTSIDE', says: [] },
  },
  { name: 'an outline of two corners', question: mark({ polygon: [[1, 1], [9, 9]] }), ...invalid([]) }, // prettier-ignore
];
