/** The worker as a process: it ends with the program that started it, and keeps out of that program's way. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { createEngine, type PixelImage } from '../../../../src/index.ts';
import { SLOW_SAM, slowSam, writeHashedModel } from './hashed-model.ts';
import { processorMs, runs, until } from './processes.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';
import { onThisMachine, watchBusy } from '../../../support/busy-watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-worker-'));
const slowModel = join(folder, 'slow');
const source = new URL('../../../../src/index.ts', import.meta.url).href;
const running: ChildProcess[] = [];
beforeAll(() => writeHashedModel(slowModel, SLOW_SAM));
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A program that has `engine` and `image`, in a process of its own. */
function program(body: string, { options = {}, env = {} }: { options?: object; env?: NodeJS.ProcessEnv } = {}) {
  const text = `
    const { createEngine } = await import(${JSON.stringify(source)});
    const engine = await createEngine(${JSON.stringify({ model: 'tiny', ...options })});
    const image = { data: new Uint8Array(3 * 64 * 64).fill(90), width: 64, height: 64, channels: 3 };
    ${body}`;
  const child = spawn(...dyingWithUs(process.execPath, ['--input-type=module', '-e', text]), {
    cwd: folder,
    env: { ...process.env, ...env },
  });
  running.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (said.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (said.err += data.toString()));
  return { child, said, closed: once(child, 'close').then(([code]) => code as number | null) };
}

describe('a program', () => {
  it('that forgot to close ends, and its worker with it', async () => {
    const { said, closed } = program(`await engine.prepare(image); console.log(engine.worker.pid);`);
    expect(await closed).toBe(0);
    expect(said.err).toBe('');
    const pid = Number(said.out);
    expect(pid).toBeGreaterThan(0);
    await until(() => !runs(pid));
  });

  it('that waits for an answer alone gets it', async () => {
    const { said, closed } = program(`engine.prepare(image).then(({ width }) => console.log(width));`);
    expect(await closed).toBe(0);
    expect(said.out).toBe('64\n');
  });

  it('that is killed takes its worker along, even in the middle of a network', async () => {
    // Ten seconds of processor time.
    const model = await writeHashedModel(join(folder, 'long'), slowSam(40));
    const { child, said } = program(
      `console.log(engine.worker.pid); engine.prepare(image); setInterval(() => engine.worker.computing && console.log('computing'), 10);`,
      { options: { model, threads: 1 } },
    );
    await until(() => said.out.includes('computing'));
    const pid = Number(said.out.split('\n')[0]);
    // Its watch starts beside the first network.
    await pause(300);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const before = processorMs(pid);
    let after = before;
    await until(() => {
      after = processorMs(pid) ?? after;
      return !runs(pid);
    });
    if (before !== undefined && after !== undefined) expect(after - before).toBeLessThan(onThisMachine(4000));
  });

  it('has its standard output to itself', async () => {
    const noise = `data:text/javascript,if (process.argv[1]?.includes('inference-worker')) console.log('noise of a library')`;
    const { said, closed } = program(`await engine.prepare(image); await engine.close(); console.log('{"json":true}');`, {
      env: { NODE_OPTIONS: `--import=${encodeURI(noise)}` },
    });
    expect(await closed).toBe(0);
    expect(said).toEqual({ out: '{"json":true}\n', err: 'noise of a library\n' });
  });

  it('is told where the worker dies of opening the model', async () => {
    const death = `data:text/javascript,if (process.argv[1]?.includes('inference-worker')) process.exit(3)`;
    const { said, closed } = program('', { env: { NODE_OPTIONS: `--import=${encodeURI(death)}` } });
    expect(await closed).toBe(1);
    expect(said.err).toContain('expected to open the engine, but the inference worker ended with exit code 3.');
    expect(said.err).toContain("code: 'ENGINE_FAILED'");
  });

  it('may change its folder: relative paths begin where it is now', async () => {
    const { said, closed } = program(
      `const fs = await import('node:fs');
       fs.mkdirSync('elsewhere'); process.chdir('elsewhere');
       fs.writeFileSync('dot.png', Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==', 'base64'));
       console.log((await engine.prepare('dot.png')).width); await engine.close();`,
    );
    expect(await closed).toBe(0);
    expect(said.out).toBe('1\n');
  });
});

describe('the worker', () => {
  it.skipIf(process.platform === 'win32')('ends when its engine says so, not when the terminal does', async () => {
    const engine = await createEngine({ model: slowModel, threads: 1 });
    const { worker } = engine;
    const response = engine.prepare(sceneWith(31, () => 5).image);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(worker?.pid as number, signal);
    expect((await response).width).toBe(256);
    expect(worker?.replacements).toBe(0);
    const pid = worker?.pid as number;
    await engine.close();
    expect(runs(pid)).toBe(false);
  });

  it('leaves the event loop of its program free, whatever it computes and however large images and masks are', async () => {
    const [width, height] = [4000, 3000];
    const large = (value: number): PixelImage => ({ data: new Uint8Array(3 * width * height).fill(value), width, height, channels: 3 });
    const slow = await createEngine({ model: slowModel, threads: 1, priority: 'low' });
    const tiny = await createEngine({ model: 'tiny', threads: 1, priority: 'low' });
    const { image, truth } = sceneWith(31, () => 5);
    const references = [{ image, mask: truth }] as const;
    await tiny.predict(image, references, { method: 'prosam' });
    const busy = watchBusy();
    const longestOf = async (work: () => Promise<unknown>): Promise<number> => {
      busy.longestMs();
      await work();
      return busy.longestMs();
    };
    const within = onThisMachine(50);
    // Collecting garbage of this program's own takes a moment, too: the better of some rounds is the work's own doing.
    let [embedding, predicting] = [Infinity, Infinity];
    for (let round = 0; round < 4 && !(embedding < within && predicting < within); round++) {
      const images = [large(10 * round), large(10 * round + 1)] as const;
      embedding = Math.min(embedding, await longestOf(() => slow.prepare(images[0])));
      const asked = () => tiny.predict(images[1], references, { method: 'prosam', uncertaintyMap: true });
      predicting = Math.min(predicting, await longestOf(asked));
    }
    busy.stop();
    await Promise.all([slow.close(), tiny.close()]);
    expect(embedding).toBeLessThan(within);
    expect(predicting).toBeLessThan(within);
  });
});
