/** Targets of `prosam segment`: images to work on, and the names of their results. */
import { realpath } from 'node:fs/promises';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { foldedName, hashedWord, plainWord } from '../../core/files/file-name.ts';
import { adviceFor } from '../../core/image/file-kinds.ts';
import { hashOf, markAtStart } from '../common/output-mark.ts';
import { UsageError } from '../common/command.ts';
import { imagesIn, LEFT_OUT, type LeftOut } from './folder-images.ts';

export interface Target {
  /** Path as it was given. */
  file: string;
  /** Hash of its path relative to the folder of the results: both may move together. */
  from: string;
  /** Name of its results where no other target has it; undefined where its own name is not safe on every system. */
  plain: string | undefined;
  /** Name of its results otherwise. */
  hashed: string;
  /** Whether another target has the same plain name. */
  contested: boolean;
}

export interface Targets {
  targets: Target[];
  /** Files that are no targets: of the folder, and those that prosam made itself. */
  leftOut: LeftOut[];
}

/** Longest name of an image within that of a result, in bytes of UTF-8. */
const WORD = { longest: 140, dots: true } as const;
/** Files read at the same time. */
const AT_ONCE = 16;

/** Collects the targets. out: folder of the results. @throws UsageError without targets */
export async function targetsOf(
  files: readonly string[],
  folder: string | undefined,
  out: string,
  { recursive = false }: { recursive?: boolean } = {},
): Promise<Targets> {
  const inside = folder === undefined ? undefined : await imagesIn(folder, recursive);
  const given = [...files, ...(inside?.images ?? [])];
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
  const leftOut = [...[...made].map((file) => ({ file, kind: LEFT_OUT.made })), ...(inside?.leftOut ?? [])];
  const kept = entries.filter(({ file }) => !made.has(file));
  if (kept.length === 0) {
    throw new UsageError(`expected --target IMAGE... or --target-dir DIR with images in it, got ${whatElse(leftOut)}.`);
  }
  return { targets: named(kept, await placeOf(join(out, 'any'))), leftOut };
}

/** Files without a target among them, in words. */
function whatElse(leftOut: readonly LeftOut[]): string {
  if (leftOut.length === 0) return 'none';
  const kinds = [...new Set(leftOut.map(({ kind }) => kind))].map((kind) => {
    const count = leftOut.filter((one) => one.kind === kind).length;
    if (kind === LEFT_OUT.made) return `${count} files that prosam made itself`;
    const advice = adviceFor(kind);
    return `${count} of the kind ${kind}${advice === undefined ? '' : ` (${advice})`}`;
  });
  return `only ${kinds.join(', ')}`;
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

/** Path with links in its folder resolved. */
async function placeOf(file: string): Promise<string> {
  const whole = resolve(file);
  const folder = await realFolder(dirname(whole));
  return join(folder, basename(whole));
}

/** Resolves links of a folder, as far as it exists. */
async function realFolder(folder: string): Promise<string> {
  const real = await realpath(folder).catch(() => undefined);
  if (real !== undefined || dirname(folder) === folder) return real ?? folder;
  return join(await realFolder(dirname(folder)), basename(folder));
}
