/** A run of the learner on a project's accepted masks, gate and all, on a store of its own. */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cocoRleArea, cocoRleFromMaskSync } from '../../src/core/mask/rle.ts';
import { learnOnce } from '../../src/learner/learn-once.ts';
import { LEARNER_DEFAULTS } from '../../src/learner/settings.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import { loadTrainingEngine } from '../../src/training/index.ts';
import type { TrainOn } from './trained.ts';

const PROJECT = 'project';

/** -> weights of the version that was promoted; none where people keep what they have. */
export async function gatedWeights({ model, label, accepted, work, threads }: TrainOn): Promise<{
  weights: Uint8Array | undefined;
  facts: Record<string, unknown>;
}> {
  const folder = join(work, `gate ${label} ${accepted.length}`.replaceAll(' ', '-'));
  rmSync(folder, { recursive: true, force: true });
  await using storage = await openStorage({ database: join(folder, 'prosam.db'), objects: join(folder, 'blobs') });
  for (const [i, { file, truth }] of accepted.entries()) {
    const bytes = readFileSync(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await storage.blobs.put(bytes);
    const { width, height } = truth;
    const rle = cocoRleFromMaskSync(truth);
    await storage.store.annotations.accept(
      {
        ...{ project: PROJECT, source: 'bench', externalId: `image ${i}`, revision: 1, provenance: 'edited', createdMs: i },
        image: { project: PROJECT, sha256, width, height },
        masks: [{ label, rle, area: cocoRleArea(rle) }],
      },
      [],
    );
  }
  const started = performance.now();
  const settings = { ...LEARNER_DEFAULTS, model, threads, device: 'cpu', fitFrom: 0, workDir: join(folder, 'learner') };
  await learnOnce(storage, settings, {
    ...{ engine: await loadTrainingEngine(), codeVersion: 'bench', manual: true, projects: [PROJECT] },
    onEvent: () => undefined,
  });
  const seconds = (performance.now() - started) / 1000;
  const [version] = await storage.store.versions.list({ project: PROJECT, limit: 1 });
  const weights = version?.outcome === 'promoted' ? await storage.blobs.get(version.weights) : undefined;
  return { weights, facts: { seconds, outcome: version?.outcome, reason: version?.reason } };
}
