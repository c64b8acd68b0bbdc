/** The mark in files that were written here: found again, gone from nothing, and true of the file as it was written alone. */
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { hashOf, marked, markOf } from '../../../src/cli/common/output-mark.ts';
import { pngFromMask } from '../../../src/core/image/node/png.ts';
import { emptyMask } from '../../../src/core/mask/raster.ts';
import { page } from '../../../src/training/report/page.ts';

const made = { what: 'result', from: hashOf('a.jpg'), stamp: hashOf('settings') } as const;
const png = await pngFromMask(emptyMask(7, 5));
const FILES: [string, Uint8Array | string][] = [
  ['PNG', png],
  ['JSON', `${JSON.stringify({ file: 'ä.png', masks: [{ prosam: {} }] }, null, 1)}\n`],
  ['a page', page({ title: 'ä', sections: [] })],
];
const bytesOf = (data: Uint8Array | string): Buffer => Buffer.from(data as string);

describe.each(FILES)('the mark of %s', (_, data) => {
  const file = bytesOf(marked(data, made));
  const start = bytesOf(data).findIndex((byte, i) => byte !== file[i]);
  /** Of its own checksum, of what it is called and of spaces within nothing hangs. */
  const isInMark = (at: number): boolean => at >= start && at < start + file.length - bytesOf(data).length;

  it('says what made it', () => {
    expect(markOf(file)).toEqual({ ...made, intact: true });
    expect(markOf(bytesOf(data))).toBeUndefined();
  });

  it('knows when the file was changed', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Buffer.from(file);
        other[at] = (other[at] as number) ^ change;
        const mark = markOf(other);
        // A mark whose own letters were changed speaks of something else, or is none.
        expect(mark?.intact === true && mark.from === made.from && mark.stamp === made.stamp && !isInMark(at)).toBe(false);
      }),
    );
    expect(markOf(file.subarray(0, -1))?.intact).not.toBe(true);
    expect(markOf(Buffer.concat([file, Buffer.from([0])]))?.intact).toBe(false);
  });
});

describe('files', () => {
  it('are what they were to others', async () => {
    const { data, info } = await sharp(bytesOf(marked(png, made))).raw().toBuffer({ resolveWithObject: true }); // prettier-ignore
    expect([info.width, info.height, data.every((value) => value === 0)]).toEqual([7, 5, true]);
    expect(JSON.parse(marked('{"a":1}', made) as string)).toMatchObject({ a: 1, prosam: { what: 'result' } });
  });

  it('of others have none, whatever they hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(markOf(bytes)).toBeUndefined();
        expect(markOf(Buffer.concat([png.subarray(0, 33), bytes]))).toBeUndefined();
      }),
    );
    for (const text of ['', '{', '{"prosam":{},"a":1}', '{"prosam":{"what":"result"},"a":1}', '<!doctype html>\n<!-- prosam {} -->\n'])
      expect(markOf(Buffer.from(text))).toBeUndefined();
  });
});
