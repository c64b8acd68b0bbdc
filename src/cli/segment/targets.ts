/** Which images `prosam segment` is to work on, and what tells them apart. */
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { foldedName, hashedWord, plainWord } from '../../core/files/file-name.ts';
import { messageOf } from '../../core/common/errors.ts';
import { hashOf, markAtStart } from '../common/output-mark.ts';
import { UsageError } from '../common/command.ts';

export interface Target {
  /** As it was given. */
  file: string;
  /** Hash of where it lies, seen from the folder of the results: both may move together. */
  from: string;
  /** What its results are called where nothing else is called so; undefined: its own name is not safe everywhere. */
  plain: string | undefined;
  /** What they are called otherwise. */
  hashed: string;
  /** Another target would have the same plain name. */
  contested: boolean;
}

export interface Targets {
  targets: Target[];
  /** Files that prosam made itself: what it found is not looked for again in its own masks. */
  leftOut: string[];
}

const IMAGE_ENDINGS = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff', '.avif', '.gif']);
/** Longest name of an image within that of a result, in bytes of UTF-8. */
const WORD = { longest: 140, dots: true } as const;
/** Files looked into at the same time. */
const AT_ONCE = 16;

/** out: where results go. @throws UsageError where there is nothing to work on */
export async function targetsOf(files: readonly string[], folder: string | undefined, out: string): Promise<Targets> {
  const given = [...files, ...(folder === undefined ? [] : await imagesIn(folder))];
  const places = new Map<string, string>();
  // The same entry of a folder, however its path is written, is one target; a link beside it is another.
  for (const file of given) {
    const place = await placeOf(file);
    if (!places.has(place)) places.set(place, file);
  }
  const entries = [...places].map(([place, file]) => ({ place, file }));
  const made = new Set<string>();
  for (let i = 0; i < entries.length; i += AT_ONCE)
    await Promise.all(
      entries.slice(i, i + AT_ONCE).map(async ({ file }) => ((await markAtStart(file))?.what === 'result' ? made.add(file) : undefined)),
    );
  const leftOut = [...made];
  const kept = entries.filter(({ file }) => !made.has(file));
  if (kept.length === 0) {
    const what = leftOut.length === 0 ? 'none' : `only ${leftOut.length} files that prosam made itself`;
    throw new UsageError(`expected --target IMAGE... or --target-dir DIR with images in it, got ${what}.`);
  }
  return { targets: named(kept, await placeOf(join(out, 'any'))), leftOut };
}

function named(entries: readonly { place: string; file: string }[], beside: string): Target[] {
  const targets = entries.map(({ place, file }) => {
    const text = basename(place, extname(place));
    const where = relative(dirname(beside), place).split(sep).join('/');
    const plain = plainWord(text, WORD);
    return { file, from: hashOf(where), plain, hashed: hashedWord({ text, identity: where }, WORD), contested: false };
  });
  const count = new Map<string, number>();
  const fold = (plain: string | undefined): string => (plain === undefined ? '' : foldedName(plain));
  for (const { plain } of targets) count.set(fold(plain), (count.get(fold(plain)) ?? 0) + 1);
  return targets.map((target) => ({ ...target, contested: target.plain === undefined || (count.get(fold(target.plain)) ?? 0) > 1 }));
}

/** Hidden files are somebody's bookkeeping: what a Mac leaves beside images on other disks, or what was never finished. */
async function imagesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new UsageError(`--target-dir ${folder}: cannot be read: ${messageOf(cause)}.`);
  });
  return names
    .filter((name) => !name.startsWith('.') && IMAGE_ENDINGS.has(extname(name).toLowerCase()))
    .sort()
    .map((name) => join(folder, name));
}

/** Its real folder and its own name there. */
async function placeOf(file: string): Promise<string> {
  const whole = resolve(file);
  const folder = await realFolder(dirname(whole));
  return join(folder, basename(whole));
}

/** Of a folder that is not there yet: as far as there is one. */
async function realFolder(folder: string): Promise<string> {
  const real = await realpath(folder).catch(() => undefined);
  if (real !== undefined || dirname(folder) === folder) return real ?? folder;
  return join(await realFolder(dirname(folder)), basename(folder));
}
