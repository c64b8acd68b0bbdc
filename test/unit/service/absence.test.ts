/** Labels that images do not show, as the service takes and uses them, on the built-in model. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import type { Storage } from '../../../src/service/ports/storage.ts';
import { createEngine, type Engine } from '../../../src/index.ts';
import type { AcceptRequest } from '../../../src/service/types.ts';
import { createService, type RunningService } from '../../../src/service/service.ts';
import { expectRejection } from '../core/expect-error.ts';
import { drawnCup, shownScenes } from './shown-scene.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-absence-'));
let engine: Engine;
let storage: Storage;
let service: RunningService;
let nowMs = 1_000_000;
/** Images without the label that each prediction was given. */
const others: unknown[] = [];

const scene = shownScenes(5000);

beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
  storage = await openStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  const watched: Engine = {
    ...engine,
    predict(image, references, options) {
      others.push(options?.others?.length);
      return engine.predict(image, references, options);
    },
  };
  service = await createService({ engine: watched, storage, log: silentLog, pollMs: 50, now: () => nowMs++ });
});
afterAll(async () => {
  await service.close();
  await engine.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an absent label', () => {
  it('is one of those named, or of those of the project where none are named', async () => {
    const [shown, target] = [await scene(), await scene(12)];
    const empty = (more: Partial<AcceptRequest>) =>
      service.annotations.accept(drawnCup('absent', 'none', target, { provenance: 'absent', masks: [], ...more }));
    await expectRejection('REQUEST_INVALID', empty({}), 'Name them');
    await expectRejection('REQUEST_INVALID', empty({ absent: [] }), 'Leave it out');
    await service.annotations.accept(drawnCup('absent', '1', shown));
    expect(await empty({})).toMatchObject({ outcome: 'stored', masks: [], absent: ['cup'] });
    // A label that came since does not make it another annotation.
    await service.annotations.accept(drawnCup('absent', '2', shown, { masks: [{ label: 'plate', ...shown.mark }] }));
    expect(await empty({})).toMatchObject({ outcome: 'duplicate' });
    expect((await service.annotations.list('absent', { limit: 9 })).map(({ absent }) => absent)).toEqual([undefined, ['cup'], undefined]);
  });

  it('holds finds against images without the labels, in a version of its own', async () => {
    const [shown, target, other] = [await scene(), await scene(), await scene(12)];
    const predict = () => service.predictions.predict({ project: 'held', image: target.bytes });
    await service.annotations.accept(drawnCup('held', '1', shown));
    const before = await predict();
    const absent = drawnCup('held', '2', other, { provenance: 'absent', masks: [], absent: ['cup'] });
    await service.annotations.accept(absent);
    const after = await predict();
    expect(others).toEqual([undefined, 1]);
    expect(after.version).not.toBe(before.version);
    expect((await service.projects.get('held')).version).toBe(after.version);
    await service.annotations.accept({ ...absent, revision: 2, provenance: 'skipped', absent: [] });
    expect((await predict()).version).toBe(before.version);
    expect(others).toEqual([undefined, 1, undefined]);
  });
});
