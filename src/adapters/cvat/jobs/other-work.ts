/** Whether CVAT shows this token anything at all: one that shows nothing says nothing about what is gone. */
import type { CvatApi } from '../types.ts';

/** @throws CVAT_* */
export async function showsOtherWork(api: Pick<CvatApi, 'jobs'>, signal?: AbortSignal): Promise<boolean> {
  const anything = JSON.stringify({ and: [{ '>': [{ var: 'updated_date' }, new Date(0).toISOString()] }] });
  return (await api.jobs({ filter: anything }, signal ? { signal } : {})).length > 0;
}
