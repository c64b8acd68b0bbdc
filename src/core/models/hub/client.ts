/** Requests to the hub, through @huggingface/hub: a commit and its files. */
import type * as HubLibrary from '@huggingface/hub';
import * as z from 'zod';
import { isProsamError, messageOf, ProsamError } from '../../common/errors.ts';
import { isReservedName } from '../../files/file-name.ts';
import { refusalOf, unreachable, type Asked } from './errors.ts';
import type { HubSettings } from './settings.ts';

/** A file of a repository. */
export interface HubFile {
  /** Within the repository, with slashes. */
  path: string;
  /** Bytes. */
  size: number;
  /** sha256 of a large file (64 digits), git's own hash of a small one (40 digits). The cache names the file by it. */
  etag: string;
}

/** A repository as it was at one commit. */
export interface HubRepository {
  repo: string;
  /** 40 hexadecimal digits. */
  commit: string;
  files: readonly HubFile[];
  /** License on its card, such as `apache-2.0`; the name of one that the hub knows as "other". */
  license?: string;
}

/** Every one of these becomes part of a path in the cache, so a server cannot choose them freely. */
const COMMIT = /^[0-9a-f]{40}$/;
const ETAG = /^([0-9a-f]{40}|[0-9a-f]{64})$/;
const FILE_PART = /^[A-Za-z0-9_][A-Za-z0-9._+ -]*$/;
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9._-]{0,95}\/[A-Za-z0-9][A-Za-z0-9._-]{0,95}$/;
const REVISION = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/;

export function isCommit(text: string): boolean {
  return COMMIT.test(text);
}

/** @throws OPTION_INVALID for what cannot be the name of a repository or of a revision */
export function checkRepository(repo: string, revision: string): void {
  if (!REPOSITORY.test(repo) || repo.includes('..') || repo.includes('--'))
    throw new ProsamError('OPTION_INVALID', `expected a repository as OWNER/NAME, got ${JSON.stringify(repo)}.`);
  if (!REVISION.test(revision) || revision.split('/').some((part) => part === '' || part.startsWith('.') || part.includes('..')))
    throw new ProsamError('OPTION_INVALID', `revision: expected a branch, a tag or a commit, got ${JSON.stringify(revision)}.`);
}

/** Plain relative paths: no part leads anywhere else, on any platform. */
export function isPlainPath(path: string): boolean {
  return path.length <= 500 && path.split('/').every((part) => FILE_PART.test(part) && !/[. ]$/.test(part) && !isReservedName(part));
}

/** Facts about a repository at a revision. @throws HUB_FAILED, HUB_REFUSED, PACKAGE_MISSING, OPTION_INVALID */
export async function readRepository(hub: HubSettings, repo: string, revision: string, signal?: AbortSignal): Promise<HubRepository> {
  checkRepository(repo, revision);
  const { modelInfo, listFiles } = await library();
  const common = { hubUrl: hub.endpoint, fetch: askingFetch(hub, { repo, revision }, signal) };
  return told(hub, async () => {
    const { sha, cardData } = await modelInfo({ ...common, name: repo, revision, additionalFields: ['sha', 'cardData'] });
    if (!isCommit(sha)) throw new Error(`its commit is ${JSON.stringify(sha)}`);
    const files: HubFile[] = [];
    for await (const entry of listFiles({ ...common, repo, revision: sha, recursive: true })) {
      const etag = entry.lfs?.oid ?? entry.oid ?? '';
      if (entry.type === 'file' && isPlainPath(entry.path) && ETAG.test(etag)) files.push({ path: entry.path, size: entry.size, etag });
    }
    const license = licenseOn(cardData);
    return { repo, commit: sha, files, ...(license !== undefined && { license }) };
  });
}

/** License on a repository's card at a revision. @throws HUB_FAILED, HUB_REFUSED, PACKAGE_MISSING, OPTION_INVALID */
export async function readLicense(hub: HubSettings, repo: string, revision: string, signal?: AbortSignal): Promise<string | undefined> {
  checkRepository(repo, revision);
  const { modelInfo } = await library();
  const common = { hubUrl: hub.endpoint, fetch: askingFetch(hub, { repo, revision }, signal) };
  return told(hub, async () => {
    const { cardData } = await modelInfo({ ...common, name: repo, revision, additionalFields: ['cardData'] });
    return licenseOn(cardData);
  });
}

const licenseText = z
  .string()
  .max(100)
  .regex(/^[ -~]+$/);

/** A card gives licenses that the hub has no word for as "other", with a name of its own. */
function licenseOn(card: unknown): string | undefined {
  const { license, license_name: name } = (card ?? {}) as { license?: unknown; license_name?: unknown };
  const [given, own] = [licenseText.safeParse(license), licenseText.safeParse(name)];
  return given.data === 'other' && own.success ? own.data : given.data;
}

/**
 * Address of a file, fetched in whole or from any byte on; large ones redirect to their storage. The library would need a request of
 * its own for this, and speak Xet, which mirrors do not.
 */
export function addressOf(hub: HubSettings, { repo, commit }: Pick<HubRepository, 'repo' | 'commit'>, file: HubFile): string {
  return `${hub.endpoint}/${repo}/resolve/${commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`;
}

/**
 * fetch that sends the token to the hub's own origin alone (a redirect to where large files lie drops it), can be aborted, and
 * turns every refusal into an error people can act on.
 */
export function askingFetch(hub: HubSettings, asked: Asked, signal: AbortSignal | undefined): typeof fetch {
  const { origin } = new URL(hub.endpoint);
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = new Headers(init?.headers);
    if (hub.token !== undefined && url.origin === origin) headers.set('authorization', `Bearer ${hub.token}`);
    let response: Response;
    try {
      response = await hub.fetch(url, { ...init, headers, ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw unreachable(error, hub);
    }
    if (response.ok) return response;
    await response.body?.cancel().catch(() => undefined);
    throw refusalOf(response, asked, hub);
  };
}

/** An answer that is not what the hub's interface says. */
async function told<T>(hub: HubSettings, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (isProsamError(error) || (error instanceof Error && error.name === 'AbortError')) throw error;
    throw new ProsamError(
      'HUB_FAILED',
      `${hub.endpoint}: expected the answers of a model hub, got something else (${messageOf(error)}). Check HF_ENDPOINT.`,
      { cause: error },
    );
  }
}

/** Loaded when asked for: who adds files of their own needs no hub. @throws PACKAGE_MISSING */
async function library(): Promise<typeof HubLibrary> {
  try {
    return await import('@huggingface/hub');
  } catch (cause) {
    throw new ProsamError(
      'PACKAGE_MISSING',
      'pulling from the hub needs the package @huggingface/hub, which cannot be loaded. Run: npm install @huggingface/hub',
      { cause },
    );
  }
}
