/** Files that are no images, or not the whole of one: each is refused by name, and nothing else happens. */
import sharp from 'sharp';
import type { Case } from './support/case.ts';
import { plainPng, TARGET } from './support/scene.ts';

function refused(
  name: string,
  file: string,
  bytes: () => Promise<Uint8Array> | Uint8Array,
  says: readonly string[],
  code = 'IMAGE_UNREADABLE',
): Case {
  return {
    name,
    question: async (plain) => ({ ...plain, target: { name: file, bytes: await bytes() } }),
    expected: { code, says },
  };
}

const text = (content: string) => (): Uint8Array => Buffer.from(content, 'latin1');
const whole = async (): Promise<Uint8Array> => (await plainPng(TARGET)).bytes;

/** A PNG's head that claims more than there is (ISO/IEC 15948, IHDR). */
async function claiming(width: number, height: number): Promise<Uint8Array> {
  const bytes = Buffer.from(await whole());
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

export const CASES: readonly Case[] = [
  refused('SVG', 'a.svg', text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), ['SVG']),
  refused('PDF called a photo', 'a.jpg', text('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'), ['PDF']),
  refused('an archive called a photo', 'a.png', text('PK\x03\x04\x14\0\0\0\x08\0'.padEnd(64, '\0')), ['archive']),
  refused('a page that somebody saved', 'a.png', text('<!doctype html><html><body>Sign in</body></html>'), ['HTML']),
  refused('a pointer of Git LFS', 'a.png', text('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n'), ['git lfs pull']),
  refused('half of a PNG', 'a.png', async () => (await whole()).subarray(0, 900), ['expected']),
  refused(
    'half of a JPEG',
    'a.jpg',
    async () =>
      (
        await sharp(await whole())
          .jpeg()
          .toBuffer()
      ).subarray(0, 700),
    ['expected'],
  ),
  refused('a PNG that claims 60,000 x 60,000 pixels', 'a.png', () => claiming(60_000, 60_000), ['at most'], 'IMAGE_TOO_LARGE'),
  refused('a PNG of no width', 'a.png', () => claiming(0, 10), ['expected']),
];
