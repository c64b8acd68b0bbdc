/** Labels, images and shapes that a reader found in the files of a labeling tool. */
import type { LabelMap } from '../../types.ts';
import type { OpenDatasetOptions } from '../options.ts';
import type { LeftOutKind, Tally } from '../tally.ts';
import { areaWithin, type FlatRing, type Shape } from './shapes.ts';
import type { Tree } from './tree.ts';

export type Side = 'train' | 'test';

export interface GatheredImage {
  /** Name as the annotations have it. */
  name: string;
  /** Path in the tree, which also gives its key. */
  file: string;
  /** Place of a file that is not in the tree. */
  place?: string;
  side?: Side;
  /** Width and height that the annotations are for, where they say so. */
  size?: readonly [width: number, height: number];
  /** Numbers of the labels with a shape that can be drawn. */
  drawn: ReadonlySet<number>;
  /** Numbers of the labels it shows without an outline: it never stands for an image without them. */
  doubtful: ReadonlySet<number>;
  /** Shapes, in pixels of an image of that size. */
  shapes(width: number, height: number): Promise<readonly Shape[]>;
  /** A ready label map instead: numbers of labels, 0 background, 255 ignored. */
  map?: () => Promise<LabelMap>;
}

export interface Gathered {
  /** Names by number, in the order in which they become classes; several numbers may have one name. */
  labels: ReadonlyMap<number, string>;
  images: readonly GatheredImage[];
  /** Sentences for people about how it was read. */
  notes: readonly string[];
}

export interface ReadContext {
  tree: Tree;
  tally: Tally;
  options: OpenDatasetOptions;
  /** The file that was named instead of the folder. */
  only?: string;
}

/** Numbers for labels that come by name, in alphabetical order once all are known. */
export function createLabels(known: readonly string[] = []) {
  const numbers = new Map<string, number>(known.map((name, i) => [name, i]));
  return {
    numberOf(name: string): number {
      const clean = name.trim().normalize('NFC').slice(0, 200);
      const number = numbers.get(clean) ?? numbers.size;
      numbers.set(clean, number);
      return number;
    },
    /** Those known from the start first, the others by name. */
    all(): ReadonlyMap<number, string> {
      const entries = [...numbers].map(([name, number]): [number, string] => [number, name]);
      const later = entries.slice(known.length).sort(([, a], [, b]) => (a < b ? -1 : 1));
      return new Map([...entries.slice(0, known.length), ...later]);
    },
  };
}

/** 'train' or 'test' by a subset's name, as tools write it; undefined for any other. */
export function sideOf(subset: string): Side | undefined {
  const word = subset.toLowerCase().replace(/[^a-z]/g, '');
  if (/^(train|training|trainval)$/.test(word)) return 'train';
  return /^(val|valid|validation|test|testing)$/.test(word) ? 'test' : undefined;
}

/** Shapes of an image whose numbers are its own pixels: those that can be drawn, the rest counted. */
export function createShapes(tally: Tally, where: string, [width, height]: readonly [number, number]) {
  const shapes: Shape[] = [];
  const drawn = new Set<number>();
  const doubtful = new Set<number>();
  const lost = (label: number, kind: LeftOutKind, box?: FlatRing): void => {
    tally.add(kind, where);
    doubtful.add(label);
    const area = box === undefined ? 0 : areaWithin([box], width, height);
    if (box && area > 0) shapes.push({ label, ignored: true, area, rings: [box] });
  };
  return {
    shapes,
    drawn,
    doubtful,
    lost,
    rings(label: number, rings: readonly (FlatRing | 'not a number' | undefined)[], order = 0, box?: FlatRing): void {
      const whole = rings.filter((ring): ring is FlatRing => ring !== undefined && ring !== 'not a number');
      const wrong = rings.includes('not a number') ? 'not a number' : 'degenerate outline';
      if (whole.length < rings.length && whole.length > 0) tally.add(wrong, where, rings.length - whole.length);
      if (whole.length === 0) {
        lost(label, wrong, box);
        return;
      }
      const area = areaWithin(whole, width, height);
      if (area <= 0) {
        lost(label, areaWithin(whole, Infinity, Infinity) > 0 ? 'outside the image' : 'degenerate outline');
        return;
      }
      shapes.push({ label, area, order, rings: whole });
      drawn.add(label);
    },
    mask(label: number, mask: Pick<Shape, 'rle' | 'area'>, order = 0): void {
      if (mask.area === 0) {
        lost(label, 'degenerate outline');
        return;
      }
      shapes.push({ label, order, ...mask });
      drawn.add(label);
    },
  };
}

/** The image of shapes that are at hand. */
export function shapesAtHand({ shapes, drawn, doubtful }: Pick<ReturnType<typeof createShapes>, 'shapes' | 'drawn' | 'doubtful'>) {
  return { drawn, doubtful, shapes: () => Promise.resolve(shapes) };
}
