import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openDataset } from '../../../src/training/datasets/index.ts';
import { runCli } from './run-cli.ts';

const folder = await mkdtemp(join(tmpdir(), 'prosam-scenes-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

it('writes a data set that every other command reads', async () => {
  const out = join(folder, 'scenes');
  const { code, stdout } = await runCli(['scenes', out, '--images', '192', '--size', '32'], folder);
  expect({ code, said: stdout.includes('prosam train --data') }).toEqual({ code: 0, said: true });
  expect((await readdir(join(out, 'images'))).length).toBe(192);
  expect((await openDataset(out)).folds).toBe(4);
});

it('refuses no folder, two folders and too few images', async () => {
  expect((await runCli(['scenes'], folder)).code).toBe(2);
  expect((await runCli(['scenes', 'a', 'b'], folder)).code).toBe(2);
  const { code, stderr } = await runCli(['scenes', join(folder, 'few'), '--images', '3'], folder);
  expect(code).toBe(2);
  expect(stderr).toContain('192 to 5000');
});
