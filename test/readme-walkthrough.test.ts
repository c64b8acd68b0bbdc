/** Every command of the HTTP walk-through, against the real service. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../src/cli/demo/scenes.ts';
import { pngFromMask } from '../src/core/image/node/png.ts';
import { silentLog } from '../src/service/ports/log.ts';
import { createServer, type ProsamServer } from '../src/server/index.ts';
import { CONCEPTS } from '../src/scenes/index.ts';
import { fencedBlocks } from '../tools/markdown.ts';
import { runBlocks, type BlockResult } from './walkthrough.ts';

const ADDRESS = 'http://127.0.0.1:9090';
const IMAGES = 'prosam-demo/images/star_rings_06';
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

/** What the demo would have left. */
async function drawImages(): Promise<void> {
  const start = join(folder, IMAGES);
  mkdirSync(dirname(start), { recursive: true });
  const concept = CONCEPTS.find(({ name }) => name === 'star_rings_06')?.id ?? expect.fail('the concept is gone');
  let seed = 1;
  for (const name of ['reference', 'target-1', 'target-2', 'target-3']) {
    const { image, truth } = sceneWith(concept, () => seed++);
    await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
      .png()
      .toFile(`${start}-${name}.png`);
    if (name === 'reference') await sharp(await pngFromMask(truth)).toFile(`${start}-reference-mask.png`);
  }
}

describe('the walk-through', () => {
  beforeAll(async () => {
    await drawImages();
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
    expect(Number(outputOf('> star.png'))).toBeGreaterThan(0);
    const { width, height, channels } = await sharp(join(folder, 'star.png')).metadata();
    expect([width, height, channels]).toEqual([256, 256, 1]);
  });

  it('stores an annotation once, and asks by its label', () => {
    expect(outputOf('remember()').split('\n')).toEqual(['201', '200']);
    expect(outputOf('"moon"')).toMatch(/label: 'star'[\s\S]*\[ 'moon' \]/);
    expect(outputOf('"accepted"')).toContain('"outcome":"stored"');
    expect(outputOf('"accepted"')).toContain('{"flagged":true}');
  });

  it('clicks, and works a job off to its end', () => {
    expect(Number(outputOf('/v1/refine'))).toBeGreaterThan(0);
    const job = outputOf('/v1/jobs -F');
    expect(job).toMatch(/event: end/);
    expect(job).toMatch(/\[ 2, 'done', undefined \],\s*\[ 3, 'failed', 'FILE_NOT_FOUND' \]/);
  });

  it('says what to label next, and takes things back', () => {
    expect(outputOf('/next-images?limit=5')).toMatch(/0\.\d+[\s\S]*\[ \[ 'star', 1 \] \]/);
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
