/** Polygons that are asked for: filled again they are the mask they were made of. */
import type { Case } from './support/case.ts';
import type { Question } from './support/ways.ts';

const asked = (name: string, polygons: Required<Question>['polygons'], iou?: number): Case => ({
  name,
  question: (plain) => ({ ...plain, polygons }),
  expected: { same: 'plain', ...(iou !== undefined && { iou }) },
});

export const CASES: readonly Case[] = [
  asked('every corner', { tolerance: 0 }),
  asked('the usual tolerance', {}, 0.95),
  asked('a tolerance larger than the parts', { tolerance: 100 }, 0.95),
  asked('holes that are slit open', { tolerance: 0, holes: 'slits' }, 0.95),
  {
    name: 'a tolerance below zero',
    question: (plain) => ({ ...plain, polygons: { tolerance: -1 } }),
    expected: { code: 'OPTION_INVALID', says: ['tolerance', '-1'] },
    codes: { CLI: 'USAGE', HTTP: 'REQUEST_INVALID' },
  },
];
