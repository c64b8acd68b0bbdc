import fc from 'fast-check';
import sharp from 'sharp';
import { isSimple } from '../../unit/core/mask/simple-polygon.ts';
import { describe, expect, it } from 'vitest';
import type { Control, ControlKind } from '../../../src/adapters/label-studio/protocol/label-config.ts';
import { annotationOfRegion, boxOf, pointOf } from '../../../src/adapters/label-studio/protocol/read-region.ts';
import { regionSchema, type MlRegion } from '../../../src/adapters/label-studio/protocol/request-schemas.ts';
import { writeRegions } from '../../../src/adapters/label-studio/protocol/write-region.ts';
import { maskFromAnnotation } from '../../../src/core/mask/draw-annotation.ts';
import { blobMask } from './masks.ts';
import { maskArea } from '../../../src/core/mask/raster.ts';
import type { BinaryMask } from '../../../src/core/mask/label-reduction.ts';

const control = (kind: ControlKind): Control => ({ kind, name: 'c', toName: 'image', labels: ['car'], smart: false, smartOnly: false });
const region = (type: string, value: object, more: object = {}): MlRegion =>
  regionSchema.parse({ id: 'a', type, from_name: 'c', to_name: 'image', original_width: 200, original_height: 100, value, ...more });

async function drawn(given: MlRegion): Promise<BinaryMask> {
  const annotation = await annotationOfRegion(given);
  if (annotation === undefined) throw new Error('nothing was read');
  return maskFromAnnotation(annotation, given.original_width ?? 0, given.original_height ?? 0);
}

function iou(a: BinaryMask, b: BinaryMask): number {
  let [both, either] = [0, 0];
  a.data.forEach((value, at) => {
    if (value !== 0 && b.data[at] !== 0) both++;
    if (value !== 0 || b.data[at] !== 0) either++;
  });
  return both / either;
}

describe('regions', () => {
  it.each(['brushlabels', 'bitmasklabels'] as const)('of %s give back the mask they were made from, pixel by pixel', async (kind) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 }), fc.integer(), async (width, height, seed) => {
        const mask = blobMask(width, height, seed);
        const [written, another] = await writeRegions(control(kind), { label: 'car', mask, score: 0.5 });
        expect(another).toBeUndefined();
        expect(written).toMatchObject({ type: kind, original_width: width, original_height: height, image_rotation: 0, score: 0.5 });
        // Through JSON, as everything goes.
        const back = await drawn(regionSchema.parse(JSON.parse(JSON.stringify(written))));
        expect(Buffer.compare(back.data, mask.data)).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('of polygons stay close to the mask they were made from', async () => {
    const mask = blobMask(300, 200, 5);
    const written = await writeRegions(control('polygonlabels'), { label: 'car', mask, score: 0.5 });
    expect(written.length).toBeGreaterThan(0);
    const rings = await Promise.all(written.map((one) => drawn(regionSchema.parse(one))));
    const joined = { ...mask, data: mask.data.map((_, at) => (rings.some(({ data }) => data[at] !== 0) ? 1 : 0)) };
    expect(iou(joined, mask)).toBeGreaterThan(0.95);
  });

  it('of polygons keep thin lines and holes: one simple ring a part, led through the holes by slits', async () => {
    const mask = { data: new Uint8Array(120 * 100), width: 120, height: 100 };
    const ring = (x: number, y: number): boolean => Math.hypot(x - 45, y - 45) < 40 && Math.hypot(x - 45, y - 45) >= 25;
    const isL = (x: number, y: number): boolean => (x === 95 && y >= 5 && y <= 90) || (y === 90 && x >= 95 && x < 118);
    for (let at = 0; at < mask.data.length; at++) {
      const [x, y] = [at % 120, Math.floor(at / 120)];
      if (ring(x, y) || isL(x, y)) mask.data[at] = 1;
    }
    for (const tolerance of [undefined, 0, 3]) {
      const written = await writeRegions(control('polygonlabels'), { label: 'car', mask, score: 0.5 }, { tolerance });
      expect(written).toHaveLength(2);
      const masks = await Promise.all(written.map((one) => drawn(regionSchema.parse(one))));
      const joined = { ...mask, data: mask.data.map((_, at) => (masks.some(({ data }) => data[at] !== 0) ? 1 : 0)) };
      expect(iou(joined, mask)).toBeGreaterThanOrEqual(0.95);
      for (const { value } of written) expect(isSimple((value as { points: [number, number][] }).points)).toBe(true);
    }
    const [single] = await writeRegions(control('polygonlabels'), { label: 'car', mask, score: 0.5 }, { single: true });
    expect(maskArea(await drawn(regionSchema.parse(single)))).toBeGreaterThan(2500);
  });

  it('of boxes are tight, one an instance where there are some', async () => {
    const mask = { data: new Uint8Array(200 * 100), width: 200, height: 100 };
    for (let y = 10; y < 20; y++) mask.data.fill(1, y * 200 + 40, y * 200 + 60);
    const whole = await writeRegions(control('rectanglelabels'), { label: 'car', mask, score: 2 });
    expect(whole.map(({ value, score }) => [value, score])).toEqual([
      [{ x: 20, y: 10, width: 10, height: 10, rotation: 0, rectanglelabels: ['car'] }, 1],
    ]);
    const part = { data: new Uint8Array(100).fill(1), width: 10, height: 10 };
    const instances = [
      { boxXyxy: [40, 10, 50, 20] as const, mask: part, score: 0.5 },
      { boxXyxy: [50, 10, 60, 20] as const, mask: part, score: Number.NaN },
    ];
    const split = await writeRegions(control('rectanglelabels'), { label: 'car', mask, score: 1, instances });
    expect(split.map(({ value, score }) => [value.x, value.width, score])).toEqual([
      [20, 5, 0.5],
      [25, 5, 0],
    ]);
    const brushes = await writeRegions(control('brushlabels'), { label: 'car', mask, score: 1, instances });
    const masks = await Promise.all(brushes.map((one) => drawn(regionSchema.parse(one))));
    expect(masks.map((one) => maskArea(one))).toEqual([100, 100]);
    expect(masks[0]?.data[10 * 200 + 40]).toBe(1);
  });

  it('of an empty mask there are none, whatever the control', async () => {
    const mask = { data: new Uint8Array(6), width: 3, height: 2 };
    for (const kind of ['brushlabels', 'bitmasklabels', 'polygonlabels', 'ellipselabels', 'rectanglelabels'] as const)
      expect(await writeRegions(control(kind), { label: 'car', mask, score: 1 })).toEqual([]);
  });

  it('as bitmasks are judged by their alpha: a grey picture covers everything', async () => {
    const grey = await sharp({ create: { width: 200, height: 100, channels: 3, background: '#000' } })
      .png()
      .toBuffer();
    expect(maskArea(await drawn(region('bitmasklabels', { imageDataURL: `data:image/png;base64,${grey.toString('base64')}` })))).toBe(
      200 * 100,
    );
    const half = Buffer.alloc(4 * 200 * 100);
    for (let at = 0; at < 200 * 50; at++) half[4 * at + 3] = at % 2 === 0 ? 127 : 128;
    const png = await sharp(half, { raw: { width: 200, height: 100, channels: 4 } })
      .png()
      .toBuffer();
    expect(maskArea(await drawn(region('bitmasklabels', { imageDataURL: `data:image/png;base64,${png.toString('base64')}` })))).toBe(
      100 * 50,
    );
  });

  it.each([
    ['no PNG', { imageDataURL: `data:image/png;base64,${Buffer.from('no picture').toString('base64')}` }, 'ANNOTATION_INVALID'],
    ['no data: address', { imageDataURL: 'http://example.com/a.png' }, 'REQUEST_INVALID'],
    ['nothing', {}, 'ANNOTATION_INVALID'],
  ])('as bitmasks are refused: %s', async (_, value, code) => {
    await expect(annotationOfRegion(region('bitmasklabels', value))).rejects.toMatchObject({ code });
  });

  it('are refused where their size and that of the PNG differ', async () => {
    const png = await sharp({ create: { width: 100, height: 100, channels: 4, background: '#fff' } })
      .png()
      .toBuffer();
    await expect(
      annotationOfRegion(region('bitmasklabels', { imageDataURL: `data:image/png;base64,${png.toString('base64')}` })),
    ).rejects.toMatchObject({
      code: 'MASK_SIZE_MISMATCH',
    });
  });

  it('turned rectangles turn around their first corner, in pixels', async () => {
    const mask = await drawn(region('rectanglelabels', { x: 50, y: 0, width: 25, height: 20, rotation: 90 }));
    // 50 x 20 pixels from (100, 0), turned to the left: 80..100 across, 0..50 down.
    expect(maskArea(mask)).toBe(20 * 50);
    expect([mask.data[25 * 200 + 90], mask.data[25 * 200 + 101], mask.data[51 * 200 + 90]]).toEqual([1, 0, 0]);
    expect(boxOf(region('rectanglelabels', { x: 50, y: 0, width: 25, height: 20, rotation: 90 })).map(Math.round)).toEqual([
      80, 0, 100, 50,
    ]);
  });

  it('that reach beyond the image end at its border', async () => {
    expect(maskArea(await drawn(region('rectanglelabels', { x: -10, y: -10, width: 20, height: 20 })))).toBe(20 * 10);
    expect(
      maskArea(
        await drawn(
          region('polygonlabels', {
            points: [
              [-5, -5],
              [50, -5],
              [50, 105],
              [-5, 105],
            ],
          }),
        ),
      ),
    ).toBe(100 * 100);
    const [x, y] = pointOf(region('keypointlabels', { x: 100.4, y: -0.2 }));
    expect([Math.floor(x), Math.floor(y)]).toEqual([199, 0]);
  });

  it('of ellipses are the ellipse that was marked, and one for each object', async () => {
    const given = region('ellipselabels', { x: 40, y: 50, radiusX: 15, radiusY: 15, rotation: 30 });
    const mask = await drawn(given);
    const [written, another] = await writeRegions(control('ellipselabels'), { label: 'car', mask, score: 0.5 });
    expect(another).toBeUndefined();
    expect(written).toMatchObject({ type: 'ellipselabels', value: { ellipselabels: ['car'] } });
    expect(iou(await drawn(regionSchema.parse(written)), mask)).toBeGreaterThan(0.96);
    const part = { data: new Uint8Array(100).fill(1), width: 10, height: 10 };
    const instances = [40, 70].map((x) => ({ boxXyxy: [x, 10, x + 10, 20] as const, mask: part, score: 0.5 }));
    const split = await writeRegions(control('ellipselabels'), { label: 'car', mask, score: 1, instances });
    expect(split.map(({ value }) => [value.x, value.y])).toEqual([
      [22.5, 15],
      [37.5, 15],
    ]);
  });

  it('as ellipses are outlines', async () => {
    const area = maskArea(await drawn(region('ellipselabels', { x: 50, y: 50, radiusX: 10, radiusY: 20, rotation: 0 })));
    expect(area / (Math.PI * 20 * 20)).toBeCloseTo(1, 1);
  });

  it('on a turned view: brush masks are read as they are, outlines are refused rather than learned wrong', async () => {
    const mask = blobMask(200, 100, 3);
    const [written] = await writeRegions(control('brushlabels'), { label: 'car', mask, score: 1 });
    const turned = regionSchema.parse({ ...written, image_rotation: 90 });
    expect(Buffer.compare((await drawn(turned)).data, mask.data)).toBe(0);
    await expect(
      annotationOfRegion(region('rectanglelabels', { x: 1, y: 1, width: 5, height: 5 }, { image_rotation: 90 })),
    ).rejects.toThrow('turned by 90');
  });

  it('are no masks: points, strokes of a draft, other kinds', async () => {
    expect(await annotationOfRegion(region('keypointlabels', { x: 1, y: 1, width: 1 }))).toBeUndefined();
    expect(await annotationOfRegion(region('brushlabels', { format: 'rle', touches: [] }))).toBeUndefined();
    expect(await annotationOfRegion(region('choices', { choices: ['a'] }))).toBeUndefined();
  });

  it('never ask for a mask larger than allowed', async () => {
    const huge = region('brushlabels', { format: 'rle', rle: [] }, { original_width: 100_000, original_height: 100_000 });
    await expect(annotationOfRegion(huge)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    await expect(annotationOfRegion(region('brushlabels', { rle: [] }, { original_width: 0 }))).rejects.toMatchObject({
      code: 'ANNOTATION_INVALID',
    });
  });
});
