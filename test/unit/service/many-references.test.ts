/** More references of a label than the prompt encoder reads, and more labels than all of theirs have room for. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, type Engine, type PredictOptions } from '../../../src/index.ts';
import { LIMITS } from '../../../src/core/common/limits.ts';
import { checkReferences } from '../../../src/core/engine/options.ts';
import { silentLog } from '../../../src/service/ports/log.ts';
import { countEach, readingOptions } from '../../../src/service/ports/choose-references.ts';
import type { Storage } from '../../../src/service/ports/storage.ts';
import { createService, type RunningService } from '../../../src/service/service.ts';
import { openStorage } from '../../../src/storage/open-storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-many-'));
let engine: Engine;
let storage: Storage;
let service: RunningService;
/** What the engine was last asked. */
let asked: { references: number; options: PredictOptions };

beforeAll(async () => {
  engine = await createEngine({ model: 'tiny' });
  storage = await openStorage({ database: join(folder, 'p.db'), objects: join(folder, 'blobs') });
  const predict: Engine['predict'] = (target, references, options = {}) => {
    asked = { references: references.length, options };
    checkReferences(references);
    // One label is enough of an answer: which masks there are is not looked at.
    const [first] = references;
    return engine.predict(target, first ? [first] : [], { method: 'nearest' });
  };
  // Masks stay without vectors, for those change the order of references at a moment of their own.
  const embedObject = () => Promise.reject(new Error('not now'));
  const watched = Object.create(engine, { predict: { value: predict }, embedObject: { value: embedObject } }) as Engine;
  service = await createService({ engine: watched, storage, log: silentLog, pollMs: 50, references: { count: 12 } });
});
afterAll(async () => {
  await service.close();
  await engine.close();
  await storage.close();
  rmSync(folder, { recursive: true, force: true });
});

let last = 0;
async function picture(): Promise<Uint8Array> {
  const background = { r: 200, g: ++last % 256, b: last >> 8 };
  return new Uint8Array(await sharp({ create: { width: 64, height: 48, channels: 3, background } }).png().toBuffer()); // prettier-ignore
}
const square = { polygon: [[10, 10], [40, 10], [40, 40], [10, 40]] }; // prettier-ignore
const labels = (count: number): string[] => Array.from({ length: count }, (_, i) => `label ${i}`);
async function accept(project: string, names: readonly string[]): Promise<void> {
  const request = { project, source: 'test', externalId: `${++last}`, revision: 1, image: await picture(), provenance: 'drawn' as const };
  await service.annotations.accept({ ...request, masks: names.map((label) => ({ label, ...square })) });
}

describe('many references of one label', () => {
  it('are all used, of which auto has the prompt encoder read five, and the version says so', async () => {
    const versions: string[] = [];
    const method = 'prosam';
    for (let masks = 1; masks <= 14; masks++) {
      await accept('one', ['cup']);
      if (![5, 6, 12, 14].includes(masks)) continue;
      const target = await picture();
      const named = await service.predictions.predict({ project: 'one', image: target, options: { method } });
      expect(asked.options.promptReferences).toBeUndefined();
      expect(named.version).toBe((await service.projects.get('one', { options: { method } })).version);
      const { version } = await service.predictions.predict({ project: 'one', image: target });
      expect(asked.references).toBe(Math.min(12, masks));
      expect(asked.options.promptReferences).toBe(masks > 5 ? 5 : undefined);
      expect(version).toBe((await service.projects.get('one')).version);
      versions.push(version);
    }
    expect(new Set(versions).size).toBe(4);
    // A request has the last word.
    await service.predictions.predict({ project: 'one', image: await picture(), options: { promptReferences: 3 } });
    expect(asked.options.promptReferences).toBe(3);
  });
});

describe('many labels', () => {
  it('share what one call of the engine takes', async () => {
    for (let i = 0; i < 6; i++) await accept('wide', labels(60));
    const all = await service.predictions.predict({ project: 'wide', image: await picture() });
    expect(asked.references).toBe(3 * 60);
    expect(all.version).toBe((await service.projects.get('wide')).version);
    const some = await service.predictions.predict({ project: 'wide', image: await picture(), labels: labels(2) });
    expect(asked.references).toBe(2 * 6);
    expect(some.version).toBe((await service.projects.get('wide', { labels: labels(2) })).version);
  });

  it('never are too many, and each has one reference at least', () => {
    for (const count of [1, 5, 12, 20]) {
      const each = Array.from({ length: LIMITS.labels }, (_, i) => countEach(count, i + 1));
      expect(each.every((one, i) => one >= 1 && one <= count && one * (i + 1) <= LIMITS.callReferences)).toBe(true);
    }
    expect([countEach(5, 40), countEach(5, 41)]).toEqual([5, 4]);
  });

  it('are read alike where one of them has more than five references', () => {
    expect(readingOptions('auto', [5, 1])).toEqual({});
    expect(readingOptions('auto', [1, 6])).toEqual({ promptReferences: 5 });
    expect(readingOptions('prosam', [6])).toEqual({});
  });
});
