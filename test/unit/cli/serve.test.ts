import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ask, startServe } from '../../e2e/serve-process.ts';
import { annotationOf, pictures } from '../../../tools/kill/pictures.ts';
import { runCli } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-serve-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const folder = () => mkdtempSync(join(root, 'f-'));

describe('prosam serve', () => {
  it('answers with nothing configured, ends on SIGTERM, and finds everything again', async () => {
    const here = folder();
    const [picture] = await pictures(1);
    const first = await startServe({ folder: here }, ['--learner', 'off']);
    expect(await ask(first.url, '/health')).toEqual({ alive: true });
    await ask(first.url, '/v1/annotations', annotationOf(picture as NonNullable<typeof picture>, 'p', 'a'));
    expect(await fetch(first.url).then((response) => response.headers.get('content-type'))).toMatch(/^text\/html/);
    expect(await first.stop()).toBe(0);
    expect(existsSync(join(here, 'prosam', 'prosam.db'))).toBe(true);

    const second = await startServe({ folder: here }, ['--learner', 'off']);
    expect(await ask(second.url, '/v1/projects/p')).toMatchObject({ annotated: 1, waitingFor: expect.stringContaining('off') as string });
    expect(await second.stop()).toBe(0);
  });

  it('lets a request finish that runs when it is told to end', async () => {
    const here = folder();
    const [reference, target] = await pictures(2);
    const served = await startServe({ folder: here }, ['--learner', 'off']);
    await ask(served.url, '/v1/annotations', annotationOf(reference as NonNullable<typeof reference>, 'p', 'a'));
    // The first prediction takes longest: sessions are made for it.
    const running = ask<{ masks: unknown[] }>(served.url, '/v1/predict', { project: 'p', image: { base64: target?.base64 } });
    await new Promise((resume) => setTimeout(resume, 30));
    const ended = served.stop();
    expect((await running).masks).toHaveLength(1);
    expect(await ended).toBe(0);
  });

  it('starts its learner and takes it along when it ends', async () => {
    const here = folder();
    const served = await startServe({ folder: here });
    const learner = () =>
      fetch(new URL('/v1/status', served.url))
        .then((response) => response.json())
        .then((status) => (status as { learner: string }).learner);
    expect(await learner()).toBe('managed');
    expect(await served.stop()).toBe(0);
  });

  it('shows its settings without secrets', async () => {
    const here = folder();
    writeFileSync(join(here, 'prosam.config.json'), JSON.stringify({ auth: { tokens: [{ name: 'me', token: 'not-for-your-eyes' }] } }));
    const { code, stdout } = await runCli(['serve', '--print-config', '--port', '1234'], here);
    expect(code).toBe(0);
    expect(stdout).not.toContain('not-for-your-eyes');
    expect(JSON.parse(stdout)).toMatchObject({ port: 1234, host: '127.0.0.1', auth: { tokens: [{ name: 'me', token: '(hidden)' }] } });
  });

  it('says what is wrong before it starts', async () => {
    const here = folder();
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    const refusals: [args: string[], says: RegExp][] = [
      [['--host', '0.0.0.0'], /CONFIG_INVALID.*0\.0\.0\.0.*PROSAM_TOKEN/s],
      [['--port', String(port), '--learner', 'off'], /CONFIG_INVALID.*Cannot listen/s],
      [['--model', 'nowhere', '--learner', 'off'], /MODEL_NOT_FOUND/],
      [['--learner', 'sometimes'], /managed, external, off/],
      [['--config', 'nowhere.json'], /CONFIG_INVALID.*nowhere\.json/s],
    ];
    for (const [args, says] of refusals) {
      const { code, stderr } = await runCli(['serve', ...args], here);
      expect([code, stderr]).toEqual([2, expect.stringMatching(says)]);
    }
    taken.close();
  });
});
