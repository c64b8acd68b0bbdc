/** Defaults as the documentation of the options states them. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as defaults from '../../../../src/core/engine/defaults.ts';

const texts = ['engine/types.ts', 'runtime/node/open-engine.ts'].map((file) => readFileSync(`src/core/${file}`, 'utf8')).join('\n');

/** Text after `@default` in the comment of a field. */
function stated(field: string): string {
  const [, comment = ''] = new RegExp(`/\\*\\*((?:(?!\\*/)[^])*)\\*/\\s+${field}\\?:`).exec(texts) ?? [];
  return /@default ([^\n]*)/.exec(comment)?.[1]?.trim() ?? '';
}

it.each([
  ['label', `'${defaults.DEFAULT_LABEL}'`],
  ['strategy', `'${defaults.DEFAULT_STRATEGY}'`],
  ['seed', `${defaults.DEFAULT_SEED}`],
  ['samples', `${defaults.DEFAULT_SAMPLES}, or ${defaults.DEFAULT_MERGE_SAMPLES} with a merging strategy`],
  ['minArea', `${defaults.DEFAULT_MIN_AREA}`],
  ['fillHoles', `${defaults.DEFAULT_FILL_HOLES}`],
  ['minInstanceShare', `${defaults.DEFAULT_MIN_INSTANCE_SHARE}`],
  ['concurrency', `${defaults.DEFAULT_CONCURRENCY}`],
  ['model', `'${defaults.DEFAULT_MODEL}'`],
  ['inferenceTimeoutMs', `${defaults.DEFAULT_INFERENCE_TIMEOUT_MS.toLocaleString('en')} (ten minutes)`],
])('%s: @default %s', (field, value) => {
  expect(stated(field)).toBe(value);
});
