/** `prosam segment --target-dir` on two hundred files as people have them: every one is accounted for. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonLines, runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-folder-'));
const photos = join(folder, 'photos');
interface Fixture {
  name: string;
  file: string;
}
const fixtures = JSON.parse(readFileSync(new URL('../core/image/sample-formats.fixture.json', import.meta.url), 'utf8')) as Fixture[];
const fixture = (name: string): Buffer => Buffer.from((fixtures.find((one) => one.name === name) as Fixture).file, 'base64');

/** Files by the outcome that is expected of them: 'done', an error's code, or the kind that is left out. */
const expected: Record<string, string[]> = {};
function put(outcome: string, name: string, bytes: Uint8Array | string): void {
  writeFileSync(join(photos, name), bytes);
  (expected[outcome] ??= []).push(name);
}

const ftyp = (brand: string): Buffer => Buffer.concat([Buffer.from(`\0\0\0\x18ftyp${brand}\0\0\0\0mif1${brand}`), Buffer.alloc(40)]);
const ascii = (text: string, before = 0): Buffer => Buffer.concat([Buffer.alloc(before), Buffer.from(text, 'latin1'), Buffer.alloc(64)]);

/** Kinds that are recognised and left out: by content, most of them under an ending that says something else. */
const OTHERS: readonly (readonly [kind: string, ending: string, bytes: Buffer])[] = [
  ['HEIC', 'heic', ftyp('heic')],
  ['HEIC', 'jpg', ftyp('heix')],
  ['SVG', 'svg', ascii('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ['PDF', 'pdf', ascii('%PDF-1.7')],
  ['RAW', 'nef', ascii('II*\0\x08\0\0\0')],
  ['RAW', 'cr2', ascii('II*\0\x10\0\0\0CR\x02\0')],
  ['PSD', 'psd', ascii('8BPS\0\x01')],
  ['JPEG XL', 'jxl', ascii('\xff\x0a')],
  ['JPEG 2000', 'jp2', ascii('\0\0\0\x0cjP  \r\n\x87\n')],
  ['DICOM', 'dcm', ascii('DICM', 128)],
  ['DICOM', '', ascii('DICM', 128)],
  ['NIfTI', 'nii', ascii('n+1\0', 344)],
  ['video', 'mp4', ascii('\0\0\0\x18ftypisom\0\0\x02\0isomiso2')],
  ['archive', 'zip', ascii('PK\x03\x04')],
  ['no image', 'txt', ascii('notes')],
  ['no image', 'csv', ascii('a,b\n1,2\n')],
];

beforeAll(async () => {
  mkdirSync(photos);
  const picture = sharp(
    Uint8Array.from({ length: 3 * 64 * 48 }, (_, i) => (i * i * 31 + i * 7) % 256),
    {
      raw: { width: 64, height: 48, channels: 3 },
    },
  );
  const jpeg = await picture.clone().jpeg().toBuffer();
  const png = await picture.clone().png().toBuffer();
  writeFileSync(join(folder, 'reference.png'), png);
  for (let i = 0; i < 40; i++) put('done', `photo-${i}.${['jpg', 'JPG', 'jpeg', 'jfif', 'jpe'][i % 5]}`, jpeg);
  for (let i = 0; i < 10; i++) put('done', `wrong-${i}.jpg`, png);
  for (let i = 0; i < 6; i++) put('done', `bare-${i}`, i % 2 === 0 ? png : jpeg);
  // The same name with other endings, and names that are one on some file systems.
  for (const ending of ['png', 'jpg', 'bmp', 'tif']) put('done', `same.${ending}`, ending === 'bmp' ? fixture('BMP of 24 bits') : png);
  put('done', 'SAME2.png', png);
  put('done', 'same2.jpg', jpeg);
  for (const name of ['BMP of 1 bit', 'BMP of 4 bits, run lengths', 'BMP of 32 bits, fields in a V5 head'])
    for (const ending of ['bmp', 'dib', 'png']) put('done', `${name.replaceAll(/\W+/g, '-')}.${ending}`, fixture(name));
  for (const name of ['float32, 0 to 1', '12 bits in 16', 'int16 as a CT has it', 'five channels of uint16', 'a thumbnail first'])
    for (let i = 0; i < 3; i++) put('done', `${name.replaceAll(/\W+/g, '-')}-${i}.tif`, fixture(name));
  for (const format of ['webp', 'gif', 'avif'] as const) put('done', `other.${format}`, await picture.clone().toFormat(format).toBuffer());
  for (let i = 0; i < 10; i++) put('IMAGE_UNREADABLE', `broken-${i}.png`, png.subarray(0, 200 + 30 * i));
  for (let i = 0; i < 5; i++) put('IMAGE_UNREADABLE', `text-${i}.jpg`, 'no picture at all');
  for (let i = 0; i < 3; i++) put('IMAGE_UNREADABLE', `empty-${i}.png`, '');
  for (const [n, [kind, ending, bytes]] of OTHERS.entries())
    for (let i = 0; i < 5; i++) put(kind, `odd-${n}-${i}${ending === '' ? '' : `.${ending}`}`, bytes);
  for (let i = 0; i < 10; i++) put('hidden', `._photo-${i}.jpg`, 'resource fork');
  put('hidden', '.DS_Store', 'x');
  mkdirSync(join(photos, 'inside'));
  writeFileSync(join(photos, 'inside', 'photo-0.jpg'), png);
  symlinkSync('nowhere', join(photos, 'link.jpg'));
  (expected['folder'] ??= []).push('inside');
  (expected['no file'] ??= []).push('link.jpg');
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const segment = (...args: string[]) =>
  runCli(['segment', '--reference', 'reference.png', '--box', '4,4,40,40', '--method', 'nearest', '--model', 'tiny', ...args], folder);

describe('a folder of two hundred files', () => {
  it('is accounted for file by file, in words and as JSON, and nothing is overwritten', async () => {
    const all = Object.values(expected).flat();
    expect(all.length).toBeGreaterThanOrEqual(200);
    expect(readdirSync(photos).sort()).toEqual([...all].sort());
    const { code, stdout, stderr } = await segment('--target-dir', 'photos', '--out', 'masks', '--json');
    expect(code).toBe(1);
    const lines = jsonLines(stdout);
    const summary = lines.pop() as { summary: Record<string, unknown> };
    const found: Record<string, string[]> = {};
    for (const { file, error, skipped, reason } of lines as { file: string; error?: { code: string }; skipped?: true; reason?: string }[])
      (found[error?.code ?? (skipped ? String(reason) : 'done')] ??= []).push(file.slice('photos/'.length));
    const { hidden = [], folder: folders = [], ...named } = expected;
    const sorted = (lists: Record<string, string[]>) => Object.fromEntries(Object.entries(lists).map(([key, list]) => [key, list.sort()]));
    expect(sorted(found)).toEqual(sorted(named));
    const { done = [], IMAGE_UNREADABLE: failed = [], ...left } = expected;
    expect(summary.summary).toMatchObject({
      ...{ targets: done.length + failed.length, done: done.length, kept: 0, failed: failed.length },
      failures: { IMAGE_UNREADABLE: failed.length },
      leftOut: Object.fromEntries(Object.entries(left).map(([kind, list]) => [kind, list.length])),
      notices: { VALUES_SCALED: 12, CHANNELS_LEFT_OUT: 3, PAGES_LEFT_OUT: 3 },
    });
    expect(hidden.length + folders.length).toBe(12);
    // One mask for each, none over another.
    const outputs = lines.flatMap(({ outputs: paths }) => (paths ?? []) as string[]);
    expect(new Set(outputs.map((path) => path.toLowerCase())).size).toBe(done.length);
    expect(readdirSync(join(folder, 'masks'))).toHaveLength(done.length);
    for (const words of ['left out  HEIC', 'failed    IMAGE_UNREADABLE', 'heif-convert', 'VALUES_SCALED', `${failed.length} of`])
      expect(stderr).toContain(words);
    // Again, with the folder inside: only what is new is made, and nothing is taken for another's.
    const again = await segment('--target-dir', 'photos', '--out', 'masks', '--recursive', '--json');
    expect(jsonLines(again.stdout).pop()).toMatchObject({ summary: { kept: done.length, done: 1, leftOut: { hidden: hidden.length } } });
    expect(readdirSync(join(folder, 'masks'))).toHaveLength(done.length + 1);
  }, 300_000);

  it('says what is in a folder without an image', async () => {
    mkdirSync(join(folder, 'phone'));
    writeFileSync(join(folder, 'phone', 'IMG_1.HEIC'), ftyp('heic'));
    const { code, stderr } = await segment('--target-dir', 'phone', '--out', 'none');
    expect(code).toBe(2);
    expect(stderr).toContain('only 1 of the kind HEIC');
    expect(stderr).toContain('heif-convert');
  });
});
