/** The method external from the command line and through the service. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pngFromRgb } from '../../../src/cli/common/draw.ts';
import type { DoctorReport } from '../../../src/cli/doctor/text.ts';
import { serverConfig } from '../../../src/server/config.ts';
import { configFromEnvironment } from '../../../src/server/environment.ts';
import { writeScenesDataset } from '../../../src/training/datasets/scenes-dataset.ts';
import { ask, startServe } from '../../e2e/serve-process.ts';
import { jsonLines, runCli } from '../cli/run-cli.ts';
import { expectCode } from '../core/expect-error.ts';
import { SCORE, standInCommand, standInServer, type StandIn } from './stand-in.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-external-'));
let server: StandIn;
let png: Uint8Array;
beforeAll(async () => {
  server = await standInServer();
  const data = new Uint8Array(3 * 64 * 48);
  for (let i = 0; i < 64 * 48; i++) if (i % 64 < 16) data[3 * i] = 255;
  png = await pngFromRgb({ data, width: 64, height: 48 });
  writeFileSync(join(folder, 'a.png'), png);
  writeFileSync(join(folder, 'b.png'), png);
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});
/** Quotes hold a path with spaces together. */
const command = (mode?: string): string =>
  standInCommand(mode)
    .map((word) => `"${word}"`)
    .join(' ');

describe('--external', () => {
  it('has prosam segment ask the system, unless another method is named', async () => {
    const args = ['segment', '--reference', 'a.png', '--box', '0,0,16,48', '--target', 'b.png', '--json', '--external'];
    const { code, stdout } = await runCli([...args, command(), '--out', 'out'], folder);
    expect(code).toBe(0);
    expect(jsonLines(stdout)).toMatchObject([{ method: 'external', area: 16 * 48, quality: { score: SCORE } }]);
    const other = await runCli([...args, command('doomed'), '--out', 'other', '--method', 'nearest'], folder);
    expect(jsonLines(other.stdout)).toMatchObject([{ method: 'nearest' }]);
    const failed = await runCli([...args, command('mortal'), '--out', 'failed'], folder);
    expect(failed.code).toBe(1);
    expect(jsonLines(failed.stdout)).toMatchObject([{ error: { code: 'EXTERNAL_FAILED' } }]);
  });

  it('puts the system into the table of prosam eval', async () => {
    await writeScenesDataset(join(folder, 'scenes'), { images: 192, size: 64 });
    const args = [
      'eval',
      '--data',
      'scenes',
      '--fold',
      '0',
      '--pairs',
      '3',
      '--method',
      'nearest',
      '--external',
      server.url,
      '--device',
      'cpu',
    ];
    const { code, stdout, stderr } = await runCli(args, folder);
    expect(code, stderr).toBe(0);
    for (const name of ['nearest', 'external', 'copied mask']) expect(stdout).toMatch(new RegExp(`^${name} +\\d`, 'm'));
  });

  it('has prosam doctor tell what the system answers, and what it does not', async () => {
    const good = await runCli(['doctor', '--json', '--external', server.url], folder);
    const report = JSON.parse(good.stdout) as DoctorReport;
    expect(report.external?.map(({ state }) => state)).toEqual(Array.from({ length: 7 }, () => 'ok'));
    expect(good.code).toBe(0);
    const bad = await runCli(['doctor', '--external', command('mortal')], folder);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toMatch(/problem +external, one target: EXTERNAL_FAILED: .*exit\s+code\s+9/s);
  });
});

describe('prosam serve', () => {
  const labeled = (options: object = {}) => ({
    project: 'p',
    image: { base64: Buffer.from(png).toString('base64') },
    references: [{ image: { base64: Buffer.from(png).toString('base64') }, label: 'red', box: [0, 0, 16, 48] }],
    options,
  });

  it('asks a configured system where a request says so, and by default where the configuration says so', async () => {
    const served = await startServe({ folder: mkdtempSync(join(folder, 's-')) }, ['--learner', 'off', '--external', server.url]);
    const answer = await ask<{ masks: { method: string; quality: object }[] }>(served.url, '/v1/predict', labeled({ method: 'external' }));
    expect(answer.masks).toMatchObject([{ method: 'external', quality: { score: SCORE } }]);
    expect((await ask<typeof answer>(served.url, '/v1/predict', labeled())).masks[0]?.method).not.toBe('external');
    await served.stop();

    const here = mkdtempSync(join(folder, 'd-'));
    writeFileSync(
      join(here, 'prosam.config.json'),
      JSON.stringify({ learner: { run: 'off' }, external: { place: command(), default: true } }),
    );
    const byDefault = await startServe({ folder: here });
    expect((await ask<typeof answer>(byDefault.url, '/v1/predict', labeled())).masks[0]?.method).toBe('external');
    await byDefault.stop();
  });

  it('refuses the method where nothing is configured: no request can name a place', async () => {
    const served = await startServe({ folder: mkdtempSync(join(folder, 'n-')) }, ['--learner', 'off']);
    const post = async (options: object) => {
      const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(labeled(options)) };
      return await (await fetch(new URL('/v1/predict', served.url), init)).json();
    };
    expect(JSON.stringify(await post({ method: 'external' }))).toContain('METHOD_UNAVAILABLE');
    expect(JSON.stringify(await post({ method: 'external', external: server.url }))).toContain('REQUEST_INVALID');
    await served.stop();
  });

  it('is configured by a section or a variable', () => {
    const { external } = serverConfig(configFromEnvironment({ PROSAM_EXTERNAL: 'python3 segmenter.py', PROSAM_EXTERNAL_ENV: 'MY_KEY' }));
    expect(external).toEqual({
      place: 'python3 segmenter.py',
      default: false,
      timeoutMs: 120_000,
      maxBytes: 2 ** 24,
      environment: ['MY_KEY'],
    });
    expectCode('CONFIG_INVALID', () => serverConfig({ external: { default: true } }), 'external.place');
    expectCode('CONFIG_INVALID', () => serverConfig({ external: { timeoutMs: 0 } }), 'external.timeoutMs');
  });
});
