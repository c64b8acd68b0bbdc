/** Simulated projects: one label each, images that are labeled one after another, and images that nobody labels. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decode } from 'fast-png';
import { sampleWithout, seededRandom } from '../../src/core/common/random.ts';
import type { BinaryMask } from '../../src/core/mask/label-reduction.ts';

export interface ProjectPlan {
  name: string;
  /** Labels whose figures were looked at while constants were chosen, or labels that were only reported. */
  use: 'tune' | 'report';
  set: 'animals' | 'ccp' | 'coco' | 'carparts' | 'cwfid' | 'soil';
  /** Name of the class. */
  label: string;
}

export const PROJECTS: readonly ProjectPlan[] = [
  { name: 'dog', use: 'tune', set: 'animals', label: 'dog' },
  { name: 'sheep', use: 'tune', set: 'animals', label: 'sheep' },
  { name: 'shoes', use: 'tune', set: 'ccp', label: 'shoes' },
  { name: 'skirt', use: 'tune', set: 'ccp', label: 'skirt' },
  { name: 'wheel', use: 'tune', set: 'carparts', label: 'wheel' },
  { name: 'soil', use: 'tune', set: 'soil', label: 'soil' },
  { name: 'cat', use: 'report', set: 'animals', label: 'cat' },
  { name: 'cow', use: 'report', set: 'animals', label: 'cow' },
  { name: 'trousers', use: 'report', set: 'ccp', label: 'trousers' },
  { name: 'hair', use: 'report', set: 'ccp', label: 'hair' },
  { name: 'person', use: 'report', set: 'coco', label: 'person' },
  { name: 'front bumper', use: 'report', set: 'carparts', label: 'front_bumper' },
  { name: 'crop', use: 'report', set: 'cwfid', label: 'crop (carrot)' },
];

/** Images that are labeled, and images to measure on, of a project; fewer are labeled where a set is small. */
const LABELED = 30;
const HELD_OUT = 12;
const MIN_HELD_OUT = 8;
const IGNORED = 255;

export interface ProjectImage {
  file: string;
  truth: BinaryMask;
  /** Non-zero: counts neither as object nor as background. */
  ignore: Uint8Array;
}

export interface Project extends ProjectPlan {
  /** In the order in which they are labeled. */
  labeled: readonly ProjectImage[];
  heldOut: readonly ProjectImage[];
}

interface Suite {
  classes: { id: number; name: string }[];
  images: Record<string, { image: string; mask: string; split: string; area: Record<string, number> }>;
  min_area: number;
}

/** seed: of the order in which images are labeled; the images to measure on are the same for every seed. */
export function openProject(data: string, plan: ProjectPlan, seed: number): Project {
  const found = sampleWithout(seededRandom(77), imagesOf(data, plan), LABELED + HELD_OUT);
  const held = Math.max(MIN_HELD_OUT, Math.min(HELD_OUT, found.length - 20));
  const labeled = found.slice(held);
  return { ...plan, heldOut: found.slice(0, held), labeled: sampleWithout(seededRandom(seed), labeled, labeled.length) };
}

/** taken: whether an image with such a share of the label is, 0..1. @default those that show enough of it for their set */
export function imagesOf(data: string, { set, label }: ProjectPlan, taken?: (share: number) => boolean): ProjectImage[] {
  if (set === 'animals' || set === 'ccp' || set === 'coco') return suiteImages(data, set, label, taken);
  return folderImages(join(data, 'unseen', set === 'soil' ? 'cwfid' : set), label, taken);
}

/** Images of the same set that do not show the label at all; none where every image shows it. */
export function imagesWithout(data: string, plan: ProjectPlan): ProjectImage[] {
  return imagesOf(data, plan, (share) => share === 0);
}

/** Test images alone: the built-in model was trained on the others. */
function suiteImages(data: string, set: string, label: string, taken?: (share: number) => boolean): ProjectImage[] {
  const suite = JSON.parse(readFileSync(join(data, `${set}.json`), 'utf8')) as Suite;
  const id = suite.classes.find(({ name }) => name === label)?.id;
  if (id === undefined) throw new Error(`${set}: expected a class ${label}, got none.`);
  const isTaken = taken ?? ((share: number) => share >= suite.min_area);
  return Object.entries(suite.images)
    .filter(([, { split, area }]) => split === 'test' && isTaken(area[id] ?? 0))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, { image, mask }]) => imageWith(join(data, image), join(data, mask), (value) => value === id));
}

/** Least share of an image that shows the label. */
const MIN_SHARE = 0.005;

function folderImages(folder: string, label: string, taken = (share: number): boolean => share >= MIN_SHARE): ProjectImage[] {
  const names = JSON.parse(readFileSync(join(folder, 'classes.json'), 'utf8')) as string[];
  const images = new Map(readdirSync(join(folder, 'images')).map((file) => [file.replace(/\.\w+$/, ''), file]));
  const isLabel = label === 'soil' ? (value: number) => value === 0 : (value: number) => value === names.indexOf(label) + 1;
  return readdirSync(join(folder, 'masks'))
    .sort()
    .map((mask) =>
      imageWith(join(folder, 'images', images.get(mask.replace(/\.\w+$/, '')) as string), join(folder, 'masks', mask), isLabel),
    )
    .filter(({ truth }) => taken(truth.data.reduce((sum, value) => sum + value, 0) / truth.data.length));
}

function imageWith(file: string, mask: string, isLabel: (value: number) => boolean): ProjectImage {
  const { data, width, height } = decode(readFileSync(mask));
  const labels = Uint8Array.from(data);
  return {
    file,
    truth: { data: labels.map((value) => (isLabel(value) ? 1 : 0)), width, height },
    ignore: labels.map((value) => (value === IGNORED ? 1 : 0)),
  };
}
