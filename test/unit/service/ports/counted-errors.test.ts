import { expect, it } from 'vitest';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { countOwn } from '../../../../src/service/ports/counted-errors.ts';
import { createErrorList } from '../../../../src/service/recent-errors.ts';

it('a failure of a call is counted and listed once, whoever tells of it afterwards; what never was in a call is counted too', async () => {
  const codes: string[] = [];
  const metrics = { error: (code: string) => void codes.push(code) };
  const errors = createErrorList(() => 7, metrics);
  const failure = new ProsamError('STORAGE_FAILED', 'the disk is gone');
  const call = () => errors.listed('predict', () => Promise.reject(failure));

  const caught: unknown = await call().catch((error: unknown) => error);
  countOwn(metrics, caught, 'STORAGE_FAILED');
  errors.report(caught, 'project-3');
  expect(codes).toEqual(['STORAGE_FAILED']);
  expect(errors.list()).toEqual([{ createdMs: 7, code: 'STORAGE_FAILED', message: 'the disk is gone', where: 'predict' }]);

  // Another call that fails the same way is another failure.
  await expect(call()).rejects.toBe(failure);
  countOwn(metrics, new Error('its own'), 'ENGINE_FAILED');
  expect(codes).toEqual(['STORAGE_FAILED', 'STORAGE_FAILED', 'ENGINE_FAILED']);
});

it('what is listed is counted under the same code, whatever it is; refusals are counted alone', async () => {
  const codes: string[] = [];
  const errors = createErrorList(() => 7, { error: (code) => void codes.push(code) });
  const failing = (error: Error) => expect(errors.listed('p', () => Promise.reject(error))).rejects.toBe(error);
  await failing(new Error('nobody foresaw this'));
  await failing(Object.assign(new Error('no such file'), { code: 'ENOENT' }));
  errors.report(new ProsamError('BLOB_DAMAGED', 'bytes changed'), 'database');
  errors.report('text', 'learner');
  const listed = errors.list().map(({ code }) => code);
  expect(listed).toEqual(['ENGINE_FAILED', 'BLOB_DAMAGED', 'ENGINE_FAILED', 'ENGINE_FAILED']);
  expect(codes).toEqual([...listed].reverse());

  await failing(new ProsamError('REFERENCE_MISSING', 'mark one first'));
  await failing(new DOMException('gone', 'AbortError'));
  expect(codes.at(-1)).toBe('REFERENCE_MISSING');
  expect(codes).toHaveLength(5);
  expect(errors.list()).toHaveLength(4);
});
