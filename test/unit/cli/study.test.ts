import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { studyCommand } from '../../../src/cli/study/study.ts';
import type { StudyResult } from '../../../src/training/study/study-result.ts';
import { ENGINE_NAME, writeSmallData } from '../training/small-run.ts';
import { jsonLines, runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-study-cli-'));
beforeAll(() => writeSmallData(join(folder, 'data')));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('prosam study', () => {
  const command = [
    ...['study', 'distributions', '--data', 'data', '--out', 'out', '--fold', '0', '--variants', 'deterministic', '--steps', '2'],
    ...['--pairs', '2', '--samples', '2', '--engine', ENGINE_NAME, '--device', 'cpu', '--threads', '1'],
  ];

  it('trains, measures, prints tables and writes both files; the second time it keeps everything', async () => {
    const first = await runCli(command, folder);
    expect(first.stderr).toMatch(/trains 2 steps on/);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^VRP-SAM, deterministic +\d/m);
    expect(first.stdout).toMatch(/^ +4 +PASCAL-5i +ProSAM, Gaussian, K = 10 +74.2/m);
    expect(readFileSync(join(folder, 'out', 'study.html'), 'utf8')).toContain('<svg');
    const kept = JSON.parse(readFileSync(join(folder, 'out', 'study.json'), 'utf8')) as StudyResult;
    expect(kept).toMatchObject({ format: 'prosam-study/1', study: 'distributions', settings: { folds: '0', seeds: '321', steps: 2 } });

    const second = await runCli([...command, '--json'], folder);
    expect(second.stderr).not.toMatch(/trains/);
    const [{ prosam: mark, ...again }] = [{ prosam: undefined, ...kept }];
    expect([jsonLines(second.stdout), typeof mark]).toEqual([[again], 'object']);
    // Another study, somebody's own file, and a result somebody changed are left alone, before anything is computed.
    const other = await runCli(command.with(1, 'strategies'), folder);
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('OUTPUT_TAKEN')]);
    appendFileSync(join(folder, 'out', 'study.html'), '<p>my notes</p>');
    expect((await runCli(command, folder)).stderr).toMatch(/OUTPUT_TAKEN: .*study.html: .*changed/);
    expect(readFileSync(join(folder, 'out', 'study.html'), 'utf8')).toContain('my notes');
  });

  it.each([
    [[], /expected one study/],
    [['everything'], /expected one of distributions/],
    [['strategies', '--out', 'o'], /--data/],
    [['strategies', '--data', 'data'], /--out/],
    [['domain-shift', '--data', 'data', '--out', 'o'], /--test-data/],
    [['strategies', '--data', 'data', '--out', 'o', '--seeds', '1,x'], /--seeds/],
    [['strategies', '--data', 'data', '--out', 'o', '--variants', 'laplace'], /--variants.*student_t/],
    [['strategies', '--data', 'data', '--out', 'o', '--steps', '1.5'], /--steps/],
    [['strategies', '--data', 'data', '--out', 'o', '--fold', ','], /--fold/],
    [['strategies', '--data', 'data', '--out', 'o', '--engine', 'abacus'], /--engine.*wasm/],
    [['strategies', '--data', 'nowhere', '--out', 'o'], /nowhere/],
    [['strategies', '--data', 'data', '--out', 'o', '--label-reduction', 'half'], /--label-reduction/],
  ])('refuses %j', async (args, message) => {
    const printed: string[] = [];
    const here = args.map((word) => (word === 'data' || word === 'o' ? join(folder, word) : word));
    await expect(studyCommand(here, { print: (line) => void printed.push(line), warn: () => undefined })).rejects.toThrow(message);
    expect([printed, existsSync(join(folder, 'o'))]).toEqual([[], false]);
  });
});
