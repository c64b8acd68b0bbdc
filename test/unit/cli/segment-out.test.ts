/** What `prosam segment` never overwrites, never takes for a target, and never calls done, run as people run it. */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { pngFromRgb } from '../../../src/cli/common/draw.ts';
import { foldedName } from '../../../src/core/files/file-name.ts';
import { pngFromMask } from '../../../src/core/image/node/png.ts';
import { jsonLines, runCli } from './run-cli.ts';
import { dyingWithUs } from '../../support/dies-with-us.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-out-'));
let folder = '';
let count = 0;

beforeAll(async () => {
  for (const [name, start] of [
    ['reference', 1000],
    ['one', 2000],
    ['two', 3000],
  ] as const) {
    let seed = start;
    const { image, truth } = sceneWith(36, () => seed++, 64);
    writeFileSync(join(root, `${name}.png`), await pngFromRgb(image));
    writeFileSync(
      join(root, `${name}.jpg`),
      await sharp(await pngFromRgb(image))
        .jpeg()
        .toBuffer(),
    );
    writeFileSync(join(root, `${name}-mask.png`), await pngFromMask(truth));
  }
});
beforeEach(() => {
  folder = join(root, `run-${count++}`);
  mkdirSync(folder);
  put('reference.png', 'reference.png');
  put('reference-mask.png', 'mask.png');
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

const REFERENCE = ['--reference', 'reference.png', '--mask', 'mask.png', '--method', 'nearest'];
const at = (name: string): string => join(folder, name);
const put = (source: string, ...names: string[]): void => {
  for (const name of names) {
    mkdirSync(resolve(at(name), '..'), { recursive: true });
    copyFileSync(join(root, source), at(name));
  }
};
const segment = async (...args: string[]) => {
  const { code, stdout, stderr } = await runCli(['segment', ...REFERENCE, ...args, '--json'], folder);
  const lines = jsonLines(stdout).filter((line) => !('summary' in line));
  const outputs = lines.flatMap((line) => (line['outputs'] as string[] | undefined) ?? []);
  const codes = lines.map(
    (line) => (line['error'] as { code: string } | undefined)?.code ?? (line['skipped'] === true ? 'skipped' : 'done'),
  );
  return { code, stderr, lines, outputs, codes };
};
const names = (below: string): string[] => readdirSync(at(below)).sort();
const same = (name: string, source: string): boolean => readFileSync(at(name)).equals(readFileSync(join(root, source)));

describe('originals', () => {
  it('are neither taken for their own masks nor overwritten, and masks are no targets of the next run', async () => {
    put('one.png', 'photos/a.png');
    put('two.jpg', 'photos/b.jpg');
    const inPlace = ['--target-dir', 'photos', '--out', 'photos'];
    const first = await segment(...inPlace);
    expect([first.code, first.codes]).toEqual([1, ['OUTPUT_TAKEN', 'done']]);
    expect(first.stderr).toMatch(/expected .*, got .*--out/);
    expect(first.stderr).toContain('1 of 2 targets failed');
    const again = await segment(...inPlace);
    expect([again.code, again.codes]).toEqual([1, ['skipped', 'OUTPUT_TAKEN', 'skipped']]);
    expect(again.lines[0]).toEqual({ file: join('photos', 'b.png'), skipped: true, reason: 'made by prosam' });
    const forced = await segment(...inPlace, '--force');
    expect([forced.code, forced.codes]).toEqual([1, ['skipped', 'OUTPUT_TAKEN', 'done']]);
    expect(forced.stderr).toContain('1 files were left out');
    expect([same('photos/a.png', 'one.png'), same('photos/b.jpg', 'two.jpg')]).toEqual([true, true]);
    expect(names('photos')).toEqual(['a.png', 'b.jpg', 'b.png']);
    // Nor where they are named one by one, as a shell does, or lie elsewhere by then.
    renameSync(at('photos/b.png'), at('photos/c.png'));
    const named = await segment('--target', 'photos/b.jpg', 'photos/c.png', '--out', 'elsewhere');
    expect([named.code, named.codes]).toEqual([0, ['skipped', 'done']]);
    expect((await segment('--target', 'photos/c.png', '--out', 'elsewhere')).code).toBe(2);
  });

  it('of others stay where a result would be, also behind links, with --force, and where the name differs in case alone', async () => {
    put('one.jpg', 'photos/a.jpg', 'photos/b.jpg', 'photos/c.jpg', 'photos/d.jpg', 'photos/e.jpg');
    put('two.png', 'masks/a.png', 'masks/B.PNG', 'original.png');
    symlinkSync(at('original.png'), at('masks/c.png'));
    linkSync(at('original.png'), at('masks/d.png'));
    mkdirSync(at('masks/e.png'));
    const { code, codes } = await segment('--target-dir', 'photos', '--out', 'masks', '--force');
    expect([code, codes]).toEqual([1, Array.from({ length: 5 }, () => 'OUTPUT_TAKEN')]);
    for (const name of ['masks/a.png', 'masks/B.PNG', 'masks/c.png', 'masks/d.png', 'original.png'])
      expect(same(name, 'two.png')).toBe(true);
    expect(names('masks')).toEqual(['B.PNG', 'a.png', 'c.png', 'd.png', 'e.png']);
  });

  it('are also the reference and its mask, even one that prosam made', async () => {
    put('one.jpg', 'one.jpg');
    const made = (await segment('--target', 'one.jpg', '--out', 'made')).outputs[0] as string;
    const before = readFileSync(at(made));
    const mark = ['--reference', 'one.jpg', '--mask', made, '--target', 'one.jpg', '--method', 'nearest', '--out', 'made', '--force'];
    const own = await runCli(['segment', ...mark], folder);
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining('OUTPUT_TAKEN')]);
    linkSync(at(made), at('made/reference.png'));
    const linked = await runCli(['segment', '--reference', 'one.jpg', '--mask', made, '--target', 'reference.png', '--method', 'nearest', '--out', 'made', '--force'], folder); // prettier-ignore
    expect([linked.code, names('made').length]).toEqual([0, 3]);
    expect(readFileSync(at('made/reference.png')).equals(before)).toBe(true);
    expect(readFileSync(at(made)).equals(before)).toBe(true);
    const here = await segment('--target', 'reference.png', '--out', '.', '--force');
    expect([here.codes, same('reference.png', 'reference.png'), same('mask.png', 'reference-mask.png')]).toEqual([
      ['OUTPUT_TAKEN'],
      true,
      true,
    ]);
  });

  it('are masks that somebody changed', async () => {
    put('one.jpg', 'a.jpg');
    const run = ['--target', 'a.jpg', '--out', 'masks'];
    await segment(...run);
    const mask = readFileSync(at('masks/a.png'));
    const corrected = Buffer.concat([
      mask.subarray(0, -12),
      Buffer.from('000000047445587461006263', 'hex'),
      Buffer.alloc(4),
      mask.subarray(-12),
    ]);
    writeFileSync(at('masks/a.png'), corrected);
    const kept = await segment(...run);
    expect([kept.code, kept.lines]).toEqual([0, [{ file: 'a.jpg', skipped: true, changed: true, outputs: [join('masks', 'a.png')] }]]);
    expect((await segment(...run, '--force')).codes).toEqual(['OUTPUT_TAKEN']);
    expect(readFileSync(at('masks/a.png')).equals(corrected)).toBe(true);
  });
});

describe('names of results', () => {
  it('differ for labels that differ in anything, and stay where they are plain', async () => {
    put('one.jpg', 'a.jpg');
    const long = 'x'.repeat(60);
    const labels = [
      'cat',
      'left hand',
      'left/hand',
      '😀',
      '😁',
      `${long}1`,
      `${long}2`,
      'Cup',
      'cup',
      'é',
      'e\u0301',
      '..',
      'con',
      'overlay',
      'a.b',
    ];
    const concepts = labels.flatMap((label) => ['--reference', 'reference.png', '--mask', 'mask.png', '--label', label]);
    const run = ['segment', ...concepts, '--method', 'nearest', '--target', 'a.jpg', '--out', 'masks', '--json'];
    const { code, stdout } = await runCli(run, folder);
    expect(code).toBe(0);
    const outputs = jsonLines(stdout)[0]?.['outputs'] as string[];
    expect(names('masks')).toEqual(outputs.map((path) => path.slice('masks/'.length)).sort());
    expect(new Set(outputs.map(foldedName)).size).toBe(labels.length);
    expect(outputs.slice(0, 3)).toEqual([
      join('masks', 'a.cat.png'),
      join('masks', 'a.left hand.png'),
      expect.stringMatching(/a\.left_hand~[0-9a-f]{16}\.png$/),
    ]);
    expect(jsonLines((await runCli(run, folder)).stdout)[0]).toEqual({ file: 'a.jpg', skipped: true, outputs });
  });

  it('differ for images that are called the same, and do not change when others come', async () => {
    put('one.jpg', 'x/a.jpg');
    const alone = await segment('--target', 'x/a.jpg', '--out', 'masks');
    expect(alone.outputs).toEqual([join('masks', 'a.png')]);
    put('two.png', 'x/a.png', 'y/a.jpg', 'x/A.jpg', 'x/con.jpg', 'x/-rf.jpg', 'x/😀.jpg', `x/${'n'.repeat(240)}.jpg`, 'x/b.png');
    symlinkSync(at('x/a.jpg'), at('x/link.jpg'));
    const files = ['a.jpg', 'a.png', 'A.jpg', 'con.jpg', '-rf.jpg', '😀.jpg', `${'n'.repeat(240)}.jpg`, 'b.png', 'link.jpg'].map(
      (name) => `x/${name}`,
    );
    const targets = ['--target', ...files, 'y/a.jpg', 'x/../x/a.jpg', '--out', 'masks'];
    const all = await segment(...targets);
    expect([all.code, all.codes]).toEqual([0, ['skipped', ...Array.from({ length: 9 }, () => 'done')]]);
    expect(new Set(all.outputs.map(foldedName)).size).toBe(10);
    expect(names('masks')).toHaveLength(10);
    expect([all.outputs[0], all.outputs[7], all.outputs[8]]).toEqual(['a', 'b', 'link'].map((name) => join('masks', `${name}.png`)));
    expect((await segment(...targets)).codes).toEqual(Array.from({ length: 10 }, () => 'skipped'));
    // Each alone, and where everything was moved.
    expect((await segment('--target', 'y/a.jpg', '--out', 'masks')).outputs).toEqual([all.outputs[9]]);
    for (const name of ['x', 'y', 'masks']) cpSync(at(name), at(`moved/${name}`), { recursive: true, verbatimSymlinks: true });
    const moved = targets.map((one) => (one.startsWith('--') ? one : `moved/${one}`));
    expect((await segment(...moved)).codes).toEqual(Array.from({ length: 10 }, () => 'skipped'));
  });

  it('are not shared by another form of another image', async () => {
    put('one.jpg', 'a.jpg');
    put('two.jpg', 'a.overlay.jpg', 'a.b.jpg');
    const [first] = (await segment('--target', 'a.overlay.jpg', '--out', 'masks')).outputs as [string];
    const before = readFileSync(at(first));
    const [second] = (await segment('--target', 'a.jpg', '--out', 'masks', '--format', 'overlay', '--force')).outputs as [string];
    expect([first, second]).toEqual([join('masks', 'a.overlay.png'), expect.stringMatching(/a~[0-9a-f]{16}\.overlay\.png$/)]);
    expect(readFileSync(at(first)).equals(before)).toBe(true);
  });
});

describe('done already', () => {
  it('is what was made of the same image, references and options, and nothing else', async () => {
    put('one.jpg', 'a.jpg');
    const run = ['--target', 'a.jpg', '--out', 'masks'];
    await segment(...run);
    const mask = readFileSync(at('masks/a.png'));
    expect((await segment(...run, '--threads', '1')).codes).toEqual(['skipped']);
    for (const other of [
      ['--method', 'persam'],
      ['--label', 'another'],
    ]) {
      const { code, codes, stderr } = await segment(...other, ...run);
      expect([code, codes, stderr]).toEqual([1, ['OUTPUT_TAKEN'], expect.stringContaining('--force')]);
    }
    put('two.jpg', 'a.jpg');
    expect((await segment(...run)).codes).toEqual(['OUTPUT_TAKEN']);
    expect(readFileSync(at('masks/a.png')).equals(mask)).toBe(true);
    expect((await segment(...run, '--force')).codes).toEqual(['done']);
    expect(readFileSync(at('masks/a.png')).equals(mask)).toBe(false);
    expect((await segment(...run)).codes).toEqual(['skipped']);
    for (const format of ['rle', 'polygon']) {
      expect((await segment(...run, '--format', format)).codes).toEqual(['done']);
      expect((await segment(...run, '--format', format)).codes).toEqual(['skipped']);
    }
  });

  it('is nothing that was cut off by a kill, nor do its remains become targets', async () => {
    put('one.jpg', 'photos/a.jpg');
    put('two.jpg', 'photos/b.jpg');
    const run = ['--target-dir', 'photos', '--out', 'photos'];
    const killed = await killedAt('b.png', at('photos/a.png'), ['segment', ...REFERENCE, ...run]);
    expect(killed).toBe('SIGKILL');
    const left = names('photos');
    expect(left.filter((name) => !name.startsWith('.'))).toEqual(['a.jpg', 'a.png', 'b.jpg']);
    expect(left.some((name) => name.startsWith('.prosam-'))).toBe(true);
    put('two.png', 'photos/._b.png');
    const next = await segment(...run);
    expect([next.code, next.codes]).toEqual([0, ['skipped', 'skipped', 'done']]);
    expect(names('photos').filter((name) => !name.startsWith('.'))).toEqual(['a.jpg', 'a.png', 'b.jpg', 'b.png']);
  });

  it('is a target only with all its files', async () => {
    put('one.jpg', 'a.jpg');
    const run = ['--target', 'a.jpg', '--out', 'masks'];
    const two = ['--reference', 'reference.png', '--mask', 'mask.png', '--label', 'other', ...run];
    await segment(...two);
    rmSync(at('masks/a.other.png'));
    expect((await segment(...two)).codes).toEqual(['done']);
    expect(names('masks')).toEqual(['a.object.png', 'a.other.png']);
  });
});

/** Ends the process the moment it is about to give a file this name, once another is there. */
function killedAt(name: string, after: string, args: readonly string[]): Promise<string | null> {
  const hook = `import fs from 'node:fs/promises'; import { existsSync } from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
    import { setImmediate as turn } from 'node:timers/promises';
    for (const how of ['link', 'rename']) { const real = fs[how]; fs[how] = async (from, to) => {
      if (!String(to).endsWith(${JSON.stringify(name)})) return real(from, to);
      while (!existsSync(${JSON.stringify(after)})) await turn();
      process.kill(process.pid, 'SIGKILL'); } }
    syncBuiltinESMExports();`;
  const preload = `--import=data:text/javascript,${encodeURIComponent(hook)}`;
  return new Promise((done) => {
    const child = execFile(...dyingWithUs(process.execPath, [preload, resolve('src/cli.ts'), ...args]), { cwd: folder });
    child.once('exit', (_, signal) => {
      done(signal);
    });
  });
}
