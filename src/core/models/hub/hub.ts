/** A model's weights from the hub, or from the cache where the hub is not to be asked. */
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { isProsamError, ProsamError } from '../../common/errors.ts';
import { cachedRepository, rememberRevision, snapshotPath } from './cache.ts';
import { aboutSam2, MAX_CONFIG_BYTES, TRANSFORMERS_CONFIG } from '../../checkpoint/names/sam2.ts';
import { openCheckpoint } from '../../checkpoint/open-checkpoint.ts';
import { checkRepository, isPlainPath, readRepository, type HubFile, type HubRepository } from './client.ts';
import { download, type DownloadOptions } from './download.ts';
import type { HubSettings } from './settings.ts';

export interface WeightsWanted {
  /** owner/name */
  repo: string;
  /** Branch, tag or commit. @default 'main' */
  revision?: string;
  /** Path of the weights in the repository. @default chosen among its files */
  file?: string;
}

export interface FetchedWeights {
  /** File to open: the weights, or the index of their parts. */
  path: string;
  commit: string;
  /** License on the repository's card; unknown where the hub was not called. */
  license?: string;
  /** Bytes that were there before this call, and all together. */
  bytes: number;
}

export interface FetchOptions extends DownloadOptions {
  /** License on the repository's card, before anything of it is fetched; not called where the cache alone is used. */
  onLicense?: (license: string | undefined) => Promise<void>;
  /** Once it is known what will be fetched. */
  onFiles?: (files: readonly HubFile[]) => void;
}

/**
 * Makes sure that the weights are in the cache.
 * @throws HUB_FAILED, HUB_REFUSED, MODEL_NOT_FOUND, MODEL_HASH_MISMATCH, OUTPUT_FAILED, PACKAGE_MISSING, OPTION_INVALID
 */
export async function fetchWeights(hub: HubSettings, wanted: WeightsWanted, options: FetchOptions = {}): Promise<FetchedWeights> {
  const { repo, revision = 'main' } = wanted;
  checkRepository(repo, revision);
  if (hub.offline) return fromCache(hub, wanted);
  let from: HubRepository;
  try {
    from = await readRepository(hub, repo, revision, options.signal);
  } catch (error) {
    // Without a network, what is there already will do.
    if (!isProsamError(error) || error.code !== 'HUB_FAILED') throw error;
    const cached = await fromCache(hub, wanted).catch(() => undefined);
    if (cached === undefined) throw error;
    options.onNote?.(`${error.message} The cache has ${repo} at commit ${cached.commit.slice(0, 7)}, which is used.`);
    return cached;
  }
  await options.onLicense?.(from.license);
  const fileOf = (path: string): HubFile => {
    const found = from.files.find((one) => one.path === path);
    if (found) return found;
    throw new ProsamError(
      'HUB_REFUSED',
      `${hub.endpoint}/${repo}: has no file ${path} at revision ${revision}.${filesOf(from.files.map((one) => one.path))}`,
    );
  };
  const main = fileOf(
    mainFile(
      from.files.map(({ path }) => path),
      wanted,
    ),
  );
  const path = await download(hub, from, main, options);
  const parts = isIndex(main.path) ? (await partsOf(path, main.path)).map(fileOf) : [];
  options.onFiles?.([main, ...parts]);
  for (const part of parts) await download(hub, from, part, options);
  const beside = await configBeside(from, main, path);
  if (beside) await download(hub, from, beside, options);
  // A cache that may only be read has what is needed all the same.
  await rememberRevision(hub.cache, repo, revision, from.commit).catch(() => undefined);
  const bytes = [main, ...parts].reduce((sum, { size }) => sum + size, 0);
  return { path, commit: from.commit, bytes, ...(from.license !== undefined && { license: from.license }) };
}

/**
 * The repository's config.json where its weights need it: SAM 2's, whose heads and windows stand in no shape.
 * @throws HUB_REFUSED for one that is too large to be one
 */
async function configBeside({ repo, files }: HubRepository, main: HubFile, weights: string): Promise<HubFile | undefined> {
  const place = folderOf(main.path) + TRANSFORMERS_CONFIG;
  const config = files.find(({ path }) => path === place);
  if (config === undefined) return undefined;
  // What is no checkpoint is refused by whoever opens it for its weights.
  const checkpoint = await openCheckpoint(weights).catch(() => undefined);
  if (checkpoint === undefined || aboutSam2(checkpoint.tensors) === undefined) return undefined;
  if (config.size <= MAX_CONFIG_BYTES) return config;
  throw new ProsamError(
    'HUB_REFUSED',
    `${repo}: expected ${place} of at most ${MAX_CONFIG_BYTES} bytes, got ${config.size}. Use another revision.`,
  );
}

/** Ends with a slash, or is empty. */
function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

/** @throws HUB_FAILED */
async function fromCache(hub: HubSettings, wanted: WeightsWanted): Promise<FetchedWeights> {
  const { repo, revision = 'main' } = wanted;
  const missing = (what: string): ProsamError =>
    new ProsamError(
      'HUB_FAILED',
      `${repo}: offline, and the cache ${hub.cache} has ${what}. Pull it once with a network, copy the cache from a machine that has it, or let HF_HOME name its folder.`,
    );
  const cached = await cachedRepository(hub.cache, repo, revision);
  if (cached === undefined) throw missing(`nothing of its revision ${revision}`);
  const { commit, paths } = cached;
  const main = mainFile(paths, wanted);
  if (!paths.includes(main)) throw missing(`no ${main} at revision ${revision}`);
  const path = snapshotPath(hub.cache, repo, commit, main);
  for (const part of isIndex(main) ? await partsOf(path, main) : [])
    if (!paths.includes(part)) throw missing(`no ${part}, which ${main} names`);
  return { path, commit, bytes: 0 };
}

/** In the order they are preferred: safetensors cannot run code, and one file is simpler than several. */
const PREFERRED = ['model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json'];
const WEIGHTS = /\.(safetensors|pth|pt|bin)$/;

function mainFile(paths: readonly string[], { repo, file }: WeightsWanted): string {
  if (file !== undefined) return file;
  const usual = PREFERRED.find((name) => paths.includes(name));
  if (usual !== undefined) return usual;
  const candidates = paths.filter((path) => WEIGHTS.test(path));
  const [only] = candidates;
  if (only !== undefined && candidates.length === 1) return only;
  throw new ProsamError(
    'MODEL_NOT_FOUND',
    candidates.length === 0
      ? `${repo}: expected weights (.safetensors, .pth, .pt, .bin), found none.${filesOf(paths)}`
      : `${repo}: expected one file of weights, found several; name one with --file.${filesOf(candidates)}`,
  );
}

const MAX_LISTED = 30;

function filesOf(paths: readonly string[]): string {
  const more = paths.length > MAX_LISTED ? ` and ${paths.length - MAX_LISTED} more` : '';
  return ` Its files: ${paths.slice(0, MAX_LISTED).join(', ') || 'none'}${more}.`;
}

function isIndex(path: string): boolean {
  return path.endsWith('.index.json');
}

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string()) });

/** Files the index of a divided checkpoint names, which lie beside it. @throws CHECKPOINT_INVALID */
async function partsOf(path: string, name: string): Promise<string[]> {
  let index: z.output<typeof indexSchema>;
  try {
    index = indexSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new ProsamError(
      'CHECKPOINT_INVALID',
      `${path}: expected the index of a divided checkpoint (JSON with weight_map), got something else.`,
      { cause },
    );
  }
  const parts = [...new Set(Object.values(index.weight_map))].sort();
  const odd = parts.find((part) => !isPlainPath(part) || part.includes('/'));
  if (odd !== undefined)
    throw new ProsamError('CHECKPOINT_INVALID', `${path}: expected names of files beside it, got ${JSON.stringify(odd)}.`);
  return parts.map((part) => folderOf(name) + part);
}
