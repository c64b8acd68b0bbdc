/** What the other commands leave alone in the folder they write to. */
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { pngFromRgb } from '../../../src/cli/common/draw.ts';
import { createRunReport } from '../../../src/cli/train/report.ts';
import { openResults } from '../../../src/cli/segment/results.ts';
import { targetsOf, type Target } from '../../../src/cli/segment/targets.ts';
import { inputsOf, ownPlace, refuseTaken, writeOwn } from '../../../src/cli/common/write-file.ts';
import { page } from '../../../src/training/report/page.ts';
import { expectRejection } from '../core/expect-error.ts';
import { jsonLines, runCli } from './run-cli.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-originals-'));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
const at = (name: string): string => join(folder, name);
const text = (name: string): string => readFileSync(at(name), 'utf8');

describe('a file that a command makes anew each time', () => {
  const about = { about: 'evaluation' };
  const first = page({ title: 'first', sections: [] });
  const second = page({ title: 'second', sections: [] });

  it('takes the place of the last, and of nothing else', async () => {
    await writeOwn(at('page.html'), first, about);
    await writeOwn(at('page.html'), second, about);
    expect(text('page.html')).toContain('<h1>second</h1>');
    await expectRejection('OUTPUT_TAKEN', writeOwn(at('page.html'), first, { about: 'something else' }), 'page.html');
    writeFileSync(at('page.html'), text('page.html').replace('second', 'my own'));
    await expectRejection('OUTPUT_TAKEN', writeOwn(at('page.html'), first, about), 'changed');
    expect(text('page.html')).toContain('my own');
    for (const [name, content] of [
      ['other.html', first],
      ['other.json', '{"format":"prosam-evaluation/1"}'],
      ['empty', ''],
    ] as const) {
      writeFileSync(at(name), content);
      await expectRejection('OUTPUT_TAKEN', refuseTaken([at(name)], about), name);
      await expectRejection('OUTPUT_TAKEN', writeOwn(at(name), second, about), name);
      expect(text(name)).toBe(content);
    }
    expect(readdirSync(folder).sort()).toEqual(['empty', 'other.html', 'other.json', 'page.html']);
  });

  it('never takes the place of a link, nor of what the command reads', async () => {
    await writeOwn(at('page.html'), first, about);
    symlinkSync(at('page.html'), at('link.html'));
    await expectRejection('OUTPUT_TAKEN', writeOwn(at('link.html'), second, about), 'link');
    linkSync(at('page.html'), at('hard.html'));
    const inputs = await inputsOf([at('hard.html'), at('nowhere')]);
    await expectRejection('OUTPUT_TAKEN', writeOwn(at('page.html'), second, { ...about, inputs }), 'read');
    expect(text('page.html')).toContain('first');
  });

  it('lies beside one of the same name that is about something else', async () => {
    const write = async (task: number): Promise<string> => {
      const path = await ownPlace(folder, 'frame-1', '.html', { task });
      await writeOwn(path, page({ title: `task ${task}`, sections: [] }), { about: { task } });
      return path;
    };
    const paths = [await write(12), await write(13), await write(12), await write(13)];
    expect(paths).toEqual([at('frame-1.html'), expect.stringMatching(/frame-1~[0-9a-f]{16}\.html$/), paths[0], paths[1]]);
    expect([text('frame-1.html').includes('task 12'), readdirSync(folder).length]).toEqual([true, 2]);
  });

  it('may take the place of one without a mark in a folder that is known to be ours', async () => {
    writeFileSync(at('page.html'), first);
    await writeOwn(at('page.html'), second, { ...about, adopt: true });
    expect(text('page.html')).toContain('second');
  });
});

describe('two processes that write results to one folder', () => {
  it('never share a name for two images, and do not fail each other over the same one', async () => {
    const images: string[] = [];
    for (const name of ['x', 'y']) {
      mkdirSync(at(name));
      writeFileSync(at(`${name}/a.jpg`), name);
      images.push(at(`${name}/a.jpg`));
    }
    const process = async (image: string) => {
      const { targets } = await targetsOf([image], undefined, at('out'));
      const options = { out: at('out'), suffixes: ['.rle.json'], settings: {}, inputs: await inputsOf([image]), force: true };
      const results = await openResults(options);
      const plan = await results.plan(targets[0] as Target);
      return { plan, write: () => results.write(plan, [JSON.stringify({ image })]) };
    };
    const [first, same, other] = [
      await process(images[0] as string),
      await process(images[0] as string),
      await process(images[1] as string),
    ];
    expect(new Set([first, same, other].map(({ plan }) => plan.outputs[0])).size).toBe(1);
    await first.write();
    await same.write();
    await expectRejection('OUTPUT_TAKEN', other.write(), 'another image');
    const again = await process(images[1] as string);
    await again.write();
    expect(readdirSync(at('out')).sort()).toEqual(['a.rle.json', expect.stringMatching(/^a~[0-9a-f]{16}\.rle\.json$/)]);
    expect(text('out/a.rle.json')).toContain('x');
  });
});

describe('commands', () => {
  it('eval and study refuse before they read any data', async () => {
    for (const name of ['evaluation.html', 'study.json']) writeFileSync(at(name), 'my notes');
    for (const command of [['eval'], ['study', 'strategies']]) {
      const { code, stderr } = await runCli([...command, '--data', 'nowhere', '--out', '.'], folder);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/OUTPUT_TAKEN: (evaluation.html|study.json): expected .* got another file\. .*folder/),
      ]);
    }
    expect([text('evaluation.html'), text('study.json')]).toEqual(['my notes', 'my notes']);
  });

  it('train keeps a report that is none of its own, unless the folder is a run’s', async () => {
    writeFileSync(at('report.html'), 'my notes');
    await expectRejection('OUTPUT_TAKEN', createRunReport(folder, []).check(), 'report.html');
    writeFileSync(at('checkpoint.safetensors'), '');
    await createRunReport(folder, []).check();
  });

  it('demo leaves alone what it did not draw, and draws targets that are called the same apart', async () => {
    const { image } = sceneWith(36, () => 1000, 64);
    writeFileSync(at('a.png'), await pngFromRgb(image));
    for (const name of ['x', 'y']) {
      mkdirSync(at(name));
      copyFileSync(at('a.png'), at(`${name}/a.png`));
    }
    const own = [
      'demo',
      '--reference',
      'a.png',
      '--box',
      '5,5,60,60',
      '--method',
      'nearest',
      '--target',
      'x/a.png',
      'y/a.png',
      'a.png',
      '--json',
    ];
    const { code, stdout } = await runCli([...own, '--out', 'd'], folder);
    expect(code).toBe(0);
    const pictures = jsonLines(stdout).map(({ picture }) => picture as string);
    expect(readdirSync(at('d')).sort()).toEqual([...pictures.map((path) => path.slice(2)), 'index.html', 'overview.png'].sort());
    expect(new Set(pictures).size).toBe(3);
    expect((await runCli([...own, '--out', 'd'], folder)).code).toBe(0);

    writeFileSync(at('index.html'), 'my page');
    const refused = await runCli(['demo', '--out', '.'], folder);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('OUTPUT_TAKEN: index.html')]);
    expect([text('index.html'), readdirSync(folder).sort()]).toEqual(['my page', ['a.png', 'd', 'index.html', 'x', 'y']]);
  });
});
