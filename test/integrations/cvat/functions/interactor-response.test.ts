/** The answer of an interactor: any mask comes out as it went in, and large ones hold nobody up. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ResponseDialect } from '../../../../src/adapters/cvat/nuclio/response-dialect.ts';
import { interactorResponse } from '../../../../src/adapters/cvat/nuclio/interactor-response.ts';
import { listJson } from '../../../../src/adapters/cvat/nuclio/list-json.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { boundingBox } from '../../../../src/core/mask/raster.ts';
import { drawnByBrowser, pastedByServer, type InteractorResponse } from './as-cvat-draws.ts';

const { signal } = new AbortController();

async function answered(mask: BinaryMask, dialect: ResponseDialect, until = signal): Promise<Buffer> {
  const [box, { width, height }] = [boundingBox(mask), mask];
  return interactorResponse({ width, height, ...(box && { object: { mask, box } }) }, { dialect, tolerance: 1, signal: until });
}

/** A disc of this many pixels across in the middle of a photograph of 12 megapixels, or every second pixel of it. */
function photograph(diameter: number, chessboard = false): BinaryMask {
  const [width, height] = [4000, 3000];
  const data = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (chessboard ? (x + y) % 2 === 0 : Math.hypot(x - width / 2, y - height / 2) < diameter / 2) data[y * width + x] = 1;
  return { data, width, height };
}

const maskArbitrary = fc
  .tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 12 }))
  .chain(([width, height]) =>
    fc.uint8Array({ minLength: width * height, maxLength: width * height, max: 1 }).map((data): BinaryMask => ({ data, width, height })),
  );

describe('the answer of an interactor', () => {
  it('draws any mask as it is, in every version that gets it', async () => {
    await fc.assert(
      fc.asyncProperty(maskArbitrary, fc.nat({ max: 9 }), fc.nat({ max: 9 }), async (mask, left, top) => {
        for (const [dialect, versions] of [
          ['mask', ['2.15.0', '2.54.1']],
          ['shapes', ['2.60.0', '2.64.1', '2.73.0']],
          ['either', ['2.15.0', '2.54.1', '2.60.0', '2.64.1', '2.73.0']],
        ] as const) {
          const response = JSON.parse((await answered(mask, dialect)).toString()) as InteractorResponse;
          for (const version of versions) expect(drawnByBrowser(response, version, mask)).toEqual(mask);
          if (dialect === 'mask') continue;
          // As a region that begins at (left, top) of a larger frame.
          const size = { width: mask.width + left + 3, height: mask.height + top + 2 };
          const pasted = pastedByServer(response, [left, top, left + mask.width, top + mask.height], size);
          const { data } = drawnByBrowser(pasted, '2.73.0', size);
          for (let y = 0; y < mask.height; y++) {
            const from = (top + y) * size.width + left;
            expect([...data.subarray(from, from + mask.width)]).toEqual([...mask.data.subarray(y * mask.width, (y + 1) * mask.width)]);
          }
          expect(data.reduce((sum, value) => sum + value, 0)).toBe(mask.data.reduce((sum, value) => sum + value, 0));
        }
      }),
    );
  });

  it('is small where the version is known, and two bytes a pixel where it is not', async () => {
    const mask = photograph(1500);
    expect((await answered(mask, 'shapes')).length).toBeLessThan(32 * 2 ** 10);
    expect((await answered(mask, 'mask')).length).toBeLessThan(2 * 1500 * 1503 + 10_000);
    expect((await answered(mask, 'either')).length).toBeLessThan(2 * 4000 * 3000 + 3 * 3000 + 64 * 2 ** 10);
  });

  it.each(['shapes', 'either'] as const)('as %s gives others their turns while it is made, and ends with its request', async (dialect) => {
    const mask = photograph(0, dialect === 'shapes');
    const others = { turns: 0, ended: false };
    const counting = (async () => {
      for (; !others.ended; others.turns++) await new Promise((resolve) => setImmediate(resolve));
    })();
    const own = dialect === 'shapes' ? mask : photograph(1500);
    await answered(own, dialect);
    others.ended = true;
    await counting;
    expect(others.turns).toBeGreaterThan(1);
    const gone = new AbortController();
    const response = answered(own, dialect, gone.signal);
    gone.abort(new Error('the user went on'));
    await expect(response).rejects.toThrow('the user went on');
  });

  it('says what to do where a bitmap would be too large', async () => {
    const size = { width: 10_000, height: 9000 };
    const nothing = (dialect: ResponseDialect) => interactorResponse(size, { dialect, tolerance: 1, signal });
    await expect(nothing('either')).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringMatching(
        /^expected CVAT's version in the User-Agent header of a call for 10000 x 9000 pixels, got none/,
      ) as string,
    });
    expect((await nothing('shapes')).toString()).toBe('{"shapes":[]}');
    const mask = { data: new Uint8Array(size.width * size.height), ...size };
    mask.data[8_500 * size.width + 9_000] = 1;
    const object = { mask, box: [9_000, 8_500, 9_001, 8_501] as const };
    const found = (dialect: ResponseDialect) => interactorResponse({ ...size, object }, { dialect, tolerance: 1, signal });
    expect((await found('shapes')).toString()).toContain('"points":[0,1,9000,8500,9000,8500]');
    expect((await found('mask')).toString()).toContain('"bounds":[9000,8500,9000,8500],"mask":[[1]]');
    await expect(found('either')).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
  });

  it('writes lists as JSON does, whatever their length', async () => {
    for (const length of [0, 1, 2, 2 ** 14, 2 ** 14 + 1, 50_000]) {
      const list = Array.from({ length }, (_, i) => (i % 3) / 2);
      expect((await listJson(list)).toString()).toBe(JSON.stringify(list));
    }
    expect(
      (
        await listJson([
          [1, 2],
          [3.5, 4],
        ])
      ).toString(),
    ).toBe('[[1,2],[3.5,4]]');
  });
});
