/** Writes the files of the commands: each carries a mark, and replaces only files that carry one. */
import { lstat, mkdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hashedWord, plainWord } from '../../core/files/file-name.ts';
import { taken, writeDurably } from '../../core/files/write-file.ts';
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { hashOf, markAtStart, marked, markOf, type Made, type Mark } from './output-mark.ts';

/** State of a path: free, a file with our mark, one without, or no regular file; `words` describe the last two. */
export type Standing = { kind: 'free' } | { kind: 'ours'; mark: Mark } | { kind: 'unmarked' | 'no file'; words: string };

/** Files that a command reads, by identity: links and hard links are the file they lead to. */
export interface Inputs {
  has(path: string): Promise<boolean>;
}

/** Identifies the paths that exist. */
export async function inputsOf(paths: readonly string[]): Promise<Inputs> {
  const known = new Set((await Promise.all(paths.map(identityOf))).filter((one) => one !== undefined));
  return {
    async has(path) {
      const identity = await identityOf(path);
      return identity !== undefined && known.has(identity);
    },
  };
}

async function identityOf(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && `${info.dev}:${info.ino}`;
}

/** Examines a path. @throws OUTPUT_FAILED for a place that cannot be read */
export async function standingOf(path: string): Promise<Standing> {
  try {
    const info = await lstat(path);
    if (info.isSymbolicLink()) return { kind: 'no file', words: 'a link' };
    if (!info.isFile()) return { kind: 'no file', words: 'a folder or something else that is no file' };
    // Other files need not be read, however large they are.
    const mark = (await markAtStart(path)) && markOf(await readFile(path));
    return mark === undefined ? { kind: 'unmarked', words: 'another file' } : { kind: 'ours', mark };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'free' };
    throw outputFailed(path, cause);
  }
}

export interface WriteOwnOptions {
  /** Subject as a JSON value: a file about something else is left alone. */
  about: unknown;
  /** Kind of the file. @default 'result' */
  what?: Made['what'];
  /** Files that the command reads. */
  inputs?: Inputs;
  /** Replaces files without a mark too: for folders that belong to prosam although their files are not marked. */
  adopt?: boolean;
}

/** Writes a file that a command makes again each time. @throws OUTPUT_FAILED, OUTPUT_TAKEN */
export async function writeOwn(path: string, data: Uint8Array | string, options: WriteOwnOptions): Promise<void> {
  const { about, what = 'result' } = options;
  await writeChecked(path, data, { what, from: hashOf(about), stamp: hashOf(about) }, (standing) => checkOwn(path, standing, options));
}

/** Path for a name, free of files about something else. */
export async function ownPlace(folder: string, text: string, ending: string, about: unknown): Promise<string> {
  const plain = plainWord(text);
  const standing = plain === undefined ? undefined : await standingOf(join(folder, `${plain}${ending}`));
  const isOthers = standing === undefined || (standing.kind === 'ours' && standing.mark.from !== hashOf(about));
  return join(folder, `${isOthers ? hashedWord({ text, identity: JSON.stringify(about) }) : plain}${ending}`);
}

/** Refuses paths that must stay, before long work for them begins. @throws OUTPUT_FAILED, OUTPUT_TAKEN */
export async function refuseTaken(paths: readonly string[], options: WriteOwnOptions): Promise<void> {
  for (const path of paths) await checkOwn(path, await standingOf(path), options);
}

/** Writes a marked file. may: throws where the existing file must stay. @throws OUTPUT_FAILED, OUTPUT_TAKEN */
export async function writeChecked(
  path: string,
  data: Uint8Array | string,
  made: Made,
  may: (standing: Standing) => Promise<void> | void,
): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    const standing = await standingOf(path);
    await may(standing);
    const bytes = marked(data, made);
    if (standing.kind !== 'free') {
      await writeDurably(path, bytes);
      return;
    }
    await writeDurably(path, bytes, { replace: false }).catch(async (error: unknown) => {
      if (!isProsamError(error) || error.code !== 'OUTPUT_TAKEN') throw error;
      await may(await standingOf(path)); // another process came first, perhaps with the same
      await writeDurably(path, bytes);
    });
  } catch (cause) {
    throw isProsamError(cause) ? cause : outputFailed(path, cause);
  }
}

async function checkOwn(path: string, standing: Standing, { about, inputs, adopt = false }: WriteOwnOptions): Promise<void> {
  if (standing.kind === 'free') return;
  if (await inputs?.has(path)) throw taken(path, 'a file that is read here', 'Name another folder.');
  if (standing.kind === 'unmarked' && adopt) return;
  if (standing.kind !== 'ours') throw taken(path, standing.words);
  if (!standing.mark.intact) throw taken(path, 'one that was changed since');
  if (standing.mark.from !== hashOf(about)) throw taken(path, 'one that is about something else');
}

function outputFailed(path: string, cause: unknown): ProsamError {
  return new ProsamError('OUTPUT_FAILED', `${path}: cannot be written: ${messageOf(cause)}. Check the folder and the free space.`, {
    cause,
  });
}
