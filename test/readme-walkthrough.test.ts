/** Every command of the HTTP walk-through, against the real service. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../src/service/ports/log.ts';
import { createServer, type ProsamServer } from '../src/server/index.ts';
import { fencedBlocks } from '../tools/markdown.ts';
import { runBlocks, type BlockResult } from './walkthrough.ts';

const ADDRESS = 'http://127.0.0.1:9090';
const PHOTOS = 'examples/photos';
const file = process.env.PROSAM_WALKTHROUGH ?? 'docs/service/http-walkthrough.md';
const blocks = fencedBlocks(readFileSync(file, 'utf8'))
  .filter(({ language }) => language === 'sh')
  .map(({ code }) => code);

const folder = mkdtempSync(join(tmpdir(), 'prosam-walk-'));
let prosam: ProsamServer;
let results: BlockResult[];

/** The output of the block that holds a text. */
function outputOf(text: string): string {
  const found = results.find(({ block }) => block.includes(text));
  return found?.output ?? expect.fail(`no block holds ${text}`);
}

describe('the walk-through', () => {
  beforeAll(async () => {
    cpSync(PHOTOS, join(folder, PHOTOS), { recursive: true });
    prosam = await createServer({
      ...{ port: 0, database: join(folder, 'prosam.db'), objects: join(folder, 'blobs'), cache: '' },
      ...{ images: { folder }, learner: { run: 'off' }, logger: silentLog, environment: {} },
    });
    const url = await prosam.listen();
    results = await runBlocks(
      blocks.map((block) => block.replaceAll(ADDRESS, url)),
      folder,
    );
  });
  afterAll(async () => {
    await prosam.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has its commands', () => {
    expect(blocks.length).toBeGreaterThan(10);
    expect(results[0]?.block).not.toContain(ADDRESS);
  });

  it('gets a mask as a picture', async () => {
    expect(Number(outputOf('> cat.png'))).toBeGreaterThan(0);
    const { width, height, channels } = await sharp(join(folder, 'cat.png')).metadata();
    expect([width, height, channels]).toEqual([320, 204, 1]);
  });

  it('stores an annotation once, and asks by its label', () => {
    expect(outputOf('remember()').split('\n')).toEqual(['201', '200']);
    expect(outputOf('"dog"')).toMatch(/label: 'cat'[\s\S]*\[ 'dog' \]/);
    expect(outputOf('"accepted"')).toContain('"outcome":"stored"');
    expect(outputOf('"accepted"')).toContain('{"flagged":true}');
  });

  it('clicks, and works a job off to its end', () => {
    expect(Number(outputOf('/v1/refine'))).toBeGreaterThan(0);
    const job = outputOf('/v1/jobs -F');
    expect(job).toMatch(/event: end/);
    expect(job).toMatch(/\[ 2, 'done', undefined \],\s*\[ 3, 'failed', 'FILE_NOT_FOUND' \]/);
  });

  it('follows an object from a step to the next', () => {
    expect(outputOf('/v1/track')).toBe('true');
  });

  it('says what to label next, and takes things back', () => {
    expect(outputOf('/next-images?limit=5')).toMatch(/0\.\d+[\s\S]*\[ \[ 'cat', 1 \] \]/);
    expect(outputOf('-X DELETE')).toMatch(/"removed":true[\s\S]*200/);
  });

  it('asks for training and chooses a version', () => {
    expect(outputOf('/promote')).toContain('"encoderVersion":"base"');
  });

  it('refuses in the words the page shows', () => {
    expect(outputOf('169.254.169.254')).toContain('"code":"URL_REFUSED"');
    const told = /^```json\n(\{"error":\{"code":"URL_REFUSED".*)\n```$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? '';
    const withoutId = (text: string): string => text.trim().replace(/"requestId":"[^"]*"/, '');
    expect(withoutId(outputOf('169.254.169.254'))).toBe(withoutId(told));
  });
});
