import { createHash } from 'node:crypto';
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { hashFile, knownHash, rememberHash } from '../../../../src/core/checkpoint/hash-cache.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-memo-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

let count = 0;
function setUp(content: string) {
  const folder = join(root, `cache-${count}`);
  const file = join(root, `weights-${count++}.bin`);
  writeFileSync(file, content);
  /** How the hash was come by: bytes counted as read, whether or not they really were. */
  const known = (path = file): Promise<string> => knownHash(path, { folder, leastBytes: 10 });
  const memo = (): string => join(folder, 'hashes', readdirSync(join(folder, 'hashes'))[0] as string);
  /** Makes the remembered value recognisable. */
  const mark = (): void =>
    writeFileSync(memo(), JSON.stringify({ ...(JSON.parse(readFileSync(memo(), 'utf8')) as object), sha256: 'e'.repeat(64) }));
  return { folder, file, known, memo, mark };
}

describe('the hash of a large file', () => {
  it('is remembered as long as the file is the same one', async () => {
    const { file, known, mark } = setUp('weights of a model');
    expect(await known()).toBe(sha256('weights of a model'));
    mark();
    expect(await known()).toBe('e'.repeat(64)); // not read again
    const link = join(root, 'link.bin');
    symlinkSync(file, link);
    expect(await known(link)).toBe('e'.repeat(64)); // the same file by another name
    expect(await hashFile(file)).toBe(sha256('weights of a model')); // what verify asks
  });

  it.each(['content', 'times put back', 'another file of that name', 'a link more'] as const)(
    'is read again after a change: %s',
    async (change) => {
      const { file, known, mark } = setUp('weights of a model');
      await known();
      mark();
      const { atime, mtime } = statSync(file);
      await sleep(10);
      if (change === 'another file of that name') rmSync(file);
      if (change === 'a link more') linkSync(file, `${file}.link`);
      else writeFileSync(file, 'weights of a MODEL');
      if (change === 'times put back') utimesSync(file, atime, mtime);
      expect(await known()).toBe(sha256(readFileSync(file, 'utf8')));
    },
  );

  it('is read where the memo is damaged, or cannot be written', async () => {
    const { file, known, memo } = setUp('weights of a model');
    await known();
    writeFileSync(memo(), '{"path":');
    expect(await known()).toBe(sha256('weights of a model'));
    expect(await knownHash(file, { folder: file, leastBytes: 1 })).toBe(sha256('weights of a model'));
    await rememberHash(join(root, 'nowhere'), 'e'.repeat(64), { folder: root });
  });

  it('of a small file is never remembered', async () => {
    const { folder, file } = setUp('weights of a model');
    expect(await knownHash(file, { folder })).toBe(sha256('weights of a model'));
    expect(() => readdirSync(folder)).toThrow();
  });

  it('tells how much was read, and stops when told to', async () => {
    const { file } = setUp('x'.repeat(3_000_000));
    let read = 0;
    await hashFile(file, { onBytes: (bytes) => (read += bytes) });
    expect(read).toBe(3_000_000);
    await expect(hashFile(file, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  });
});
