import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NODE_ENGINE_LABEL, nodeEngineHere } from '../training/node-engine.ts';
import { jsonLines, runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-setup-cli-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('prosam setup', () => {
  it('names its one subject', async () => {
    for (const args of [['setup'], ['setup', 'everything'], ['setup', 'training', 'twice'], ['setup', 'training', '--faster']]) {
      const { code, stdout, stderr } = await runCli(args, folder);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/prosam setup training|--faster|unexpected argument/i);
    }
    expect((await runCli(['setup', '--help'], folder)).stdout).toMatch(/prosam setup training \[--gpu\]/);
  });

  it('tells the GPU package’s npm command where it is missing', async () => {
    const { code, stdout, stderr } = await runCli(['setup', 'training', '--gpu', '--json'], folder);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^prosam: SETUP_FAILED: .*(tfjs-node-gpu@4\.22\.0|Linux on x64)/);
  });

  it.skipIf(!nodeEngineHere)(`is quick where nothing is missing: ${NODE_ENGINE_LABEL}`, async () => {
    const { code, stdout } = await runCli(['setup', 'training', '--json'], folder);
    expect(code).toBe(0);
    expect(jsonLines(stdout)).toEqual([
      expect.objectContaining({ package: '@tensorflow/tfjs-node', libtensorflow: '2.21.0', device: 'cpu', changed: false }),
    ]);
    expect((jsonLines(stdout)[0] as { seconds: number }).seconds).toBeLessThan(5);
  });
});
