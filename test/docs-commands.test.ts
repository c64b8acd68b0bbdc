/**
 * Every `sh` block of the documentation is run, page after page, in a folder with photos as a reader has them.
 *
 * One that needs what a test has not (a labeling tool, a GPU, hours) says so in a comment above it, which readers do not see:
 * `<!-- not run: reason -->`. The walk-through has a test of its own.
 */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conceptMask, CONCEPTS, generateScene } from '../src/scenes/index.ts';
import { fencedBlocks, markdownFiles, type FencedBlock } from '../tools/markdown.ts';
import { runBlocks } from './walkthrough.ts';

const WALKTHROUGH = 'docs/service/http-walkthrough.md';
/** `prosam` as installed, and the npm script a clone has in its place. */
const SHELL = `
prosam() { '${process.execPath}' '${resolve('src/cli.ts')}' "$@"; }
npm() { if [ "$1 $2 $3 $4" = 'run -s prosam --' ]; then shift 4; prosam "$@"; else command npm "$@"; fi; }
export PROSAM_MODELS="$PWD/models-here" XDG_CACHE_HOME="$PWD/cache-here"
`;

const pages = markdownFiles()
  .filter((file) => !file.startsWith('examples/') && file !== WALKTHROUGH)
  .map((file) => ({ file, blocks: fencedBlocks(readFileSync(file, 'utf8')).filter(({ language }) => language === 'sh') }))
  .filter(({ blocks }) => blocks.length > 0);

const reasonOf = ({ comment = '' }: FencedBlock): string | undefined => /^not run: (.+)$/s.exec(comment)?.[1];
const folder = mkdtempSync(join(tmpdir(), 'prosam-docs-'));

/** Photos of a clone, and scenes in the place of a reader's: cup.jpg with its mask, shelf.jpg, and a folder of three. */
async function writePhotos(): Promise<void> {
  const concept = CONCEPTS[3]?.id ?? 0;
  const write = async (seed: number, name: string): Promise<void> => {
    const scene = generateScene(seed, { size: 300, force: [concept] });
    const raw = { width: scene.width, height: scene.height, channels: 3 as const };
    await sharp(scene.image, { raw })
      .jpeg()
      .toFile(join(folder, `${name}.jpg`));
    const mask = conceptMask(scene, concept).map((value) => value * 255);
    await sharp(mask, { raw: { ...raw, channels: 1 } })
      .png()
      .toFile(join(folder, `${name}-mask.png`));
  };
  cpSync('examples/photos', join(folder, 'examples/photos'), { recursive: true });
  mkdirSync(join(folder, 'photos'));
  for (const [i, name] of ['cup', 'shelf', 'photos/one', 'photos/two'].entries()) await write(20 + i, name);
  for (const name of ['one', 'two']) rmSync(join(folder, `photos/${name}-mask.png`));
}

describe('the commands of the documentation', () => {
  beforeAll(writePhotos);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are found, and a block that is not run gives its reason', () => {
    expect(pages.flatMap(({ blocks }) => blocks.filter((block) => reasonOf(block) === undefined)).length).toBeGreaterThan(4);
    expect(pages.flatMap(({ blocks }) => blocks.map(reasonOf)).filter((reason) => reason !== undefined && reason.length < 10)).toEqual([]);
  });

  it.for(pages.filter(({ blocks }) => blocks.some((block) => reasonOf(block) === undefined)))(
    '$file: each command succeeds',
    { timeout: 600_000 },
    async ({ blocks }, { signal }) => {
      const run = blocks.filter((block) => reasonOf(block) === undefined).map(({ code }) => code);
      const results = await runBlocks(run, folder, { setup: SHELL, signal });
      expect(results.length).toBe(run.length);
    },
  );
});
