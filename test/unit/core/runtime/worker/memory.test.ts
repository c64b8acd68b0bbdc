import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createEngine } from '../../../../../src/core/runtime/node/create-engine.ts';
import { WORKER_FLAGS, workerEnvironment } from '../../../../../src/core/runtime/worker/memory.ts';

it('has the allocator give memory back, and passes on the rest', () => {
  const { GLIBC_TUNABLES, ...rest } = workerEnvironment({ PATH: '/bin' });
  expect(GLIBC_TUNABLES?.split(':')).toContain('glibc.malloc.mmap_threshold=1048576');
  expect(rest).toEqual({ PATH: '/bin', ELECTRON_RUN_AS_NODE: '1' });
});

it.each([{ GLIBC_TUNABLES: 'glibc.malloc.check=1' }, { MALLOC_ARENA_MAX: '4' }])('leaves a user’s own choice alone: %j', (own) => {
  expect(workerEnvironment(own)).toEqual({ ...own, ELECTRON_RUN_AS_NODE: '1' });
});

it.runIf(process.platform === 'linux')('reaches the process that computes', async () => {
  const engine = await createEngine();
  const environment = readFileSync(`/proc/${engine.worker?.pid}/environ`, 'latin1');
  const command = readFileSync(`/proc/${engine.worker?.pid}/cmdline`, 'latin1').split('\0');
  await engine.close();
  expect(command).toEqual(expect.arrayContaining([...WORKER_FLAGS]));
  expect(environment).toContain('GLIBC_TUNABLES=glibc.malloc.'); // glibc takes the list apart where it lies
});
