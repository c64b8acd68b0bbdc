/** Parts of a data set that were left out, counted by kind, and how that is changed. */

/** Kinds of what is left out, for people: what they are, and what to do. */
const KINDS = {
  'no outline': ['annotations without an outline (their boxes are ignored)', 'Draw outlines for them, or remove them from the file'],
  'degenerate outline': ['outlines that enclose nothing', 'Draw them again, or remove them'],
  'outside the image': ['outlines outside their image', 'Correct their coordinates'],
  'broken run lengths': ['masks whose run lengths do not fit their image', 'Export them again'],
  'not a number': ['outlines with coordinates that are no numbers', 'Draw them again, or remove them'],
  'unknown image': ['annotations of images that the file does not name', 'Add the images to the file, or remove the annotations'],
  'unknown label': ['annotations of labels that the file does not name', 'Add the labels to the file, or remove the annotations'],
  'unreadable entry': ['entries that are none', 'Correct them, or export the file again'],
  'image not found': ['annotated images that are not in the folder', 'Put the image files into the folder'],
  'path outside the folder': ['image names that lead out of the folder (never followed)', 'Write them relative to the folder of the data'],
  'another size': ['images of another size than their annotations say', 'Export the annotations for these image files'],
  'unreadable image': ['image files that cannot be read', 'Replace them'],
  'entry twice': ['images that are named twice (the first is used)', 'Remove one of each'],
  'not an area': ['shapes that enclose no area (points, lines and the like)', 'Draw outlines for them'],
  'box only': ['boxes among outlines (what is inside is ignored)', 'Draw outlines for them'],
  crowd: ['crowds (iscrowd: 1), whose pixels are ignored', "Read them as objects with --crowds objects (SDK: crowds: 'objects')"],
  'other annotator': ['further annotations of the same image (the last that was not cancelled is used)', 'Keep one annotation a task'],
  cancelled: ['images that were skipped in the labeling tool', 'Label them'],
  'link outside': ['links that lead out of the folder (never followed)', 'Put the files themselves into the folder'],
  'other file': ['files of the same extension that hold something else', 'Nothing is to be done'],
} as const;

export type LeftOutKind = keyof typeof KINDS;

export interface LeftOut {
  kind: string;
  count: number;
  /** Description, and what to do about it. */
  about: string;
  /** The first few, by name or place. */
  examples: readonly string[];
}

export interface Tally {
  add(kind: LeftOutKind, example?: string, count?: number): void;
  /** Kinds in the order they were first met. */
  list(): LeftOut[];
}

const EXAMPLES = 3;

export function createTally(): Tally {
  const found = new Map<LeftOutKind, { count: number; examples: string[] }>();
  return {
    add(kind, example, count = 1) {
      const entry = found.get(kind) ?? { count: 0, examples: [] };
      found.set(kind, entry);
      entry.count += count;
      if (example !== undefined && entry.examples.length < EXAMPLES) entry.examples.push(example.slice(0, 200));
    },
    list: () =>
      [...found].map(([kind, { count, examples }]) => {
        const [what, remedy] = KINDS[kind];
        return { kind, count, about: `${what}. ${remedy}`, examples };
      }),
  };
}

/** A sentence for people. */
export function leftOutSentence({ count, about, examples }: LeftOut): string {
  const [what = '', ...remedy] = about.split('. ');
  const named = examples.length === 0 ? '' : `: ${examples.join(', ')}${count > examples.length ? ', ...' : ''}`;
  return `left out: ${count} ${what}${named}. ${remedy.join('. ')}.`;
}
