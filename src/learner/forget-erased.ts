/** Features of images that were erased, out of the learner's folder: it may lie on another machine than the service. */
import { diskFeatureCache } from '../core/runtime/node/disk-feature-cache.ts';
import type { ImageStore } from '../service/ports/storage.ts';

const PAGE = 1000;

/** Those of images that no project knows any more. */
export async function forgetErased(folder: string, images: Pick<ImageStore, 'erasures' | 'isKnown'>): Promise<void> {
  const hashes = new Set<string>();
  for (let after: number | undefined = 0; after !== undefined;) {
    const page = await images.erasures({ after, limit: PAGE });
    for (const { sha256 } of page) if (!(await images.isKnown(sha256))) hashes.add(sha256);
    after = page.length < PAGE ? undefined : page.at(-1)?.id;
  }
  if (hashes.size > 0) await diskFeatureCache(folder, 0).remove?.((name) => [...hashes].some((hash) => name.includes(hash)));
}
