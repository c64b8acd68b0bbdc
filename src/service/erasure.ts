/** Erasure of images: their rows at once, their bytes and features by every process that kept some, however late it hears of it. */
import { messageOf } from '../core/common/errors.ts';
import { within } from '../core/common/patience.ts';
import type { Engine } from '../core/engine/types.ts';
import type { ServiceImages } from './images.ts';
import type { Log } from './ports/log.ts';
import type { Blobs, ErasedImage, ImageStore } from './ports/storage.ts';
import type { PredictionLog } from './prediction-log.ts';

export interface ErasureParts {
  store: Pick<ImageStore, 'erase' | 'erasures' | 'settleErasure' | 'isKnown'>;
  blobs: Pick<Blobs, 'remove'>;
  images: Pick<ServiceImages, 'forget'>;
  engine: Pick<Engine, 'forget'>;
  predictions: Pick<PredictionLog, 'flush'>;
  log: Log;
  now: () => number;
}

export interface Erasures {
  /** undefined: there was nothing of it. Its bytes go at once or, where the object store does not answer, as soon as it does. */
  erase(project: string, sha256: string): Promise<ErasedImage | undefined>;
  /** Handles what is left of erasures, those of other processes included. Never rejects. */
  sweep(): Promise<void>;
  /** Resolves when no sweep runs. */
  idle(): Promise<void>;
}

const PAGE = 500;
/** Longest wait for predictions on their way to the store, in milliseconds. */
const FLUSH_MS = 1000;

export function createErasures({ store, blobs, images, engine, predictions, log, now }: ErasureParts): Erasures {
  /** Last one whose image is forgotten here: from the first one on, for the folder of features may be older than this process. */
  let forgotten = 0;
  let sweeping: Promise<void> | undefined;

  const forget = async (): Promise<void> => {
    for (;;) {
      const page = await store.erasures({ after: forgotten, limit: PAGE });
      const last = page.at(-1);
      if (last === undefined) return;
      const hashes = new Set(page.map(({ sha256 }) => sha256));
      for (const { project, sha256 } of page) images.forget(project, sha256);
      // Another project may show the same image; its features are those of that one, too.
      for (const sha256 of hashes) if (await store.isKnown(sha256)) hashes.delete(sha256);
      if (hashes.size > 0) await engine.forget([...hashes]);
      forgotten = last.id;
    }
  };
  const removeBytes = async (): Promise<void> => {
    for (const { id, sha256 } of await store.erasures({ unsettled: true, limit: PAGE })) {
      if (!(await store.isKnown(sha256))) await blobs.remove(sha256);
      await store.settleErasure(id);
    }
  };
  const swept = async (): Promise<void> => {
    for (const work of [forget, removeBytes]) {
      try {
        await work();
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'what is left of erased images goes later');
      }
    }
  };
  const sweep = (): Promise<void> => (sweeping ??= swept().finally(() => (sweeping = undefined)));

  return {
    sweep,
    async idle() {
      await sweeping;
    },
    async erase(project, sha256) {
      await within(predictions.flush(), { ms: FLUSH_MS }).catch(() => undefined);
      const erased = await store.erase(project, sha256, now());
      // One that runs may have looked before this one was noted.
      await sweeping;
      await sweep();
      if (erased) log.info({ project, image: sha256, ...erased }, 'an image was erased');
      return erased;
    },
  };
}
