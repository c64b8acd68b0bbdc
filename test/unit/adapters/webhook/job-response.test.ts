/** Results of jobs as they are stored, and as 0.1.0 stored them. */
import { expect, it } from 'vitest';
import type { BatchItem } from '../../../../src/service/ports/batches.ts';
import { requestOf } from '../../../../src/adapters/webhook/batch-request.ts';
import { itemOf } from '../../../../src/adapters/webhook/job-response.ts';
import { jobItemResponse } from '../../../../src/adapters/webhook/responses.ts';

const rest = {
  ...{ project: 'cups', image: { sha256: 'a', width: 4, height: 4 }, missing: [], version: 'v' },
  ...{ device: 'cpu', milliseconds: {} },
};
const now = { encoderVersion: 'base', baseModel: 'tiny' };
const item = (masks: unknown[], words: object = now): BatchItem => ({
  ...{ index: 0, state: 'done', input: { sha256: 'a' } },
  result: { ...rest, ...words, masks },
});

it('a result of 0.1.0 is read with its quality in one object', () => {
  const old = {
    ...{ label: 'cup', method: 'prosam', score: 0.7, uncertainty: 0.3, area: 3, boxXyxy: [0, 0, 2, 2], rle: { size: [4, 4], counts: '0' } },
    ...{ predictedIou: 0.8, expectedIou: 0.6, expectedIouFrom: 'other-references' },
  };
  const { result } = jobItemResponse.parse(itemOf(item([old])));
  expect(result?.masks).toEqual([
    {
      ...{ label: 'cup', method: 'prosam', area: 3, boxXyxy: [0, 0, 2, 2], rle: { size: [4, 4], counts: '0' } },
      quality: { score: 0.7, samIou: 0.8, referenceIou: 0.6, referenceIouFrom: 'leave-one-out', present: 1 },
    },
  ]);
  const { label, method, rle } = old;
  const empty = itemOf(item([{ label, method, rle, score: 0, uncertainty: 1, area: 0 }]));
  expect(jobItemResponse.parse(empty).result?.masks[0]?.quality).toEqual({ score: 0, present: 0 });
});

it('a result of 0.1.0 is read with the version words of today', () => {
  const parsed = jobItemResponse.parse(itemOf(item([], { modelVersion: 'v-1', model: 'tiny@9a' })));
  expect(parsed.result).toEqual({ ...rest, masks: [], encoderVersion: 'v-1', baseModel: 'tiny@9a' });
  expect(itemOf(item([], { modelVersion: 'v-1', model: 'tiny@9a' }))).not.toHaveProperty('result.modelVersion');
});

it('a request of 0.1.0 is read with the version it asked for', () => {
  expect(requestOf({ request: { format: 'rle', tolerance: 1, version: 'v-1' } })).toEqual({
    ...{ format: 'rle', tolerance: 1, encoderVersion: 'v-1' },
  });
  const { request } = { request: { format: 'rle', tolerance: 1, encoderVersion: 'base' } };
  expect(requestOf({ request })).toEqual(request);
  expect(requestOf({ request: { format: 'rle', tolerance: 1 } })).toEqual({ format: 'rle', tolerance: 1 });
});

it('a result of today and an error are as they were stored', () => {
  const mask = { label: 'cup', method: 'nearest', area: 3, quality: { score: 0.7, present: 0.8 }, png: 'AA==' };
  expect(itemOf(item([mask]))).toMatchObject({ result: { masks: [mask] } });
  const early = { ...mask, quality: { score: 0.7, present: false } };
  expect(itemOf(item([early]))).toMatchObject({ result: { masks: [{ ...mask, quality: { score: 0.7, present: 0 } }] } });
  const error = { code: 'IMAGE_UNREADABLE', message: 'no' };
  expect(itemOf({ ...item([]), state: 'failed', result: error })).toEqual({
    index: 0,
    state: 'failed',
    image: { sha256: 'a' },
    error,
  });
});
