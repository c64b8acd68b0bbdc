import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createEngine } from '../../../../../src/core/runtime/node/create-engine.ts';
import { mappedFromBytes, WORKER_FLAGS, workerEnvironment } from '../../../../../src/core/runtime/worker/memory.ts';

it('has the allocator give memory back, and passes on the rest', () => {
  const { GLIBC_TUNABLES, ...rest } = workerEnvironment(4096, { PATH: '/bin' });
  expect(GLIBC_TUNABLES?.split(':')).toContain('glibc.malloc.mmap_threshold=4096');
  expect(rest).toEqual({ PATH: '/bin', ELECTRON_RUN_AS_NODE: '1' });
});

it.each([{ GLIBC_TUNABLES: 'glibc.malloc.check=1' }, { MALLOC_ARENA_MAX: '4' }])('leaves a user’s own choice alone: %j', (own) => {
  expect(workerEnvironment(4096, own)).toEqual({ ...own, ELECTRON_RUN_AS_NODE: '1' });
});

it('maps large pieces alone for trunks of small maps, smaller ones for SAM’s ViT and for models that cannot be read', async () => {
  const [vit, trunk, missing] = await Promise.all(['models/tiny', 'models/small', 'no such model'].map((model) => mappedFromBytes(model)));
  expect(trunk).toBeGreaterThan(vit as number);
  expect(trunk).toBeLessThanOrEqual(32 * 2 ** 20); // glibc ignores more
  expect(missing).toBe(vit);
});

it('knows the trunks of SAM 2 and MobileSAM by the name in their manifest', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-memory-'));
  const found: number[] = [];
  for (const image_encoder of ['hiera', 'tiny_vit', 'vit']) {
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ sam: { config: { image_encoder } } }));
    found.push(await mappedFromBytes(folder));
  }
  rmSync(folder, { recursive: true });
  const [small, tiny] = await Promise.all([mappedFromBytes('small'), mappedFromBytes('tiny')]);
  expect(found).toEqual([small, small, tiny]);
});

it.runIf(process.platform === 'linux')('reaches the process that computes', async () => {
  const engine = await createEngine({ model: 'tiny' });
  const environment = readFileSync(`/proc/${engine.worker?.pid}/environ`, 'latin1');
  const command = readFileSync(`/proc/${engine.worker?.pid}/cmdline`, 'latin1').split('\0');
  await engine.close();
  expect(command).toEqual(expect.arrayContaining([...WORKER_FLAGS]));
  expect(environment).toContain('GLIBC_TUNABLES=glibc.malloc.'); // glibc takes the list apart where it lies
});
