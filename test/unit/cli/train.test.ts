import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { trainCommand } from '../../../src/cli/train/train.ts';
import { checkpointOf, ENGINE_NAME, smallWorld, type SmallWorld } from '../training/small-run.ts';
import { jsonLines, runCli } from './run-cli.ts';
import { dyingWithUs } from '../../support/dies-with-us.ts';

let world: SmallWorld;
beforeAll(async () => {
  world = await smallWorld();
});
afterAll(() => world.close());

const COMMON = ['train', '--data', 'data', '--device', 'cpu', '--engine', ENGINE_NAME, '--samples', '2', '--cache', 'features'];
const trained = (...args: string[]) => runCli([...COMMON, ...args], world.folder);
const html = (out: string): string => readFileSync(join(world.folder, out, 'report.html'), 'utf8');
const pictures = (out: string): string[] => readdirSync(join(world.folder, out, 'pictures')).sort();

interface Line {
  type: string;
  step?: number;
  reason?: string;
}
const linesOf = (stdout: string): Line[] => jsonLines(stdout) as unknown as Line[];

/** Runs the command until it has printed `step`, then sends the signal. */
function stopped(
  signal: 'SIGINT' | 'SIGKILL',
  atStep: number,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((done) => {
    const child = spawn(...dyingWithUs(process.execPath, [resolve('src/cli.ts'), ...COMMON, ...args]), { cwd: world.folder });
    let [stdout, stderr] = ['', ''];
    let sent = false; // a second Ctrl-C would end it at once
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString();
      if (!sent && stdout.includes(`"type":"step","step":${atStep},`)) sent = child.kill(signal);
    });
    child.on('close', (code) => done({ code, stdout, stderr }));
  });
}

describe('prosam train', () => {
  it('trains, says what runs and how it goes, and leaves models and a report', async () => {
    const run = ['--out', 'runs/a', '--steps', '3', '--pairs', '3', '--lr', '1e-3', '--fold', '1', '--annotation', 'box'];
    const { code, stdout, stderr } = await trained(...run);
    expect(stderr).not.toMatch(/prosam:/);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      ENGINE_NAME === 'node' ? /^engine: tfjs-node 4\.22\.0 on libtensorflow .*frozen networks: cpu$/m : /^engine: tfjs-backend-wasm/m,
    );
    expect(stdout).toMatch(/^data: data, fold 1: 3 classes to train on, validated on 1 left out; 3 steps, \d an epoch$/m);
    expect(stdout).toMatch(
      /step 3 of 3, loss \d\.\d{3}, keep [\d.]+, prompts alike [\d.]+, sigma [\d.]+, mIoU \d+\.\d\d %, FB-IoU \d+\.\d\d %, best so far/,
    );
    expect(stdout).toMatch(/finished after step 3; look at runs\/a\/report\.html, use it with --model runs\/a\/best/);
    expect(readdirSync(join(world.folder, 'runs/a')).sort()).toEqual([
      'best',
      'checkpoint.safetensors',
      'last',
      'metrics.jsonl',
      'pictures',
      'report.html',
    ]);
    expect(pictures('runs/a')).toEqual([expect.stringMatching(/^1-\w+-step0000003-iou\d\.\d{3}\.png$/)]);
    for (const title of ['Loss per step', 'Validation', 'Learning rate per step']) expect(html('runs/a')).toContain(title);
    expect(html('runs/a').match(/data:image\/png;base64/g)).toHaveLength(1);
    expect(html('runs/a')).not.toMatch(/(src|href)="(?!data:|#)/); // nothing outside the file

    // A second part keeps the pictures of the first.
    expect((await trained(...run)).stderr).toMatch(/RUN_INVALID/);
    const more = await trained(...run.map((word) => (word === '3' ? '4' : word)), '--resume', '--pairs', '3');
    expect([more.code, more.stderr]).toEqual([0, expect.stringMatching(/resumed after step 3/)]);
    expect(pictures('runs/a').map((name) => /step\d+/.exec(name)?.[0])).toEqual(['step0000003', 'step0000004']);
    expect(html('runs/a').match(/data:image\/png;base64/g)).toHaveLength(2);
    expect(html('runs/a')).toContain('4 of 4 steps');
  });

  it('goes on to the same bits after kill -9, with one JSON line an event', async () => {
    const run = ['--steps', '5', '--pairs', '2', '--checkpoint-every', '2', '--average-decay', '0.9', '--flip', '--jitter', '1', '--json'];
    const straight = await trained(...run, '--out', 'runs/straight');
    const lines = linesOf(straight.stdout);
    expect(lines.map(({ type }) => type)).toEqual([
      'start',
      'step',
      'step',
      'checkpoint',
      'step',
      'step',
      'checkpoint',
      'step',
      'validating',
      'validating',
      'validation',
      'end',
    ]);
    expect(lines.at(-1)).toMatchObject({ reason: 'finished', step: 5 });
    expect(straight.stdout.length).toBeLessThan(10_000); // no pixels

    const killed = await stopped('SIGKILL', 3, ...run, '--out', 'runs/killed');
    expect(killed.code).toBeNull();
    expect(existsSync(join(world.folder, 'runs/killed/run.lock'))).toBe(true);
    expect((await checkpointOf(join(world.folder, 'runs/killed'))).step).toBe(2);
    const rest = await trained(...run, '--out', 'runs/killed', '--resume');
    expect(linesOf(rest.stdout)[0]).toMatchObject({ type: 'start', done: 2, historyRows: 2 });
    const bytes = async (out: string): Promise<Buffer> => (await checkpointOf(join(world.folder, out))).bytes;
    expect((await bytes('runs/killed')).equals(await bytes('runs/straight'))).toBe(true);
  });

  it('ends at Ctrl-C with a checkpoint, and says how to go on', async () => {
    const run = ['--out', "runs/it's mine", '--steps', '500', '--pairs', '0', '--json'];
    const { code, stdout, stderr } = await stopped('SIGINT', 1, ...run);
    const last = linesOf(stdout).at(-1);
    expect([code, last?.reason]).toEqual([130, 'interrupted']);
    expect((await checkpointOf(join(world.folder, "runs/it's mine"))).step).toBe(last?.step);
    expect(stderr).toContain(`interrupted after step ${last?.step}; go on with: prosam train --data data`);
    expect(stderr).toContain(String.raw`--out 'runs/it'\''s mine' --steps 500 --pairs 0 --json --resume`);
  });

  it('trains on WebAssembly, where nothing is compiled', async () => {
    const { code, stdout } = await trained('--engine', 'wasm', '--out', 'runs/wasm', '--steps', '1', '--pairs', '0', '--fold', 'unsplit');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^engine: tfjs-backend-wasm 4\.22\.0.*\n.*fold all: all 4 classes/m);
    expect(stdout).toMatch(/use it with --model runs\/wasm\/last/);
  });

  it.each([
    [['--steps', 'many'], /--steps/],
    [['--lr', '1e30'], /lr/],
    [['--fold', 'x'], /--fold/],
    [['--fold', '9'], /fold 9/],
    [['--annotation', 'circle'], /--annotation.*scribble/],
    [['--distribution', 'cauchy'], /--distribution.*gaussian/],
    [['--schedule', 'linear'], /--schedule.*cosine/],
    [['--engine', 'torch'], /--engine.*wasm/],
    [['--label-reduction', 'most'], /--label-reduction/],
    [['--jitter', '99'], /jitter/],
    [['--from-scratch', '--warm-start', 'x'], /--from-scratch/],
    [['--nonsense'], /nonsense/],
  ])('refuses %j before anything is written', async (args, message) => {
    const printed: string[] = [];
    const terminal = { print: (line: string) => void printed.push(line), warn: () => undefined };
    const out = join(world.folder, 'refused');
    await expect(trainCommand(['--data', join(world.folder, 'data'), '--out', out, ...args], terminal)).rejects.toThrow(message);
    expect([printed, existsSync(out)]).toEqual([[], false]);
  });

  it('refuses what is missing with exit code 2, and has help', async () => {
    const missing = await runCli(['train', '--data', 'nowhere', '--out', 'x'], world.folder);
    expect([missing.code, missing.stdout, missing.stderr]).toEqual([2, '', expect.stringMatching(/DATASET_NOT_FOUND/)]);
    expect((await runCli(['train', '--out', 'x'], world.folder)).stderr).toMatch(/--data/);
    const help = await runCli(['train', '--help'], world.folder);
    expect([help.code, help.stdout]).toEqual([0, expect.stringMatching(/--resume[\s\S]*--clip-norm[\s\S]*Examples/)]);
  });
});
