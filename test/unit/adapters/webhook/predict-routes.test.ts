/** Masks on request: every way to send an image and a mark, every form of answer, every refusal. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { predictResponse, refineResponse } from '../../../../src/adapters/webhook/responses.ts';
import { ProsamError } from '../../../../src/core/common/errors.ts';
import { pngFromMask } from '../../../../src/core/image/node/png.ts';
import { emptyMask, fillPolygon } from '../../../../src/core/mask/raster.ts';
import { maskFromCocoRle } from '../../../../src/core/mask/rle.ts';
import type { ServicePredictRequest } from '../../../../src/service/types.ts';
import { pngOf, startServer, TOKENS, type TestServer } from './webhook-server.ts';

let server: TestServer;
let image: Buffer;
const folder = mkdtempSync(join(tmpdir(), 'prosam-images-'));
const host = createServer((_, response) => response.end(image));

beforeAll(async () => {
  image = await pngOf();
  writeFileSync(join(folder, 'one.png'), image);
  await new Promise<void>((done) => host.listen(0, '127.0.0.1', done));
  server = await startServer({ folder, allowHosts: [`127.0.0.1:${(host.address() as AddressInfo).port}`] });
});
afterAll(async () => {
  await server.close();
  host.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  server.service.state.calls.length = 0;
  server.service.state.before = () => undefined;
});

const base64 = () => ({ base64: image.toString('base64') });
const lastRequest = () => server.service.state.calls.at(-1)?.args as ServicePredictRequest;
interface Answer {
  masks: { label: string; rle?: { size: [number, number]; counts: string }; polygons?: never[]; png?: string; uncertaintyPng?: string }[];
  error: { code: string; message: string };
}

describe('POST /v1/predict', () => {
  it('takes an image in every way there is', async () => {
    const { port } = host.address() as AddressInfo;
    const known = await server.call('POST', '/v1/predict', { project: 'cups', image: base64() });
    expect(known.status, known.text).toBe(200);
    const { sha256 } = (known.json as { image: { sha256: string } }).image;
    const ways = [
      { url: `data:image/png;base64,${image.toString('base64')}` },
      { url: `http://127.0.0.1:${port}/a.png` },
      { path: 'one.png' },
      { sha256 },
    ];
    for (const one of ways) {
      const { status, json, text } = await server.call('POST', '/v1/predict', { project: 'cups', image: one });
      expect(status, text).toBe(200);
      expect((json as { image: unknown }).image).toEqual({ sha256, width: 40, height: 30 });
    }
    const form = new FormData();
    form.set('request', JSON.stringify({ project: 'cups', image: { file: 'picture' } }));
    form.set('picture', new Blob([image]), 'one.png');
    const { status, json } = await server.call('POST', '/v1/predict', form);
    expect(status).toBe(200);
    expect(predictResponse.parse(json).image.sha256).toBe(sha256);
  });

  it('writes the same mask as RLE, polygons and PNG', async () => {
    const ask = async (format: string) => {
      const options = { uncertaintyMap: true, instances: true };
      const { json, text } = await server.call('POST', '/v1/predict', { project: 'cups', image: base64(), format, tolerance: 0, options });
      predictResponse.parse(json);
      return (json as Answer).masks[0] ?? expect.fail(text);
    };
    const { rle } = await ask('rle');
    const mask = maskFromCocoRle(rle ?? expect.fail('no rle'));
    expect([mask.width, mask.height]).toEqual([40, 30]);
    const drawn = emptyMask(40, 30);
    const { polygons } = predictResponse.shape.masks.element.parse(await ask('polygon'));
    fillPolygon(
      drawn,
      (polygons ?? []).flatMap(({ exterior, holes }) => [exterior, ...holes]),
    );
    expect(drawn.data).toEqual(mask.data);
    const asPng = await ask('png');
    const png = sharp(Buffer.from(asPng.png ?? '', 'base64'));
    expect(await png.metadata()).toMatchObject({ width: 40, height: 30, channels: 1 });
    expect(new Uint8Array(await png.toColourspace('b-w').raw().toBuffer())).toEqual(mask.data.map((value) => 255 * value));
    const unsure = await sharp(Buffer.from(asPng.uncertaintyPng ?? '', 'base64'))
      .toColourspace('b-w')
      .raw()
      .toBuffer();
    expect(new Uint8Array(unsure)).toEqual(mask.data.map((value) => 100 * value));
  });

  it('hands every field on, and none that was not sent', async () => {
    const png = await pngFromMask({ data: new Uint8Array(1200).fill(1), width: 40, height: 30 });
    const annotations = [
      { rle: { size: [30, 40], counts: [0, 1200] } },
      {
        polygon: [
          [1, 1],
          [9, 1],
          [9, 9],
        ],
      },
      { box: [1, 2, 3, 4] },
      { points: [{ x: 5, y: 5 }], negative: [[1, 1]] },
      {
        scribble: [
          [
            [1, 1],
            [5, 5],
          ],
        ],
        width: 3,
      },
      { mask: { base64: Buffer.from(png).toString('base64') } },
    ];
    const sent = {
      ...{ project: 'cups', image: base64(), externalId: 'shelf-1', labels: ['cup', 'dog'], encoderVersion: 'base', remember: false },
      options: { method: 'persam', seed: 5, samples: 0 },
      references: annotations.map((annotation) => ({ image: base64(), label: 'cup', ...annotation })),
    };
    const { status, text } = await server.call('POST', '/v1/predict', sent);
    expect(status, text).toBe(200);
    const { references, image: read, ...rest } = lastRequest();
    expect(rest).toEqual({
      ...{ project: 'cups', externalId: 'shelf-1', labels: ['cup', 'dog'], encoderVersion: 'base', remember: false, client: 'admin' },
      options: { method: 'persam', seed: 5, samples: 0 },
    });
    expect(Buffer.compare(read as Uint8Array, image)).toBe(0);
    const handedOn = references?.map((one) => ({ ...one, image: undefined }));
    expect(handedOn?.slice(0, 5)).toEqual(annotations.slice(0, 5).map((annotation) => ({ label: 'cup', ...annotation, image: undefined })));
    expect(Buffer.compare((handedOn?.[5] as { mask: Uint8Array }).mask, png)).toBe(0);

    await server.call('POST', '/v1/predict', { project: 'cups', image: base64() });
    expect(Object.keys(lastRequest()).sort()).toEqual(['client', 'image', 'project']);
  });

  it('takes masks as parts of a multipart body', async () => {
    const form = new FormData();
    const reference = { image: { file: 'picture' }, mask: { file: 'mask' } };
    form.set('request', JSON.stringify({ project: 'cups', image: { file: 'picture' }, references: [reference] }));
    form.set('picture', new Blob([image]), 'one.png');
    form.set('mask', new Blob(['the mask']), 'mask.png');
    expect((await server.call('POST', '/v1/predict', form)).status).toBe(200);
    const [sent] = lastRequest().references as unknown as [{ mask: Uint8Array }];
    expect(Buffer.from(sent.mask).toString()).toBe('the mask');
    form.delete('mask');
    const { status, json } = await server.call('POST', '/v1/predict', form);
    expect([status, (json as Answer).error.code]).toEqual([400, 'REQUEST_INVALID']);
    expect((json as Answer).error.message).toContain('"mask"');
  });

  it.each([
    ['an unknown field', { colour: 'red' }, 'colour'],
    ['an unknown format', { format: 'bmp' }, 'format'],
    ['no project', { project: undefined }, 'project'],
    ['too many labels', { labels: Array.from({ length: 101 }, (_, i) => `l${i}`) }, 'labels'],
    [
      'a polygon of two corners',
      {
        references: [
          {
            image: { path: 'a' },
            polygon: [
              [
                [0, 0],
                [1, 1],
              ],
            ],
          },
        ],
      },
      'polygon',
    ],
    [
      'more points of strokes than are drawn',
      { references: [{ image: { path: 'a' }, scribble: Array(10).fill(Array(1001).fill([1, 1])) }] },
      'points',
    ],
    ['a mask in two ways', { references: [{ image: { path: 'a' }, mask: { base64: 'aa', file: 'b' } }] }, 'either'],
    ['a reference marked twice', { references: [{ image: { path: 'a' }, box: [1, 1, 2, 2], points: [[1, 1]] }] }, 'exactly one of'],
    ['a reference that is not marked', { references: [{ image: { path: 'a' }, label: 'cup' }] }, 'exactly one of'],
    ['an option out of range', { options: { samples: 101 } }, 'samples'],
    ['an image in two ways', { image: { path: 'a', url: 'b' } }, 'image'],
  ])('refuses %s', async (_, change, inMessage) => {
    const { status, json, text } = await server.call('POST', '/v1/predict', { project: 'cups', image: { path: 'one.png' }, ...change });
    expect([status, (json as Answer).error.code], text).toEqual([400, 'REQUEST_INVALID']);
    expect((json as Answer).error.message).toContain(inMessage);
    expect(server.service.state.calls).toEqual([]);
  });

  it('passes refusals of the service on', async () => {
    server.service.state.before = () => {
      throw new ProsamError('SERVICE_BUSY', 'all places are taken. Wait.', { retryAfterMs: 3000 });
    };
    const { status, headers } = await server.call('POST', '/v1/predict', { project: 'cups', image: base64() });
    expect([status, headers.get('retry-after')]).toEqual([503, '3']);
  });

  it('refuses a private address nobody vouched for', async () => {
    const { status, json } = await server.call('POST', '/v1/predict', { project: 'cups', image: { url: 'http://127.0.0.1:1/' } });
    expect([status, (json as Answer).error.code]).toEqual([422, 'URL_REFUSED']);
  });

  it('asks for write access and the right project', async () => {
    const body = { project: 'dogs', image: base64() };
    expect((await server.call('POST', '/v1/predict', body, TOKENS.reader)).status).toBe(403);
    expect((await server.call('POST', '/v1/predict', body, TOKENS.cups)).status).toBe(403);
    expect((await server.call('POST', '/v1/predict', body, 'nobody-knows-this-token')).status).toBe(401);
    expect((await server.call('POST', '/v1/predict', body, TOKENS.writer)).status).toBe(200);
  });
});

describe('POST /v1/refine', () => {
  it('goes on from the logits it answered with', async () => {
    const body = { project: 'cups', image: base64(), points: [{ x: 3, y: 4 }], format: 'rle', lowResLogits: true };
    const first = await server.call('POST', '/v1/refine', body);
    expect(first.status, first.text).toBe(200);
    const [mask] = refineResponse.parse(first.json).masks;
    expect(mask).toMatchObject({ samIou: 0.9, objectScore: 0.6 });
    const maskInput = mask?.lowResLogits ?? expect.fail('no lowResLogits');
    const second = await server.call('POST', '/v1/refine', {
      ...body,
      negative: [[9, 9]],
      maskInput,
      lowResLogits: false,
      box: [1, 1, 20, 20],
    });
    expect(refineResponse.parse(second.json).masks[0]?.lowResLogits).toBeUndefined();
    const { prompts } = server.service.state.calls.at(-1)?.args as { prompts: unknown };
    expect(prompts).toEqual({ points: [{ x: 3, y: 4 }], negative: [[9, 9]], box: [1, 1, 20, 20], maskInput: Float32Array.of(-1.5, 2.25) });
  });

  it('wants a prompt, and logits in whole numbers of four bytes', async () => {
    const body = { project: 'cups', image: base64() };
    for (const wrong of [body, { ...body, points: [] }, { ...body, points: [{ x: 1, y: 1 }], maskInput: 'AAAAAAA=' }]) {
      const { status, json } = await server.call('POST', '/v1/refine', wrong);
      expect([status, (json as Answer).error.code]).toEqual([400, 'REQUEST_INVALID']);
    }
  });
});
