/** Paths of a target's results: finds existing ones and protects files that must not be overwritten. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { foldedName } from '../../core/files/file-name.ts';
import { knownHash } from '../../core/checkpoint/hash-cache.ts';
import { taken } from '../../core/files/write-file.ts';
import { DEFAULT_LIMITS } from '../../core/image/node/decode.ts';
import { hashOf, type Mark } from '../common/output-mark.ts';
import type { Target } from './targets.ts';
import { standingOf, writeChecked, type Inputs, type Standing } from '../common/write-file.ts';

export interface ResultsOptions {
  out: string;
  /** Suffixes of the result files, after the image's name. */
  suffixes: readonly string[];
  /** Everything but the image that the results depend on. */
  settings: unknown;
  /** Every file the command reads. */
  inputs: Inputs;
  /** Makes existing results again. */
  force: boolean;
}

export interface Plan {
  target: Target;
  /** Hash of the image and of all that its results depend on. */
  stamp: string;
  /** Paths of the result files. */
  outputs: string[];
  /** Whether all exist, made of the same image with the same settings. */
  done: boolean;
  /** Whether they exist but one of them was changed since. */
  changed: boolean;
}

export interface Results {
  /** Plans the results of a target. @throws OUTPUT_TAKEN for a place whose file must stay */
  plan(target: Target): Promise<Plan>;
  /** Writes results. contents: one for each output of the plan. @throws OUTPUT_FAILED, OUTPUT_TAKEN */
  write(plan: Plan, contents: readonly (Uint8Array | string)[]): Promise<void>;
}

interface Place {
  path: string;
  standing: Standing;
}

/** Lists the folder once and compares names as the least exact file system does. */
export async function openResults({ out, suffixes, settings, inputs, force }: ResultsOptions): Promise<Results> {
  const made = hashOf(settings);
  const names = await readdir(out).catch((): string[] => []);
  const there = new Map(names.map((name) => [foldedName(name), name]));
  const exactly = new Set(names);

  const lookUp = (word: string): Promise<Place[]> =>
    Promise.all(
      suffixes.map(async (suffix) => {
        const name = `${word}${suffix}`;
        const found = exactly.has(name) ? name : there.get(foldedName(name));
        const standing: Standing = found === undefined ? { kind: 'free' } : await standingOf(join(out, found));
        return { path: join(out, found ?? name), standing };
      }),
    );

  /** Chooses between the two names of a target's results. */
  const placesOf = async (target: Target, stamp: string): Promise<Place[]> => {
    const { plain, hashed, contested, from } = target;
    // A result of the same image at another place is this target's, unless another target has the same name.
    const isOwn = (mark: Mark): boolean => mark.from === from || (!contested && mark.stamp === stamp);
    const marks = (places: readonly Place[]): Mark[] => places.flatMap(({ standing }) => (standing.kind === 'ours' ? [standing.mark] : []));
    const long = await lookUp(hashed);
    if (plain === undefined || marks(long).length > 0) return long;
    const short = await lookUp(plain);
    if (short.every(({ standing }) => standing.kind === 'free')) return contested ? long : short;
    if (marks(short).some((mark) => !isOwn(mark))) return long;
    return contested && marks(short).length === 0 ? long : short;
  };

  const check = async ({ path, standing }: Place, from: string, stamp: string): Promise<void> => {
    if (standing.kind === 'free') return;
    if (await inputs.has(path)) throw taken(path, 'an image or mask that is read here', 'Name another folder with --out.');
    if (standing.kind !== 'ours') throw taken(path, standing.words, 'Move it away, or name another folder with --out.');
    if (!standing.mark.intact) throw taken(path, 'one that was changed since', 'Move it away to have it made again.');
    // Another process may have come first.
    if (standing.mark.stamp !== stamp && standing.mark.from !== from) throw taken(path, 'one of another image', 'Run this again.');
    if (standing.mark.stamp !== stamp && !force)
      throw taken(path, 'one made of another image or with other options', '--force makes it again; --out names another folder.');
  };

  return {
    async plan(target) {
      const image = await hashOfImage(target.file);
      const stamp = hashOf([image, made]);
      const places = await placesOf(target, stamp);
      const outputs = places.map(({ path }) => path);
      const done = !force && places.every(({ standing }) => standing.kind === 'ours' && standing.mark.stamp === stamp);
      // An image that cannot be read is reported where it is decoded.
      if (!done && image !== undefined) for (const place of places) await check(place, target.from, stamp);
      const changed = done && places.some(({ standing }) => standing.kind === 'ours' && !standing.mark.intact);
      return { target, stamp, outputs, done, changed };
    },
    async write({ target, stamp, outputs }, contents) {
      for (const [i, path] of outputs.entries()) {
        const content = contents[i] as Uint8Array | string;
        const own = { what: 'result', from: target.from, stamp } as const;
        await writeChecked(path, content, own, (standing) => check({ path, standing }, target.from, stamp));
      }
    },
  };
}

/** Hash of an image file; undefined where it cannot be read. */
async function hashOfImage(file: string): Promise<string | undefined> {
  const info = await stat(file).catch(() => undefined);
  return info?.isFile() && info.size <= DEFAULT_LIMITS.maxBytes ? knownHash(file).catch(() => undefined) : undefined;
}
