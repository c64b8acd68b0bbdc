import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith, type SceneWithTruth } from '../../../src/scenes/scene-with.ts';
import { pngFromRgb } from '../../../src/cli/common/draw.ts';
import { pngFromMask } from '../../../src/core/image/node/png.ts';
import { iou } from '../../../src/core/mask/metrics.ts';
import { emptyMask, fillPolygon } from '../../../src/core/mask/raster.ts';
import { cocoRleFromMaskSync, maskFromCocoRle } from '../../../src/core/mask/rle.ts';
import { jsonLines, runCli } from './run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-segment-'));
const scenes = [1000, 2000, 3000].map((start) => {
  let seed = start;
  return sceneWith(36, () => seed++);
}) as [SceneWithTruth, SceneWithTruth, SceneWithTruth];
const REFERENCE = ['--reference', 'reference.png', '--mask', 'mask.png', '--method', 'prosam'];

beforeAll(async () => {
  const [reference, first, second] = scenes;
  writeFileSync(join(folder, 'reference.png'), await pngFromRgb(reference.image));
  writeFileSync(join(folder, 'mask.png'), await pngFromMask(reference.truth));
  writeFileSync(join(folder, 'mask.json'), JSON.stringify({ segmentation: cocoRleFromMaskSync(reference.truth) }));
  writeFileSync(join(folder, 'first.png'), await pngFromRgb(first.image));
  // The second is stored lying on its side: 90 degrees to be turned clockwise by its EXIF tag.
  const lying = sharp(Buffer.from(await pngFromRgb(second.image))).rotate(270);
  writeFileSync(join(folder, 'second.jpg'), await lying.withMetadata({ orientation: 6 }).jpeg({ quality: 98 }).toBuffer());
  writeFileSync(join(folder, 'broken.png'), (await pngFromRgb(first.image)).slice(0, 900));
  writeFileSync(join(folder, 'small-mask.png'), await pngFromMask(emptyMask(20, 20)));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const segment = (...args: string[]) => runCli(['segment', ...args], folder);
const bits = async (path: string) => {
  const { width, height, channels } = await sharp(join(folder, path)).metadata();
  const data = await sharp(join(folder, path)).extractChannel(0).raw().toBuffer();
  return { width, height, channels, bits: Uint8Array.from(data, (value) => (value > 127 ? 1 : 0)) };
};

describe('prosam segment', () => {
  it('writes masks at each target’s upright size and reports them', async () => {
    const { code, stdout } = await segment(...REFERENCE, '--target', 'first.png', 'second.jpg', '--out', 'png', '--json');
    expect(code).toBe(0);
    const [first, second] = jsonLines(stdout) as [Record<string, unknown>, Record<string, unknown>];
    expect(first).toMatchObject({
      file: 'first.png',
      width: 256,
      height: 256,
      method: 'prosam',
      device: 'cpu',
      outputs: [join('png', 'first.png')],
    });
    expect(first['model']).toMatch(/^tiny@/);
    expect(Object.keys(first['milliseconds'] as object)).toEqual(expect.arrayContaining(['embed', 'decode', 'total']));
    const mask = await bits('png/first.png');
    expect([mask.width, mask.height, mask.channels]).toEqual([256, 256, 1]);
    expect(mask.bits.reduce((sum, value) => sum + value, 0)).toBe(first['area']);
    expect(iou(mask.bits, scenes[1].truth.data)).toBeGreaterThan(0.2);
    expect(second['file']).toBe('second.jpg');
    expect(iou((await bits('png/second.png')).bits, scenes[2].truth.data)).toBeGreaterThan(0.2);
  });

  it('gives the same mask as PNG, RLE and polygon', async () => {
    for (const format of ['png', 'rle', 'polygon']) {
      expect((await segment(...REFERENCE, '--target', 'first.png', '--out', 'same', '--format', format)).code).toBe(0);
    }
    const png = (await bits('same/first.png')).bits;
    const read = (name: string) =>
      JSON.parse(readFileSync(join(folder, 'same', name), 'utf8')) as { masks: [{ segmentation: never; area: number }] };
    const [rle] = read('first.rle.json').masks;
    expect(Buffer.compare(maskFromCocoRle(rle.segmentation).data, png)).toBe(0);
    expect(rle.area).toBe(png.reduce((sum, value) => sum + value, 0));
    const [polygons] = read('first.polygon.json').masks as [{ segmentation: { exterior: never; holes: never[] }[] }];
    const filled = emptyMask(256, 256);
    fillPolygon(
      filled,
      polygons.segmentation.flatMap(({ exterior, holes }) => [exterior, ...holes]),
    );
    expect(iou(filled.data, png)).toBeGreaterThan(0.9);
  });

  it('skips what is done, makes it again with --force, and leaves nothing half-written', async () => {
    const args = [...REFERENCE, '--target', 'first.png', '--out', 'again'];
    await segment(...args);
    const made = statSync(join(folder, 'again/first.png')).mtimeMs;
    const second = await segment(...args, '--json');
    expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('--force') as string });
    expect(jsonLines(second.stdout)).toEqual([{ file: 'first.png', skipped: true, outputs: [join('again', 'first.png')] }]);
    expect(statSync(join(folder, 'again/first.png')).mtimeMs).toBe(made);
    await segment(...args, '--force');
    expect(statSync(join(folder, 'again/first.png')).mtimeMs).toBeGreaterThan(made);
    expect(readdirSync(join(folder, 'again'))).toEqual(['first.png']);
  });

  it('reports a bad target, does the others, and exits 1', async () => {
    const result = await segment(
      ...REFERENCE,
      '--target',
      'broken.png',
      'missing.png',
      'mask.json',
      'first.png',
      '--out',
      'mixed',
      '--json',
    );
    expect(result.code).toBe(1);
    const codes = jsonLines(result.stdout).map((line) => (line['error'] as { code: string } | undefined)?.code);
    expect(codes).toEqual(['IMAGE_UNREADABLE', 'FILE_NOT_FOUND', 'IMAGE_UNREADABLE', undefined]);
    expect(result.stderr).toContain('3 of 4 targets failed');
    expect(readdirSync(join(folder, 'mixed'))).toEqual(['first.png']);
  });

  it('takes a folder of targets and several concepts', async () => {
    const two = [
      '--reference',
      'reference.png',
      '--rle',
      'mask.json',
      '--label',
      'a cup',
      '--reference',
      'first.png',
      '--box',
      '20,20,90,90',
      '--label',
      'b',
    ];
    const { code, stdout } = await segment(...two, '--method', 'nearest', '--target-dir', '.', '--out', 'many', '--json', '--instances');
    expect(code).toBe(1); // the broken image is in the folder too
    const first = jsonLines(stdout).find((line) => line['file'] === 'first.png') as { masks: { label: string; instances: unknown[] }[] };
    expect(first.masks.map(({ label }) => label)).toEqual(['a cup', 'b']);
    expect(Array.isArray(first.masks[0]?.instances)).toBe(true);
    expect(readdirSync(join(folder, 'many'))).toEqual(expect.arrayContaining(['first.a cup.png', 'first.b.png', 'second.b.png']));
  });

  it('draws overlays', async () => {
    await segment(...REFERENCE, '--target', 'first.png', '--out', 'over', '--format', 'overlay');
    const { width, height } = await sharp(join(folder, 'over/first.overlay.png')).metadata();
    expect([width, height]).toEqual([2 * 256 + 6, 256]);
  });

  it.each([
    ['no reference', ['--target', 'first.png', '--out', 'x'], '--reference'],
    ['a reference without a mark', ['--reference', 'reference.png', '--target', 'first.png', '--out', 'x'], 'not annotated'],
    ['a mark without a reference', ['--box', '1,2,3,4', '--target', 'first.png', '--out', 'x'], '--reference'],
    ['two marks on one reference', [...REFERENCE, '--box', '1,2,3,4', '--target', 'first.png', '--out', 'x'], 'already has'],
    ['no targets', [...REFERENCE, '--out', 'x'], '--target'],
    ['no place for results', [...REFERENCE, '--target', 'first.png'], '--out'],
    ['an unknown option', [...REFERENCE, '--target', 'first.png', '--out', 'x', '--colour', 'red'], '--colour'],
    ['a box of three numbers', ['--reference', 'reference.png', '--box', '1,2,3', '--target', 'first.png', '--out', 'x'], 'x0,y0,x1,y1'],
    ['points that are no numbers', ['--reference', 'reference.png', '--points', '1,z', '--target', 'first.png', '--out', 'x'], 'number'],
    ['an unknown format', [...REFERENCE, '--target', 'first.png', '--out', 'x', '--format', 'bmp'], 'overlay'],
    [
      'a mask of another size',
      ['--reference', 'reference.png', '--mask', 'small-mask.png', '--target', 'first.png', '--out', 'x'],
      'MASK_SIZE_MISMATCH',
    ],
    ['a box outside', ['--reference', 'reference.png', '--box', '1,1,999,9', '--target', 'first.png', '--out', 'x'], 'ANNOTATION_OUTSIDE'],
    ['a missing model', [...REFERENCE, '--model', 'nowhere', '--target', 'first.png', '--out', 'x'], 'MODEL_NOT_FOUND'],
  ])('refuses %s with exit code 2 and says why', async (_, args, words) => {
    const { code, stderr } = await segment(...args);
    expect(stderr).toContain(words);
    expect(code).toBe(2);
    expect(readdirSync(folder)).not.toContain('x');
  });

  it('explains itself', async () => {
    const { code, stdout } = await segment('--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
  });
});
