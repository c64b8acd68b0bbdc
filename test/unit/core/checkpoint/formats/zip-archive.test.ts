import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readZipEntries, type ZipEntry } from '../../../../../src/core/checkpoint/formats/zip-archive.ts';
import { isProsamError } from '../../../../../src/core/common/errors.ts';
import { expectRejection } from '../../expect-error.ts';
import { zip, type HandEntry } from '../torch-file.ts';

function entriesOf(bytes: Uint8Array): Promise<Map<string, ZipEntry>> {
  const read = (offset: number, length: number): Promise<Uint8Array> => {
    if (offset < 0 || offset + length > bytes.length) throw new RangeError(`read of ${offset} to ${offset + length}`);
    return Promise.resolve(bytes.subarray(offset, offset + length));
  };
  return readZipEntries(read, bytes.length, 'some.pth');
}

/** Reads beyond the file are the reader's to refuse, so here they count as refused. */
async function refused(bytes: Uint8Array): Promise<boolean> {
  return entriesOf(bytes).then(
    () => false,
    (error: unknown) => {
      if (isProsamError(error) || error instanceof RangeError) return true;
      throw error;
    },
  );
}

const A = { name: 'x/a', bytes: Buffer.from('first') };
const B = { name: 'x/b', bytes: Buffer.from('second') };

/** The same archive with its directory in 64 bits, as PyTorch writes it. */
function zip64(entries: readonly HandEntry[]): Buffer {
  const plain = zip(entries);
  const end = plain.subarray(-22);
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(BigInt(end.readUInt16LE(10)), 32);
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(12)), 40);
  record.writeBigUInt64LE(BigInt(end.readUInt32LE(16)), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(plain.length - 22), 8);
  const sentinel = Buffer.from(end);
  sentinel.fill(0xff, 8, 20);
  return Buffer.concat([plain.subarray(0, -22), record, locator, sentinel]);
}

describe('readZipEntries', () => {
  test('finds every entry where its content lies', async () => {
    const content = fc.uint8Array({ maxLength: 40 });
    const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(names, fc.array(content, { minLength: 6, maxLength: 6 }), fc.boolean(), async (all, contents, wide) => {
        const entries = all.map((name, i) => ({ name, bytes: contents[i] as Uint8Array }));
        const bytes = wide ? zip64(entries) : zip(entries, { comment: 'words' });
        const found = await entriesOf(bytes);
        const read = [...found].map(([name, { offset, byteLength }]) => [name, [...bytes.subarray(offset, offset + byteLength)]]);
        expect(read).toEqual(entries.map((entry) => [entry.name, [...entry.bytes]]));
      }),
    );
  });

  test('takes sizes of 64 bits from the extra field', async () => {
    const bytes = zip([A]);
    const listed = bytes.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    const extra = Buffer.alloc(28);
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    extra.writeBigUInt64LE(5n, 4);
    extra.writeBigUInt64LE(5n, 12);
    const nameEnd = listed + 46 + A.name.length;
    const wide = Buffer.concat([bytes.subarray(0, nameEnd), extra, bytes.subarray(nameEnd)]);
    wide.writeUInt16LE(28, listed + 30);
    wide.fill(0xff, listed + 20, listed + 28);
    wide.fill(0xff, listed + 42, listed + 46);
    wide.writeUInt32LE(wide.readUInt32LE(wide.length - 10) + 28, wide.length - 10);
    expect((await entriesOf(wide)).get('x/a')).toEqual({ offset: 30 + 3 + 4, byteLength: 5 });
    wide.writeBigUInt64LE(2n ** 60n, nameEnd + 4);
    await expectRejection('CHECKPOINT_INVALID', entriesOf(wide), 'impossible size');
    wide.writeUInt16LE(7, nameEnd); // another kind of extra field
    await expectRejection('CHECKPOINT_INVALID', entriesOf(wide), '64-bit size');
  });

  test.each<[string, Buffer, string]>([
    ['a compressed entry', zip([A, { ...B, method: 8 }]), 'compressed'],
    ['an encrypted entry', zip([{ ...A, flags: 1 }]), 'encrypted'],
    ['one name twice', zip([A, A]), 'twice'],
    ['two entries in one place', zip([A, { ...B, headerOffset: 0 }]), 'overlaps'],
    ['another name in front of the content', zip([{ ...A, localName: 'x/c' }]), 'where its directory says'],
    ['no entry where the directory says', zip([A, { ...B, headerOffset: 45 }]), 'where its directory says'],
    ['two sizes', zip([{ ...A, storedBytes: 4 }]), 'two different sizes'],
    ['more entries than listed', zip([A], { count: 2 }), 'after 1 of 2'],
    ['no directory', zip([A]).subarray(0, -22), 'cut short'],
    ['a name of 2000 letters', zip([{ ...A, name: 'x'.repeat(2000) }]), 'damaged name'],
  ])('CHECKPOINT_INVALID: %s', async (_, bytes, words) => {
    await expectRejection('CHECKPOINT_INVALID', entriesOf(bytes), 'some.pth', words);
  });

  test('CHECKPOINT_INVALID: content that runs into the directory, a directory of billions of entries', async () => {
    const into = zip([A]);
    const listed = into.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    into.writeUInt32LE(6, listed + 20);
    into.writeUInt32LE(6, listed + 24);
    await expectRejection('CHECKPOINT_INVALID', entriesOf(into), 'runs into the directory');
    const many = zip64([A]);
    many.writeBigUInt64LE(3_000_000_000n, many.length - 98 + 32);
    await expectRejection('CHECKPOINT_INVALID', entriesOf(many), '3000000000 entries');
    const lost = zip64([A]);
    lost.fill(0, lost.length - 42, lost.length - 38);
    await expectRejection('CHECKPOINT_INVALID', entriesOf(lost), '64-bit directory');
  });

  test('any damage is refused or harmless, never a crash', async () => {
    const sound = zip64([A, B]);
    const damage = fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = Buffer.from(sound);
        for (const [at, value] of changes) bytes[at] = value;
        if (!(await refused(bytes)))
          for (const { offset, byteLength } of (await entriesOf(bytes)).values())
            expect(offset + byteLength).toBeLessThanOrEqual(bytes.length);
      }),
      { numRuns: 500 },
    );
    for (let length = 0; length < sound.length; length++) expect(await refused(sound.subarray(0, length))).toBe(true);
  });
});
