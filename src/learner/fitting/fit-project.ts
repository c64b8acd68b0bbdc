/** Numbers of those labels of a project whose accepted masks have changed: fitted by an engine, kept in the store with what they gained. */
import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { isOwnError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { MAX_EXAMPLES } from '../../core/engine/learned/fit.ts';
import type { Engine, Reference } from '../../core/engine/types.ts';
import { poolOf, readingOptions } from '../../service/ports/choose-references.ts';
import { fitFigures } from '../../service/ports/fits.ts';
import type { MaskRow, Store } from '../../service/ports/storage.ts';
import type { ProjectState, VersionRecord } from '../../service/ports/versions.ts';
import { forgetErased } from '../forget-erased.ts';
import { holdLease, type Lease } from '../lease.ts';
import { fetchImages, runFiles } from '../run-files.ts';
import type { LearnerContext } from '../types.ts';

export interface FitParts {
  context: Pick<LearnerContext, 'storage' | 'settings' | 'holder' | 'now' | 'log' | 'onEvent' | 'signal'>;
  /** Name and content hash of the engine's model, before it is opened. */
  baseModel: () => Promise<string>;
  /** Opened when it is first asked for. */
  engine: () => Promise<FitEngine>;
}

type FitEngine = Pick<Engine, 'fit' | 'loadPromptEncoder' | 'unloadPromptEncoder'>;

/**
 * - 'done': nothing is left to fit. - 'more': one label was fitted, others may be left
 * - 'held': another learner is at it
 */
type FitOutcome = 'done' | 'more' | 'held';

/** Longest time that one label may take, in milliseconds; measured were seconds. */
const LONGEST_FIT_MS = 900_000;
/** Folder of images on their way, in that of the runs: no run has this name. */
const FOLDER = 'fits';

interface Due {
  label: string;
  masks: MaskRow[];
  data: string;
}

/**
 * Fits one label, the one annotated last. failed: fingerprints of what could not be fitted, which is left out; another is added here.
 * @throws STORAGE_FAILED, STORAGE_TIMEOUT, and what opening the engine throws
 */
export async function fitProject(parts: FitParts, state: ProjectState, failed: Set<string>): Promise<FitOutcome> {
  const { storage, settings, holder, now, log } = parts.context;
  const { project } = state;
  const { upkeep } = storage.store;
  const version = await versionFor(parts, state);
  if ((await nextOf(parts, project, version, failed)) === undefined) return 'done';
  const name = `fit ${project}`;
  const hold = (nowMs: number, leaseMs: number) => upkeep?.hold(name, holder, { nowMs, leaseMs }) ?? Promise.resolve(true);
  if (!(await hold(now(), settings.leaseMs))) return 'held';
  const lease = holdLease({
    ...{ run: name, holder, leaseMs: settings.leaseMs, now, log },
    runs: { renew: (_, __, { nowMs, leaseMs }) => hold(nowMs, leaseMs) },
  });
  try {
    // Another learner may have been first.
    const due = await nextOf(parts, project, version, failed);
    if (due === undefined) return 'done';
    const engine = await parts.engine();
    await fitLabel(parts, engine, { ...due, project, version }, lease).catch((error: unknown) => {
      if (parts.context.signal.aborted || lease.lost.aborted || isPassing(error)) throw error;
      failed.add(due.data);
      log.error(
        { project, label: due.label, error: messageOf(error) },
        'no numbers were fitted to a label; it is tried again when it changes',
      );
    });
    return 'more';
  } finally {
    await lease.stop();
    await upkeep?.release(name, holder);
  }
}

function isPassing(error: unknown): boolean {
  return isOwnError(error) && (error.code === 'STORAGE_FAILED' || error.code === 'STORAGE_TIMEOUT');
}

/** Version in service, where it is of this model. */
async function versionFor({ context, baseModel }: FitParts, { current }: ProjectState): Promise<VersionRecord | undefined> {
  const version = current === undefined ? undefined : await context.storage.store.versions.get(current);
  return version?.baseModel === (await baseModel()) ? version : undefined;
}

/** The label annotated last among those with enough masks that other numbers than theirs, or none, are stored of. */
async function nextOf(
  { context, baseModel }: FitParts,
  project: string,
  version: VersionRecord | undefined,
  failed: ReadonlySet<string>,
): Promise<Due | undefined> {
  const { store } = context.storage;
  const { fitFrom } = context.settings;
  const model = await baseModel();
  const concepts = (await store.annotations.concepts(project)).filter(({ masks }) => masks >= fitFrom);
  for (const { label } of concepts.sort((a, b) => b.newest - a.newest)) {
    if (context.signal.aborted) return undefined;
    const masks = await bestMasks(store.annotations, project, label);
    if (masks.length < fitFrom) continue;
    const data = fingerprint([project, label, model, version?.id, ...masks.map(({ sha256, rle }) => JSON.stringify([sha256, rle])).sort()]);
    if (!failed.has(data) && (await store.fits.get(project, label))?.data !== data) return { label, masks, data };
  }
  return undefined;
}

/** One of each image, the best first, as many as are fitted to. */
async function bestMasks(annotations: Pick<Store['annotations'], 'candidates'>, project: string, label: string): Promise<MaskRow[]> {
  const byImage = new Map<string, MaskRow>();
  for (const mask of await annotations.candidates(project, label, poolOf(MAX_EXAMPLES)))
    if (!byImage.has(mask.sha256)) byImage.set(mask.sha256, mask);
  return [...byImage.values()].slice(0, MAX_EXAMPLES);
}

function fingerprint(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

async function fitLabel(
  parts: FitParts,
  engine: FitEngine,
  { project, version, label, data, ...due }: Due & { project: string; version: VersionRecord | undefined },
  lease: Pick<Lease, 'lost'>,
): Promise<void> {
  const { storage, settings, now, onEvent, signal: stop } = parts.context;
  const started = performance.now();
  const signal = AbortSignal.any([stop, lease.lost, AbortSignal.timeout(LONGEST_FIT_MS)]);
  const files = runFiles(settings.workDir, FOLDER);
  try {
    await forgetErased(files.features, storage.store.images);
    const paths = await fetchImages(storage.blobs, files, due.masks, signal);
    signal.throwIfAborted();
    const masks = due.masks.filter(({ sha256 }) => paths.has(sha256));
    if (masks.length < 2) throw missingImages(due.masks.length - masks.length);
    const references = masks.map(({ sha256, rle }): Reference => ({
      image: paths.get(sha256) as string,
      label,
      rle: { size: [...rle.size], counts: rle.counts },
    }));
    if (version) await engine.loadPromptEncoder(version.id, await weightsOf(parts, version));
    const values = await engine
      .fit(references, { ...readingOptions('auto', [masks.length]), ...(version && { promptEncoder: version.id }), signal })
      .finally(() => version && engine.unloadPromptEncoder(version.id));
    signal.throwIfAborted();
    const fit = { project, label, baseModel: await parts.baseModel(), data, values, fittedMs: now() };
    const learnedFrom = masks.map(({ id }) => id);
    const kept = await storage.store.fits.put(fit, learnedFrom);
    const seconds = Math.round(performance.now() - started) / 1000;
    if (kept) onEvent({ type: 'fit', project, label, seconds, ...fitFigures(values) });
  } finally {
    await rm(files.folder, { recursive: true, force: true });
  }
}

async function weightsOf({ context }: FitParts, { id, weights }: VersionRecord): Promise<Uint8Array> {
  const bytes = await context.storage.blobs.get(weights);
  if (bytes) return bytes;
  throw new ProsamError('VERSION_NOT_FOUND', `version ${id}: expected its weights ${weights}, they are gone. Roll back to another.`);
}

function missingImages(count: number): ProsamError {
  return new ProsamError('BLOB_DAMAGED', `expected two images or more, ${count} are missing or damaged. Send their bytes again.`);
}
