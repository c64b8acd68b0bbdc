/** `prosam learn` as a process: told what to do, killed, started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PROJECT, smallProject, type SmallProject } from '../learner/small-project.ts';
import { jsonLines, runCli } from './run-cli.ts';
import { dyingWithUs } from '../../support/dies-with-us.ts';

const CLI = resolve('src/cli.ts');
const QUICK = {
  ...{ leaseMs: 1000, checkpointEvery: 1, device: 'cpu', margin: 1, labelMargin: 1, minNewMasks: 4, minImages: 4 },
  // What is trained is what answers: with 'auto' another method may, and no mask changes.
  ...{ minGateImages: 1, alikeIou: 1, folds: 0, lr: 1e-2, fitFrom: 0, method: 'prosam' },
};

let world: SmallProject;
let child: ChildProcess | undefined;
beforeEach(async () => {
  world = await smallProject();
});
afterEach(async () => {
  if (child && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  child = undefined;
  await world.close();
});

const argsOf = (steps: number, more: readonly string[] = []): string[] => [
  ...['learn', ...world.flags, '--json', '--steps', String(steps), '--batch', '2', '--samples', '2'],
  ...['--settings', JSON.stringify(QUICK), ...more],
];

type Line = Record<string, unknown>;
/** Resolves with the first line of the child that fits. */
function line(of: ChildProcess, fits: (event: Line) => boolean): Promise<Line> {
  return new Promise((found, fail) => {
    const lines = createInterface({ input: of.stdout as NodeJS.ReadableStream });
    lines.on('line', (text) => {
      const event = JSON.parse(text) as Line;
      if (fits(event)) found(event);
    });
    of.once('exit', (code) => fail(new Error(`it ended with ${String(code)} before`)));
  });
}
const atStep = (step: number) => (event: Line) => event['type'] === 'step' && (event['step'] as number) >= step;
const ended = async (of: ChildProcess): Promise<number | null> => {
  const [code] = (await once(of, 'exit')) as [number | null];
  return code;
};
const runs = () => world.storage.store.runs.list({ project: PROJECT, limit: 10 });

describe('prosam learn', () => {
  it('goes on after kill -9 with the run it began, and ends it once', async () => {
    await world.annotate(8);
    child = spawn(...dyingWithUs(process.execPath, [CLI, ...argsOf(12)]), { stdio: ['ignore', 'pipe', 'inherit'] });
    await line(child, atStep(4));
    child.kill('SIGKILL');
    await ended(child);
    const [killed] = await runs();
    expect(killed).toMatchObject({ state: 'running', attempts: 1 });
    const folder = join(world.folder, 'learner', 'runs', killed?.id ?? '');
    expect(existsSync(join(folder, 'training', 'checkpoint.safetensors'))).toBe(true);

    child = spawn(...dyingWithUs(process.execPath, [CLI, ...argsOf(12)]), { stdio: ['ignore', 'pipe', 'inherit'] });
    const steps: number[] = [];
    await line(child, (event) => {
      if (event['type'] === 'step') steps.push(event['step'] as number);
      return event['type'] === 'end';
    });
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    expect(steps[0]).toBeGreaterThanOrEqual(3);
    expect(steps.at(-1)).toBe(12);
    expect(await runs()).toMatchObject([{ id: killed?.id, state: 'promoted', attempts: 2 }]);
    expect(await world.storage.store.versions.list({ project: PROJECT, limit: 10 })).toHaveLength(1);
    expect(readdirSync(folder)).toEqual(['metrics.jsonl']);
  });

  it('puts the run aside on SIGTERM and when the process that started it goes away', async () => {
    await world.annotate(8);
    child = spawn(...dyingWithUs(process.execPath, [CLI, ...argsOf(500)]), { stdio: ['ignore', 'pipe', 'inherit'] });
    await line(child, atStep(2));
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    const [first] = await runs();
    expect(first).toMatchObject({ state: 'running', attempts: 1, progress: { phase: 'training' } });
    expect(first?.holder).toBeUndefined();

    // As prosam serve starts it: addresses by the environment, and a channel.
    const [, database, , objects] = world.flags as [string, string, string, string];
    const args = argsOf(500).filter((word) => ![database, objects, '--database', '--objects'].includes(word));
    const env = { ...process.env, PROSAM_DATABASE: database, PROSAM_OBJECTS: objects };
    const withChannel = spawn(...dyingWithUs(process.execPath, [CLI, ...args]), { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], env });
    child = withChannel;
    await line(withChannel, atStep(3));
    withChannel.disconnect();
    expect(await ended(withChannel)).toBe(0);
    const [second] = await runs();
    expect(second).toMatchObject({ id: first?.id, state: 'running', attempts: 2 });
    expect(second?.holder).toBeUndefined();
  });

  it('runs once what it is told to, and says what it waits for', async () => {
    await world.annotate(3, { concepts: [5] });
    const waiting = await runCli(argsOf(3, ['--once']), world.folder);
    expect([waiting.code, jsonLines(waiting.stdout)]).toEqual([
      0,
      [{ type: 'waiting', project: PROJECT, waitingFor: '3 of 4 annotated images; 3 of 4 new masks' }],
    ]);
    const file = join(world.folder, 'learner.json');
    await writeFile(file, JSON.stringify(QUICK));
    const people = argsOf(3, ['--once', '--now', '--project', PROJECT, '--settings', file]).filter((word) => word !== '--json');
    const { code, stdout, stderr } = await runCli(people, world.folder);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^shelf: run r-\w+ from the built-in encoder: 3 masks \(3 new\) of 1 labels on 3 images\n/);
    expect(stdout).toMatch(/\nshelf: run r-\w+ promoted \(v-\w+\): mIoU 0\.\d+ -> 0\.\d+ on 1 held-out pair in 1 image, gain .*\n$/);
    expect((await world.storage.store.versions.list({ project: PROJECT, limit: 1 }))[0]?.code).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('fits numbers without any run, tells so in a line, and does not do it twice', async () => {
    await world.annotate(3, { concepts: [31] });
    const settings = ['--once', '--settings', JSON.stringify({ ...QUICK, fitFrom: 2, method: 'auto' })];
    const first = await runCli(
      argsOf(3, settings).filter((word) => word !== '--json'),
      world.folder,
    );
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(
      /^shelf: \S+ fitted on 3 masks(, not used)?: left-out images 0\.\d\d -> 0\.\d\d \(\d+\.\d s\)\nshelf: waiting/,
    );
    const second = await runCli(argsOf(3, settings), world.folder);
    expect(jsonLines(second.stdout)).toMatchObject([{ type: 'waiting' }]);
    expect(existsSync(join(world.folder, 'learner', 'runs', 'fits'))).toBe(false);
  });

  it('comes back with 75 when it holds too much', async () => {
    await world.annotate(8);
    const small = JSON.stringify({ ...QUICK, maxMemoryBytes: 2 ** 20 });
    const { code, stdout } = await runCli(argsOf(5, ['--settings', small]), world.folder);
    expect(code).toBe(75);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'end', state: 'memory' });
  });

  it('refuses what it cannot mean', async () => {
    const refused = async (args: readonly string[], message: RegExp): Promise<void> => {
      const { code, stderr } = await runCli(['learn', ...world.flags, ...args], world.folder);
      expect(code).toBe(2);
      expect(stderr).toMatch(message);
    };
    await refused(['--now'], /--now goes with --once/);
    await refused(['--now', '--once'], /expected --project/);
    await refused(['--steps', 'many'], /--steps/);
    await refused(['--settings', '{"stepps":1}'], /CONFIG_INVALID.*stepps/s);
    await refused(['--settings', 'nothing.json'], /CONFIG_INVALID.*nothing\.json/s);
  });
});
