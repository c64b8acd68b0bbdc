/** Annotations that come again: the same delivery is a duplicate, whatever mask SAM makes of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { maskFromAnnotation } from '../../../src/core/mask/draw-annotation.ts';
import { maskArea } from '../../../src/core/mask/raster.ts';
import { cocoRleFromMaskSync, createEngine, type Annotation, type Engine } from '../../../src/index.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import { noMetrics } from '../../../src/service/ports/metrics.ts';
import type { Storage } from '../../../src/service/ports/storage.ts';
import { sentHash } from '../../../src/service/sent-annotations.ts';
import { createService, type RunningService } from '../../../src/service/service.ts';
import type { AcceptedAnnotation, AcceptRequest } from '../../../src/service/types.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';
import { expectRejection } from '../core/expect-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-again-'));
let engine: Engine;
let storage: Storage;
let service: RunningService;
let bytes: Uint8Array;

beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
  storage = await openStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  service = await createService({ engine, storage, metrics: noMetrics, log: silentLog, pollMs: 50 });
  const { image } = sceneWith(31, () => 5000);
  const raw = { width: image.width, height: image.height, channels: 3 } as const;
  bytes = new Uint8Array(await sharp(image.data, { raw }).png().toBuffer());
});
afterAll(async () => {
  await service.close();
  await engine.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

const annotation = (project: string, externalId: string, drawn: Annotation): AcceptRequest => ({
  ...{ project, source: 'test', externalId, revision: 1, image: bytes, provenance: 'drawn', masks: [{ label: 'cup', ...drawn }] },
});

describe('an annotation that comes again', () => {
  it('is stored once however SAM draws a box, and another box is another content', async () => {
    const of = (box: number[], project = 'again') => annotation(project, '1', { box });
    // Another model, or the same on another device.
    const { mask } = await engine.referenceMask({ image: bytes, box: [60, 60, 200, 200] }, { grow: true });
    const otherMask = { ...mask, data: Uint8Array.from(mask.data, (value, at) => (at === 0 ? 1 - value : value)) };
    const masks = [{ label: 'cup', rle: cocoRleFromMaskSync(otherMask), area: 1, sent: await sentHash([{ kind: 'box', box: [60, 60, 200, 200] }], undefined) }]; // prettier-ignore
    const { sha256, width, height } = await service.predictions.prepare({ project: 'again', image: bytes });
    const image = { project: 'again', sha256, width, height };
    await storage.store.annotations.accept({ ...of([]), image, masks, provenance: 'drawn', createdMs: 1 }, []);
    expect((await service.annotations.accept(of([60, 60, 200, 200]))).outcome).toBe('duplicate');
    await expectRejection('ANNOTATION_CONFLICT', service.annotations.accept(of([60, 60, 200, 199])));
  });

  it('is the same when 0.1.0 stored it as it was drawn, without SAM', async () => {
    const { sha256, width, height } = await service.predictions.prepare({ project: 'old', image: bytes });
    const all: Annotation[] = [{ box: [60, 60, 200, 200] }, { scribble: [[70, 70], [150, 160]], width: 6 }]; // prettier-ignore
    for (const [i, drawn] of all.entries()) {
      const request = annotation('old', String(i), drawn);
      const bare = maskFromAnnotation(drawn, width, height);
      const masks = [{ label: 'cup', rle: cocoRleFromMaskSync(bare), area: maskArea(bare) }];
      const image = { project: 'old', sha256, width, height };
      await storage.store.annotations.accept({ ...request, image, masks, createdMs: 1 }, []);
      const again = await service.annotations.accept(request);
      expect(again).toMatchObject({ outcome: 'duplicate', masks: [{ area: maskArea(bare) }] });
      const deferred = { label: 'cup', draw: ({ paint }) => paint(drawn) } satisfies AcceptedAnnotation;
      expect(await service.annotations.accept({ ...request, masks: [deferred] })).toMatchObject({ outcome: 'duplicate' });
      await expectRejection('ANNOTATION_CONFLICT', service.annotations.accept(annotation('old', String(i), { box: [61, 60, 200, 200] })));
    }
    expect(await service.annotations.list('old', { limit: 10 })).toHaveLength(2);
  });
});
