import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { manifestJson } from '../../../../src/core/checkpoint/config-json.ts';
import { parseManifest } from '../../../../src/core/checkpoint/manifest.ts';
import { matchingOf } from '../../../../src/core/checkpoint/methods-section.ts';
import { expectCode } from '../expect-error.ts';

type Json = Record<string, unknown>;
const written = (name: string): Json => JSON.parse(readFileSync(`models/${name}/manifest.json`, 'utf8')) as Json;
const parse = (json: Json) => parseManifest(JSON.stringify(json), 'manifest.json');

test('features of the photo model are its taps, each a part of its own', () => {
  const { nearest } = matchingOf(parse(written('small')));
  expect(nearest).toEqual({
    compare: 'cells',
    parts: [
      { map: 'mid', from: 0, to: 120 },
      { map: 'mid', from: 120, to: 472 },
    ],
  });
  // A model with taps that says nothing gets the same.
  const { methods, ...silent } = written('small');
  expect(methods).toBeDefined();
  expect(matchingOf(parse(silent)).nearest).toEqual(nearest);
});

test('a model without taps that says nothing compares its whole map', () => {
  const parts = [{ map: 'mid', from: 0 }];
  expect(matchingOf(parse(written('tiny')))).toEqual({
    nearest: { parts, compare: 'averages' },
    persam: { parts, compare: 'cells' },
    'gf-sam': { parts, compare: 'cells' },
  });
});

test('blocks have names, too, and whole maps', () => {
  const methods = { nearest: { features: ['block3', 'high'] }, persam: { features: ['mid'], compare: 'averages' } };
  const manifest = parse({ ...written('tiny'), methods });
  expect(matchingOf(manifest)).toEqual({
    nearest: {
      compare: 'cells',
      parts: [
        { map: 'mid', from: 96, to: 192 },
        { map: 'high', from: 0 },
      ],
    },
    persam: { compare: 'averages', parts: [{ map: 'mid', from: 0 }] },
    'gf-sam': { compare: 'cells', parts: [{ map: 'mid', from: 0 }] },
  });
  expect(manifestJson(manifest)['methods']).toEqual({ ...methods, nearest: { ...methods.nearest, compare: 'cells' } });
});

test.each([
  [{ nearest: { features: ['tap1'] } }, 'methods.nearest.features names tap1, the backbone gives mid, high, tap2, tap3'],
  [{ persam: { features: ['block3'] } }, 'block3'],
  [{ nearest: { features: ['embedding'] } }, 'mid, high, or a map of mid such as tap2 or block7'],
  [{ nearest: { features: [] } }, 'features'],
  [{ nearest: { features: ['mid'], compare: 'pixels' } }, 'compare'],
  [{ prosam: { features: ['mid'] } }, 'prosam'],
])('refuses %j', (methods, ...parts) => {
  expectCode('MODEL_INVALID', () => parse({ ...written('small'), methods }), 'manifest.json', ...(parts as string[]));
});
