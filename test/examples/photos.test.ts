/** The photos that are handed on: all named, all under licenses that allow it, none larger than said. */
import { readdirSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { readPhotos } from '../../src/cli/demo/photos.ts';

const FOLDER = 'examples/photos';
/** Licenses under which anyone may hand a photo on, changed too. */
const ALLOWED = {
  'CC BY 2.0': 'https://creativecommons.org/licenses/by/2.0/',
  'CC BY-SA 2.0': 'https://creativecommons.org/licenses/by-sa/2.0/',
};

describe('the example photos', async () => {
  const list = await readPhotos();
  const credits = readFileSync(`${FOLDER}/CREDITS.md`, 'utf8');
  const names = list.photos.map(({ name }) => name);

  it('are those that the list and the credits name, no more and no fewer', () => {
    const there = readdirSync(FOLDER).filter((file) => file.endsWith('.jpg'));
    expect(names.map((name) => `${name}.jpg`).sort()).toEqual(there.sort());
    const credited = [...credits.matchAll(/^\| \[(.*?\.jpg)\]/gm)].map((match) => match[1] as string);
    expect(credited.sort()).toEqual(there.sort());
    const masks = list.photos.filter(({ shows }) => shows !== undefined).map(({ name }) => `${name}.png`);
    expect(readdirSync(`${FOLDER}/masks`).sort()).toEqual(masks.sort());
  });

  it('are under licenses that allow it, each credited with its photo at Flickr', () => {
    expect(list.licenses).toEqual(ALLOWED);
    for (const { license, page, original, name, coco } of list.photos) {
      expect(Object.keys(ALLOWED)).toContain(license);
      const number = /^https:\/\/www\.flickr\.com\/photo\.gne\?id=(\d+)$/.exec(page)?.[1] ?? expect.fail(page);
      expect(original).toMatch(new RegExp(`^http://farm\\d+\\.staticflickr\\.com/\\d+/${number}_\\w+\\.jpg$`));
      expect(credits).toContain(`| [${name}.jpg](${name}.jpg) | [${number}](${page}) | [${license}](`);
      expect(credits).toContain(`) | ${coco} |`);
    }
    expect(credits).toContain('Changes');
    expect(credits).toContain('COCO Consortium');
  });

  it('are 320 pixels wide or tall, with true masks of the same size, black and white', async () => {
    for (const { name, width, height, shows } of list.photos) {
      const photo = await sharp(`${FOLDER}/${name}.jpg`).metadata();
      expect([photo.width, photo.height, Math.max(width, height)]).toEqual([width, height, 320]);
      if (shows === undefined) continue;
      const { data, info } = await sharp(`${FOLDER}/masks/${name}.png`).greyscale().raw().toBuffer({ resolveWithObject: true });
      expect([info.width, info.height, [...new Set(data)].sort()]).toEqual([width, height, [0, 255]]);
    }
  });

  it('are used where the list says: marks and targets show the concept, the others do not', () => {
    const shows = (name: string): string | undefined => list.photos.find((photo) => photo.name === name)?.shows;
    for (const { label, reference, targets, without, boxXyxy } of list.concepts) {
      for (const name of [reference, ...targets]) expect([name, shows(name)]).toEqual([name, label]);
      for (const name of without) expect(names.includes(name) && shows(name) !== label).toBe(true);
      const { width, height } = list.photos.find(({ name }) => name === reference) ?? expect.fail(reference);
      const [x0, y0, x1, y1] = boxXyxy;
      expect(x0 >= 0 && y0 >= 0 && x0 < x1 && y0 < y1 && x1 <= width && y1 <= height).toBe(true);
    }
  });
});

it('README shows what the demo draws, in a picture that loads fast', async () => {
  const bytes = readFileSync('docs/demo.png');
  expect(bytes.length).toBeLessThan(250_000);
  const { width, hasAlpha } = await sharp(bytes).metadata();
  expect([width, hasAlpha]).toEqual([1200, true]);
  expect(readFileSync('README.md', 'utf8')).toContain('examples/photos/CREDITS.md');
});
