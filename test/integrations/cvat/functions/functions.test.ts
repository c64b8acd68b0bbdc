/** The list of functions, whatever is in the store. */
import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createFunctions } from '../../../../src/adapters/cvat/nuclio/functions.ts';
import { functionEntry } from '../../../../src/adapters/cvat/nuclio/function-entry.ts';
import { createFrameIndex } from '../../../../src/adapters/cvat/nuclio/frame-index.ts';
import { detectorName, INTERACTOR, TRACKER } from '../../../../src/adapters/cvat/names.ts';
import { createPortRegistry } from '../../../../src/adapters/cvat/nuclio/port-registry.ts';
import { createTrackMemory, type Track } from '../../../../src/adapters/cvat/nuclio/track-memory.ts';
import { silentLog } from '../../../../src/service/ports/log.ts';
import type { ProjectInfo } from '../../../../src/service/types.ts';
import { asCvatReads } from './as-cvat-reads.ts';

type Store = ReadonlyMap<string, readonly string[]>;

function functionsOf(store: Store, changes: { fails?: (project: string) => boolean; freshMs?: number } = {}) {
  const info = (project: string): ProjectInfo => ({
    ...{ project, version: 'v', encoderVersion: 'base', images: 1, annotated: 1, masks: 1, curve: [] },
    concepts: (store.get(project) ?? []).map((label) => ({
      label,
      masks: 1,
      references: [{ sha256: 'a', provenance: 'drawn', flagged: false }],
    })),
  });
  return createFunctions({
    service: {
      projects: {
        list: () => Promise.resolve([...store.keys()]),
        get: (project) => (changes.fails?.(project) ? Promise.reject(new Error('disk')) : Promise.resolve(info(project))),
      },
    },
    log: silentLog,
    freshMs: changes.freshMs ?? 0,
  });
}

async function listed(store: Store) {
  const list = await functionsOf(store).list();
  // Through JSON, as it goes over the line.
  const text = JSON.stringify(Object.fromEntries(list.map((one) => [one.name, functionEntry(one, 18_070)])));
  return asCvatReads(JSON.parse(text));
}

describe('the list of functions', () => {
  it('can be read by CVAT whatever projects and labels are called', async () => {
    const odd = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ maxLength: 300 }),
      fc.constantFrom(
        '',
        ' ',
        '__proto__',
        'constructor',
        'click',
        'track',
        '🐈',
        'a/b:c@d',
        '\ud800',
        'ä\u0000b',
        'pth-facebookresearch-sam-vit-h',
        '"',
        '\\',
        '<b>',
      ),
    );
    const stores = fc.array(fc.tuple(odd, fc.uniqueArray(odd, { maxLength: 8 })), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(stores, async (entries) => {
        const store = new Map(entries);
        const functions = await listed(store);
        expect(functions.slice(-2).map(({ id }) => id)).toEqual([INTERACTOR, TRACKER]);
        const usable = [...store].filter(([, labels]) => labels.some((label) => label.trim() !== '' && !/[\p{Cs}\p{Cc}]/u.test(label)));
        expect(functions).toHaveLength(2 + usable.length);
        for (const { kind, labels } of functions) expect(labels.length > 0).toBe(kind === 'detector');
      }),
      { numRuns: 200 },
    );
  });

  it('holds a hundred labels of thousands, and five hundred of a thousand projects', async () => {
    const labels = Array.from({ length: 3000 }, (_, i) => `label ${i}`);
    const [detector] = await listed(new Map([['large', labels]]));
    expect(detector?.labels).toHaveLength(100);
    const many = new Map(Array.from({ length: 1000 }, (_, i) => [`project ${i}`, ['cat']] as const));
    expect(await listed(many)).toHaveLength(502);
  });

  it('shows what it saw last of a project that cannot be read now', async () => {
    const broken = new Set<string>();
    const functions = functionsOf(
      new Map([
        ['a', ['cat']],
        ['b', ['dog']],
      ]),
      { fails: (project) => broken.has(project) },
    );
    expect(await functions.list()).toHaveLength(4);
    broken.add('a');
    expect((await functions.list()).map(({ project }) => project)).toEqual(['a', 'b', undefined, undefined]);
  });

  it('keeps names apart that would come out the same', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ unit: fc.constantFrom('a', 'A', 'ä', '-', '.', '/', '1', ' ') }), { minLength: 2, maxLength: 20 }),
        (projects) => {
          const names = projects.map(detectorName);
          expect(new Set(names).size).toBe(projects.length);
          for (const name of names) expect(name).toMatch(/^[a-zA-Z0-9_.-]{8,60}$/);
        },
      ),
    );
    expect(detectorName('cups')).toBe('prosam-cups');
    expect(detectorName('click')).not.toBe(INTERACTOR);
  });
});

describe('ports', () => {
  it('stay with their functions over restarts, and are given out once', () => {
    const folder = mkdtempSync(join(tmpdir(), 'prosam-ports-'));
    const file = join(folder, 'deep', 'ports.json');
    try {
      const first = createPortRegistry({ first: 18_070, count: 3, file });
      expect([first.portOf('a'), first.portOf('b'), first.portOf('a')]).toEqual([18_070, 18_071, 18_070]);
      const second = createPortRegistry({ first: 18_070, count: 3, file });
      expect([second.portOf('c'), second.portOf('b'), second.portOf('d')]).toEqual([18_072, 18_071, undefined]);
      expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')) as object)).toEqual(['a', 'b', 'c']);
      writeFileSync(file, 'no json');
      expect(() => createPortRegistry({ first: 18_070, count: 3, file })).toThrow(/cannot be read/);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(() => createPortRegistry({ first: 65_000, count: 1000 })).toThrow(/the last port is 65535/);
  });
});

describe('what is remembered', () => {
  it('forgets the frames nobody asked for the longest', () => {
    const book = createFrameIndex(3);
    const frame = (number: number) => ({ server: 's', task: 1, frame: number, project: 'p' });
    for (const number of [0, 1, 2]) book.add(`hash ${number}`, frame(number));
    book.get('hash 0');
    book.add('hash 3', frame(3));
    expect([0, 1, 2, 3].map((number) => book.get(`hash ${number}`)?.frame)).toEqual([0, undefined, 2, 3]);
    expect([book.sha256Of('s', 1, 0), book.sha256Of('s', 1, 1), book.size]).toEqual(['hash 0', undefined, 3]);
    book.add('hash 9', frame(0)); // the file of a frame was exchanged
    expect(book.sha256Of('s', 1, 0)).toBe('hash 9');
  });

  it('bounds the tracks and the images of trackers', () => {
    const memory = createTrackMemory({ steps: 2, imageBytes: 10 });
    const track = (side: number): Track => ({
      ...{ type: 'rectangle', bare: false, points: [0, 0, side, side] },
      first: { sha256: 'a', annotation: { box: [0, 0, 1, 1] } },
    });
    const tickets = [1, 2, 3].map((side) => memory.keep(track(side)));
    expect(() => memory.find(tickets[0] as never)).toThrow(/not remembered/);
    expect(memory.find(tickets[2] as never).points[2]).toBe(3);
    const mask: Track = { ...track(1), type: 'mask', points: Array<number>(1000).fill(7) };
    const detailed = createTrackMemory({ stepBytes: 20_000 });
    const kept = [mask, mask, mask].map((one) => detailed.keep(one));
    expect(() => detailed.find(kept[0] as never)).toThrow(/not remembered/);
    expect(kept.slice(1).map((ticket) => detailed.find(ticket))).toEqual([mask, mask]);
    const other = createTrackMemory();
    expect(() => other.find(tickets[2] as never)).toThrow(/not remembered/);
    for (const name of ['a', 'b', 'c']) memory.keepImage(name, new Uint8Array(4));
    memory.keepImage('large', new Uint8Array(11));
    expect(['a', 'b', 'c', 'large'].map((name) => memory.image(name) !== undefined)).toEqual([false, true, true, false]);
  });
});
