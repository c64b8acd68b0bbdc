/** Something to try without pictures of one's own: the photos of `npm run demo`, with a box around one object in the first. */
import { el, element } from 'prosam/client/page';
import { imageFromFile, type RgbImage } from './picture.ts';

export interface Sample {
  label: string;
  reference: RgbImage;
  boxXyxy: [x0: number, y0: number, x1: number, y1: number];
  targets: RgbImage[];
}

/** Part of examples/photos/photos.json, which the build puts beside the page. */
interface PhotoList {
  licenses: Record<string, string>;
  concepts: { label: string; reference: string; boxXyxy: Sample['boxXyxy']; targets: string[] }[];
  photos: { name: string; page: string; license: string }[];
}

const FOLDER = './photos/';

/** Loads the photos of one concept and names whose they are. The same number gives the same sample. @throws Error with words for people */
export async function loadSample(number: number): Promise<Sample> {
  const list = (await (await fetched('photos.json')).json()) as PhotoList;
  const { label, reference, boxXyxy, targets } = list.concepts[number % list.concepts.length] as PhotoList['concepts'][0];
  const [first, ...others] = (await Promise.all([reference, ...targets].map(photo))) as [RgbImage, ...RgbImage[]];
  showCredits(list, [reference, ...targets]);
  return { label, reference: first, boxXyxy, targets: others };
}

async function photo(name: string): Promise<RgbImage> {
  const file = `${name}.jpg`;
  return imageFromFile(new File([await (await fetched(file)).blob()], file, { type: 'image/jpeg' }));
}

async function fetched(file: string): Promise<Response> {
  const response = await fetch(FOLDER + file);
  if (!response.ok)
    throw new Error(`The sample is not to be had: ${file}, the server answered ${response.status}. Use pictures of your own.`);
  return response;
}

function showCredits({ licenses, photos }: PhotoList, shown: readonly string[]): void {
  const credits = photos
    .filter(({ name }) => shown.includes(name))
    .flatMap(({ name, page, license }) => [
      `${name} (`,
      el('a', { href: page, rel: 'noreferrer' }, 'Flickr'),
      ', ',
      el('a', { href: licenses[license] ?? page, rel: 'noreferrer' }, license),
      '), ',
    ]);
  element('photos-about').replaceChildren('Sample photos: ', ...credits, 'shrunk to 320 pixels, chosen by hand.');
}
