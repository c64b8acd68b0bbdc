/** Images in the request itself and in a folder: what is read, and what is refused. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBase64 } from '../../../../../src/adapters/http/images/base64-image.ts';
import { imageInputSchema } from '../../../../../src/adapters/http/images/image-input.ts';
import { imageBench, outcome, PNG } from './image-bench.ts';

const { open } = imageBench();

describe('bytes in the request', () => {
  const base64 = PNG.toString('base64');

  it('may be base64, a data: address or a file part, or a hash', async () => {
    const sources = open();
    for (const input of [{ base64 }, { url: `data:image/png;base64,${base64}` }, { url: `DATA:;BASE64,${base64}` }]) {
      expect(imageInputSchema.parse(input)).toEqual(input);
      expect(await outcome(sources, input)).toBe(PNG.byteLength);
    }
    const files = new Map([
      ['a', [PNG]],
      ['two', [PNG, PNG]],
    ]);
    expect(await outcome(sources, { file: 'a' }, { files })).toBe(PNG.byteLength);
    expect(await outcome(sources, { file: 'two' }, { files })).toBe('REQUEST_INVALID');
    expect(await outcome(sources, { file: 'b' }, { files })).toBe('REQUEST_INVALID');
    expect(await outcome(sources, { file: 'a' })).toBe('REQUEST_INVALID');
    expect(await outcome(sources, { sha256: 'a'.repeat(64) })).toBe('a'.repeat(64));
  });

  it('may be a data: address longer than any other address', () => {
    expect(imageInputSchema.safeParse({ url: `data:image/png;base64,${'A'.repeat(100_000)}` }).success).toBe(true);
    expect(imageInputSchema.safeParse({ url: `http://h/${'A'.repeat(100_000)}` }).success).toBe(false);
  });

  it('are bounded and must begin like an image', async () => {
    const sources = open({ maxBytes: 107 });
    expect(await outcome(sources, { base64 })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(sources, { url: `data:;base64,${base64}` })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(sources, { file: 'a' }, { files: new Map([['a', [PNG]]]) })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(sources, { base64: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64') })).toBe(
      'IMAGE_UNREADABLE',
    );
    for (const url of ['data:image/png,raw', 'data:', `data:${'x'.repeat(300)};base64,${base64}`, 'data:image/png;base64,****']) {
      expect([url, await outcome(sources, { url })]).toEqual([url, 'REQUEST_INVALID']);
    }
  });

  it('are read as base64 exactly where they are base64', () => {
    const strict = /^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?$/;
    const text = fc.oneof(
      fc.base64String({ maxLength: 40 }),
      fc.string({ unit: fc.constantFrom('A', '/', '+', '-', '_', '=', ' ', '\n', 'é', '\u0141', '*'), maxLength: 12 }),
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc
        .tuple(fc.base64String({ minLength: 4, maxLength: 20 }), fc.nat(), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }))
        .map(([one, at, other]) => {
          const place = at % one.length;
          return one.slice(0, place) + other + one.slice(place + 1);
        }),
    );
    const property = fc.property(text, (one) => {
      const read = (): Uint8Array => readBase64(one, 1000);
      if (one !== '' && strict.test(one)) expect(Buffer.from(read())).toEqual(Buffer.from(one, 'base64'));
      else expect(read).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }) as Error);
    });
    fc.assert(property, { numRuns: 2000 });
  });
});

describe('a path', () => {
  let root: string;
  let folder: string;

  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'prosam-images-'));
    folder = join(root, 'images');
    mkdirSync(join(folder, 'sub'), { recursive: true });
    mkdirSync(join(root, 'images-too'));
    writeFileSync(join(folder, 'a.png'), PNG);
    writeFileSync(join(folder, 'sub', 'b.png'), PNG);
    writeFileSync(join(folder, '..c.png'), PNG);
    writeFileSync(join(folder, 'text.png'), 'root:x:0:0');
    writeFileSync(join(root, 'secret.png'), PNG);
    writeFileSync(join(root, 'images-too', 'secret.png'), PNG);
    symlinkSync(join(root, 'secret.png'), join(folder, 'out.png'));
    symlinkSync(root, join(folder, 'up'));
    symlinkSync('../images-too', join(folder, 'beside'));
    symlinkSync('a.png', join(folder, 'inside.png'));
    symlinkSync('loop', join(folder, 'loop'));
    execFileSync('mkfifo', [join(folder, 'pipe.png')]);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  it('leads to files below the folder', async () => {
    const sources = open({ folder });
    for (const path of ['a.png', './a.png', 'sub/b.png', 'sub//b.png', '..c.png', 'inside.png']) {
      expect([path, await outcome(sources, { path })]).toEqual([path, PNG.byteLength]);
    }
  });

  it('never leads out of it', async () => {
    const sources = open({ folder });
    const leaving = [
      '../secret.png',
      'sub/../../secret.png',
      '..',
      'sub/..',
      '/etc/passwd',
      join(root, 'secret.png'),
      join(folder, 'a.png'),
      '..\\secret.png',
      'sub\\..\\..\\secret.png',
      'C:\\secret.png',
      'c:secret.png',
      '\\\\host\\share',
      'a.png\0',
      '\0',
      '//etc/passwd',
    ];
    for (const path of leaving) expect([path, await outcome(sources, { path })]).toEqual([path, 'REQUEST_INVALID']);
    // Encoded it is just a strange name; a link out, a folder, a pipe and nothing at all are one answer.
    const missing = [
      '%2e%2e/secret.png',
      '..%2fsecret.png',
      '%2e%2e%2fsecret.png',
      '..%c0%afsecret.png',
      '．．/secret.png',
      'out.png',
      'up/secret.png',
      'beside/secret.png',
      'loop',
      'pipe.png',
      'sub',
      '.',
      './',
      'none.png',
      'a.png/b',
      'file:///etc/passwd',
      '~/x',
      'x'.repeat(5000),
    ];
    for (const path of missing) expect([path, await outcome(sources, { path })]).toEqual([path, 'FILE_NOT_FOUND']);
    await sources.read({ path: 'out.png' }).catch((error: unknown) => expect(String(error)).not.toContain(root));
  });

  it('leads to images of a bounded size only, and nowhere without a folder', async () => {
    expect(await outcome(open({ folder, maxBytes: 107 }), { path: 'a.png' })).toBe('IMAGE_TOO_LARGE');
    expect(await outcome(open({ folder }), { path: 'text.png' })).toBe('IMAGE_UNREADABLE');
    expect(await outcome(open({ folder: join(root, 'none') }), { path: 'a.png' })).toBe('FILE_NOT_FOUND');
    expect(await outcome(open(), { path: 'a.png' })).toBe('REQUEST_INVALID');
  });
});
