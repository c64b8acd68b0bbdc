import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evalCommand } from '../../../src/cli/eval/eval.ts';
import { textTable } from '../../../src/cli/common/text-table.ts';
import { writeScenesDataset } from '../../../src/training/datasets/scenes-dataset.ts';
import type { Evaluation } from '../../../src/training/evaluation/result.ts';
import { jsonLines, runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-eval-'));
beforeAll(() => writeScenesDataset(join(folder, 'scenes'), { images: 192, size: 64 }));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const evaluated = (...args: string[]) => runCli(['eval', '--data', 'scenes', '--device', 'cpu', ...args], folder);

interface Line {
  source: string;
  contestant?: { name: string };
  comparison?: { first: string; second: string; difference: { value: number } };
  table?: number;
  miou?: { value: number; low: number; high: number };
  pairs?: number;
}
const linesOf = (stdout: string): Line[] => jsonLines(stdout) as unknown as Line[];

describe('prosam eval', () => {
  it('prints a table of contestants and trivial answers, and writes both files', async () => {
    const { code, stdout, stderr } = await evaluated(
      ...[
        '--fold',
        '0,1',
        '--pairs',
        '6',
        '--method',
        'prosam,nearest',
        '--annotation',
        'box',
        '--prompts',
        'box,points',
        '--size',
        '48',
        '--out',
        'out',
        '--cache',
        'cache',
      ],
    );
    expect(stderr).not.toMatch(/prosam:/);
    expect(code).toBe(0);
    for (const name of ['prosam', 'nearest', 'copied mask', 'everything foreground'])
      expect(stdout).toMatch(new RegExp(`^${name} +\\d`, 'm'));
    expect(stdout).toMatch(/TPR.*FNR/);
    expect(stdout).toMatch(/TP share/);
    expect(stdout).not.toContain('published');

    expect(readdirSync(join(folder, 'out')).sort()).toEqual(['evaluation.html', 'evaluation.json']);
    const evaluation = JSON.parse(readFileSync(join(folder, 'out', 'evaluation.json'), 'utf8')) as Evaluation;
    expect(evaluation).toMatchObject({
      format: 'prosam-evaluation/1',
      settings: { pairs: 6, annotation: 'box', size: 48, prompts: ['box', 'points'], seed: 321 },
    });
    for (const prompt of ['box', '1 click', '2 to 6 clicks']) expect(stdout).toMatch(new RegExp(`^tiny@\\w+ +${prompt} +\\d`, 'm'));
    expect(evaluation.contestants.map(({ contestant, episodes }) => [contestant.name, episodes.length])).toEqual([
      ['prosam', 12],
      ['nearest', 12],
      ['copied mask', 12],
      ['everything foreground', 12],
    ]);
    const [first] = evaluation.contestants;
    expect(stdout).toContain(first?.miou.value.toFixed(2));
    const html = readFileSync(join(folder, 'out', 'evaluation.html'), 'utf8');
    expect(html.match(/data:image\/png;base64/g)).toHaveLength(9);
    expect(html).toContain('own prompts');
    for (const kind of ['best', 'median', 'worst']) expect(html).toMatch(new RegExp(`${kind}: [\\w -]+, IoU`));
    expect(html).not.toMatch(/(src|href)="(?!data:|#)/); // nothing outside the file
  });

  it('holds score and presence against what came of them', async () => {
    const { code, stdout } = await evaluated(
      '--fold',
      '0',
      '--pairs',
      '8',
      '--method',
      'nearest',
      '--trust',
      '--others',
      '1',
      '--out',
      'trust',
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/AUROC/);
    expect(stdout).toMatch(/^nearest +8 +8 +-?\d/m);
    expect(stdout).toMatch(/Reliability of nearest[\s\S]*^mean score +\d[\s\S]*^mean IoU +\d/m);
    expect(readFileSync(join(folder, 'trust', 'evaluation.html'), 'utf8')).toContain('Can it be trusted?');
    const { stdout: json } = await evaluated('--fold', '0', '--pairs', '8', '--method', 'nearest', '--trust', '--json');
    expect(linesOf(json)[0]).toMatchObject({ pairs: 8, absent: 8, trust: { shown: 8, absent: 8 } });
  });

  it('puts runs side by side with the paper’s rows, each saying where it comes from', async () => {
    const compare = ['--fold', '2', '--pairs', '5', '--strategy', 'mean_prompt,majority_vote', '--compare'];
    const { code, stdout } = await evaluated(...compare, '--json');
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    const measured = lines.filter(({ contestant }) => contestant);
    expect(measured.map(({ contestant, source, pairs }) => [contestant?.name, source, pairs])).toEqual([
      ['prosam mean_prompt', 'measured here', 5],
      ['prosam majority_vote', 'measured here', 5],
      ['copied mask', 'measured here', 5],
      ['everything foreground', 'measured here', 5],
    ]);
    const comparisons = lines.flatMap(({ comparison }) => comparison ?? []);
    expect(comparisons.map(({ first, second }) => [first, second])).toEqual(
      measured.slice(1).map(({ contestant }) => ['prosam mean_prompt', contestant?.name]),
    );
    expect(comparisons[0]?.difference.value).toBeCloseTo((measured[0]?.miou?.value ?? 0) - (measured[1]?.miou?.value ?? 0), 9);
    expect(lines.filter(({ table }) => table !== undefined)).toHaveLength(56);
    expect(lines.filter(({ table }) => table !== undefined).every(({ source }) => source === 'published')).toBe(true);

    const text = await evaluated(...compare);
    expect(text.stdout).toMatch(/^measured here +- +scenes +prosam mean_prompt +mask +tiny@/m);
    expect(text.stdout).toMatch(/^published +1 +PASCAL-5i +ProSAM +mask +ResNet-50 +75\.26 +77\.57 +70\.09 +65\.22 +72\.04$/m);
    expect(text.stdout).toContain('do not rank against each other');
  });

  it.each([
    [['--fold', '9', '--pairs', '2'], /fold 9/],
    [['--fold', 'x'], /--fold/],
    [['--pairs', '0'], /pairs/],
    [['--pairs', 'many'], /--pairs/],
    [['--annotation', 'circle'], /--annotation.*scribble/],
    [['--method', 'prosam,magic'], /--method.*magic/],
    [['--strategy', ','], /--strategy/],
    [['--size', 'huge'], /--size/],
    [['--model', 'tiny,not-a-model', '--pairs', '2'], /not-a-model/],
    [['--size', '0'], /--size/],
    [['--prompts', 'box,mask'], /--prompts.*mask/],
    [['--test-on', 'none'], /--test-on/],
    [['--nonsense'], /nonsense/],
  ])('refuses %j before anything is written', async (args, message) => {
    const printed: string[] = [];
    const terminal = { print: (line: string) => void printed.push(line), warn: () => undefined };
    const out = join(folder, 'refused');
    await expect(evalCommand(['--data', join(folder, 'scenes'), '--out', out, ...args], terminal)).rejects.toThrow(message);
    expect([printed, existsSync(out)]).toEqual([[], false]);
  });

  it('refuses missing data with exit code 2', async () => {
    const missing = await runCli(['eval', '--data', 'nowhere'], folder);
    expect([missing.code, missing.stdout, missing.stderr]).toEqual([2, '', expect.stringMatching(/DATASET_NOT_FOUND/)]);
    expect((await runCli(['eval'], folder)).stderr).toMatch(/--data/);
  });
});

describe('textTable', () => {
  it('puts figures to the right and words to the left', () => {
    const text = textTable({
      caption: 'what',
      head: ['name', 'value', 'range'],
      rows: [
        ['a', '1.5', '1 to 2'],
        ['longer', '-10', '-'],
      ],
    });
    expect(text.split('\n')).toEqual([
      'what',
      'name    value   range',
      '------  -----  ------',
      'a         1.5  1 to 2',
      'longer    -10       -',
    ]);
  });
});
