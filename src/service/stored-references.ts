/** References of a project for one prediction: the chosen masks of each label, with the images that can be read. */
import { isProsamError, ProsamError } from '../core/common/errors.ts';
import { LIMITS } from '../core/common/limits.ts';
import type { Reference } from '../core/engine/types.ts';
import type { ServiceImages } from './images.ts';
import type { ReferenceSet, ReferenceSets } from './references.ts';

/** References of one prediction, and what stands for them in version strings. */
export interface Asked {
  references: Reference[];
  missing: string[];
  /** Labels of the project beyond those of one request. */
  omitted: string[];
  notices: string[];
  sets: readonly Pick<ReferenceSet, 'label' | 'hash' | 'fit'>[];
  /** Stored references of each label. */
  sizes: readonly number[];
  /** Images that show none of the labels: what is found there is held against a find elsewhere. */
  without: readonly { sha256: string; image: Uint8Array | string }[];
}

export interface StoredReferencesParts {
  references: ReferenceSets;
  images: Pick<ServiceImages, 'stored' | 'unreadable'>;
}

export interface StoredReferencesRequest {
  project: string;
  labels?: readonly string[] | undefined;
  revision: number;
  signal?: AbortSignal | undefined;
  /** Every image is verified anew. @default false */
  again?: boolean;
}

/** Each round finds at least one more image that cannot be read. */
const MAX_ROUNDS = 50;

/** @throws BLOB_DAMAGED where references are there and none of them can be read; STORAGE_* */
export async function storedReferences(parts: StoredReferencesParts, request: StoredReferencesRequest): Promise<Asked> {
  const { project, labels, revision, signal } = request;
  const { references, images } = parts;
  const all = [...new Set(labels ?? (await references.labels(project, revision)).map(({ label }) => label))];
  const asked = all.slice(0, LIMITS.labels);
  let sets: ReferenceSet[] = [];
  let inputs = new Map<string, Uint8Array | string>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { version } = images.unreadable;
    sets = await Promise.all(asked.map((label) => references.of(project, label, revision, asked.length)));
    const again = request.again === true && round === 0;
    inputs = await readable(images, new Set(sets.flatMap(({ masks }) => masks.map(({ sha256 }) => sha256))), { again, signal });
    // Chosen anew without those that turned out to be missing or damaged.
    if (images.unreadable.version === version) break;
  }
  const found = sets.filter(({ masks }) => masks.some(({ sha256 }) => inputs.has(sha256)));
  const showing = found.length > 1 ? await imagesByLabel(references, project, found, revision) : new Map<string, ReadonlySet<string>>();
  const chosen: Reference[] = [];
  for (const { label, masks } of found) {
    for (const { sha256, rle } of masks) {
      const image = inputs.get(sha256);
      if (image === undefined) continue;
      const shows = [...showing].flatMap(([other, shown]) => (other !== label && shown.has(sha256) ? [other] : []));
      chosen.push({ label, shows, image, rle });
    }
  }
  const missing = asked.filter((label) => !found.some((set) => set.label === label));
  const unreadable = await withMasks(parts, request, missing);
  if (chosen.length === 0 && unreadable.length > 0) throw noneReadable(project, unreadable);
  const omitted = all.slice(LIMITS.labels);
  const lacking = found.length === 0 ? [] : await references.without(project, namesOf(found), revision);
  const empty = await readable(images, lacking, { again: request.again === true, signal });
  const without = [...empty].map(([sha256, image]) => ({ sha256, image }));
  return {
    references: chosen,
    missing,
    omitted,
    notices: noticesOf(unreadable, omitted),
    sets: found,
    sizes: found.map(({ masks }) => masks.length),
    without,
  };
}

const namesOf = (sets: readonly { label: string }[]): string[] => sets.map(({ label }) => label);

async function readable(
  images: Pick<ServiceImages, 'stored'>,
  hashes: Iterable<string>,
  options: { again: boolean; signal: AbortSignal | undefined },
): Promise<Map<string, Uint8Array | string>> {
  const inputs = new Map<string, Uint8Array | string>();
  for (const sha256 of hashes) {
    try {
      inputs.set(sha256, await images.stored(sha256, options));
    } catch (error) {
      if (!isProsamError(error) || error.code !== 'BLOB_DAMAGED') throw error;
    }
  }
  return inputs;
}

/** Images of each label, so that none that shows it counts as one without it. */
async function imagesByLabel(
  references: ReferenceSets,
  project: string,
  sets: readonly { label: string }[],
  revision: number,
): Promise<Map<string, ReadonlySet<string>>> {
  const all = await Promise.all(sets.map(async ({ label }) => [label, await references.images(project, label, revision)] as const));
  return new Map(all);
}

/** Labels without a usable reference that have masks all the same. */
async function withMasks(
  { references, images }: StoredReferencesParts,
  { project, revision }: StoredReferencesRequest,
  missing: readonly string[],
): Promise<string[]> {
  if (missing.length === 0 || images.unreadable.list().length === 0) return [];
  const known = new Set((await references.labels(project, revision)).map(({ label }) => label));
  return missing.filter((label) => known.has(label));
}

function noticesOf(unreadable: readonly string[], omitted: readonly string[]): string[] {
  return [
    ...(unreadable.length === 0 ? [] : [`None of the reference images of ${unreadable.join(', ')} can be read. Send them again.`]),
    ...(omitted.length === 0
      ? []
      : [`${omitted.length} labels beyond the ${LIMITS.labels} of one request were not looked for. Name them in another request.`]),
  ];
}

function noneReadable(project: string, labels: readonly string[]): ProsamError {
  return new ProsamError(
    'BLOB_DAMAGED',
    `${project}: expected reference images of ${labels.join(', ')}, but all are missing from the object store or damaged. Send their bytes again, or restore them from a backup.`,
  );
}
