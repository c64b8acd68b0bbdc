/** Files that are whole or not there, and folders of models that are replaced as a whole. */
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { checkModelFolder, removeModelFolder, replaceModelFolder } from '../../../../src/core/files/replace-folder.ts';
import { writeDurably } from '../../../../src/core/files/write-file.ts';
import { expectRejection } from '../expect-error.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-write-'));
let folder = '';
let count = 0;
beforeEach(() => {
  folder = join(root, String(count++));
  mkdirSync(folder);
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

describe('writeDurably', () => {
  it('puts a file where nothing is, or in the place of another', async () => {
    const file = join(folder, `${'é'.repeat(120)}.png`);
    await writeDurably(file, 'a long text', { replace: false });
    await writeDurably(file, 'short');
    expect([readFileSync(file, 'utf8'), readdirSync(folder).length]).toEqual(['short', 1]);
  });

  it('overwrites nothing where it may not, not even a link that leads nowhere', async () => {
    writeFileSync(join(folder, 'photo.png'), 'original');
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link.png'));
    for (const name of ['photo.png', 'link.png'])
      await expectRejection('OUTPUT_TAKEN', writeDurably(join(folder, name), 'mask', { replace: false }), name);
    expect(readFileSync(join(folder, 'photo.png'), 'utf8')).toBe('original');
    expect(lstatSync(join(folder, 'link.png')).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['link.png', 'photo.png']);
  });

  it('takes away what a writer left behind that was killed long ago, and nothing else', async () => {
    const names = ['.prosam-1-0.a.png.tmp', '.prosam-2-0.b.png.tmp', '.a.tmp', 'prosam-1-0.a.tmp', '.prosam-notes.tmp'];
    for (const name of names) writeFileSync(join(folder, name), '');
    const past = new Date(Date.now() - 7_200_000);
    for (const name of names) if (!name.includes('-2-')) utimesSync(join(folder, name), past, past);
    await writeDurably(join(folder, 'new'), '');
    expect(readdirSync(folder).sort()).toEqual([...names.slice(1), 'new'].sort());
  });
});

describe('folders of models', () => {
  const manifest = JSON.stringify({ format: 'prosam-model/1', files: { 'sam.safetensors': '' } });
  const make = (name: string, files: Record<string, string>): string => {
    const path = join(folder, name);
    mkdirSync(path);
    for (const [file, content] of Object.entries(files)) writeFileSync(join(path, file), content);
    return path;
  };

  it.each<[string, Record<string, string>]>([
    ['of photos', { 'photo.jpg': '' }],
    ['of photos beside a model', { 'manifest.json': manifest, 'sam.safetensors': '', 'photo.jpg': '' }],
    ['of weights without a manifest', { 'mine.safetensors': '' }],
    ['of another program', { 'manifest.json': '{"name":"an app"}' }],
    ['of a damaged manifest and notes', { 'manifest.json': '{', 'notes.txt': '' }],
  ])('are no folder %s', async (_, files) => {
    const path = make('best', files);
    const whole = make('whole', { 'manifest.json': manifest });
    await expectRejection('OUTPUT_TAKEN', checkModelFolder(path), 'best');
    await expectRejection('OUTPUT_TAKEN', replaceModelFolder(whole, path), 'best');
    await expectRejection('OUTPUT_TAKEN', removeModelFolder(path), 'best');
    expect(readdirSync(path).sort()).toEqual(Object.keys(files).sort());
  });

  it('nor a file, nor one with a folder in it', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expectRejection('OUTPUT_TAKEN', checkModelFolder(join(folder, 'file')), 'file');
    const path = make('best', { 'manifest.json': manifest });
    mkdirSync(join(path, 'sam.safetensors'));
    await expectRejection('OUTPUT_TAKEN', checkModelFolder(path), 'sam.safetensors');
  });

  it.each<[string, Record<string, string>]>([
    ['whole', { 'manifest.json': manifest, 'sam.safetensors': '', '.DS_Store': '' }],
    ['empty', {}],
    ['damaged', { 'manifest.json': '{"format', 'sam.safetensors': '' }],
  ])('are replaced and removed where they are %s', async (_, files) => {
    const path = make('best', files);
    await replaceModelFolder(make('whole', { 'manifest.json': manifest, 'new.safetensors': '' }), path);
    expect(readdirSync(path).sort()).toEqual(['manifest.json', 'new.safetensors']);
    expect(readdirSync(folder)).toEqual(['best']);
  });

  it('are left behind a link that goes', async () => {
    const path = make('elsewhere', { 'photo.jpg': '' });
    symlinkSync(path, join(folder, 'link'));
    await removeModelFolder(join(folder, 'link'));
    expect([existsSync(join(folder, 'link')), existsSync(join(path, 'photo.jpg'))]).toEqual([false, true]);
  });
});
