/** Figures of versions and runs as the page gets them, and the page's own way to unpack masks. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { figuresOf, progressOf } from '../../../../src/adapters/console/figures.ts';
import { MASKS_SCRIPT } from '../../../../src/adapters/console/masks-script.ts';
import { pageFiles } from '../../../../src/adapters/console/page-files.ts';
import { cocoRleFromMaskSync, runsFromMask } from '../../../../src/core/mask/rle.ts';
import { anyMask } from '../../core/mask/any-mask.ts';

interface MasksModule {
  runsFromText(text: string): number[];
  smallMask(rle: { size: readonly [number, number]; counts: string }, width: number, height: number): Uint8Array;
}

describe('figuresOf', () => {
  it('takes what the learner leaves', () => {
    const gate = {
      pairs: 12,
      current: 0.4,
      candidate: 0.5,
      margin: 0.01,
      labels: [{ label: 'cup', pairs: 12, current: 0.4, candidate: 0.5 }],
    };
    const training = { steps: 100, seconds: 12.5, curve: [{ step: 1, loss: 0.9 }], images: 9, masks: 11, engine: 'x' };
    const figures = figuresOf({ gate: { ...gate, rows: [] }, training, notes: ['a'] });
    expect(figures.gate).toEqual(gate);
    expect(figures.training).toMatchObject({ steps: 100, curve: [{ step: 1, loss: 0.9 }] });
    expect(figures.notes).toEqual(['a']);
  });

  it('leaves out what it cannot read, and keeps the rest', () => {
    expect(figuresOf(undefined)).toEqual({ notes: [] });
    expect(figuresOf('text')).toEqual({ notes: [] });
    expect(figuresOf({ gate: { current: 3 }, training: { curve: 'none', steps: 5 } })).toEqual({
      notes: [],
      training: { curve: [], steps: 5 },
    });
    fc.assert(fc.property(fc.anything(), (anything) => Array.isArray(figuresOf(anything).notes)));
  });
});

describe('progressOf', () => {
  it.each([
    [
      { phase: 'training', step: 3, steps: 9, loss: 0.5 },
      { phase: 'training', done: 3, total: 9, loss: 0.5 },
    ],
    [
      { phase: 'training', step: 0, steps: 9, loss: null },
      { phase: 'training', done: 0, total: 9 },
    ],
    [
      { phase: 'gate', done: 1, total: 4 },
      { phase: 'gate', done: 1, total: 4 },
    ],
    [{}, undefined],
    [undefined, undefined],
  ])('of %j', (progress, expected) => {
    expect(progressOf(progress)).toEqual(expected);
  });
});

describe("the page's scripts", () => {
  it('unpack masks as the engine packs them, at any size', async () => {
    const script = (await import(`data:text/javascript,${encodeURIComponent(MASKS_SCRIPT)}`)) as MasksModule;
    fc.assert(
      fc.property(anyMask(24), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }), (mask, width, height) => {
        const rle = cocoRleFromMaskSync(mask);
        expect(script.runsFromText(rle.counts)).toEqual(runsFromMask(mask));
        expect(script.smallMask(rle, mask.width, mask.height)).toEqual(mask.data);
        const at = (place: number, from: number, to: number): number => Math.floor(((2 * place + 1) * from) / (2 * to));
        const expected = Uint8Array.from({ length: width * height }, (_, i) => {
          const [x, y] = [i % width, Math.floor(i / width)];
          return mask.data[at(y, mask.height, height) * mask.width + at(x, mask.width, width)] as number;
        });
        expect(script.smallMask(rle, width, height)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('import each other by paths that are served, and nothing from elsewhere', () => {
    const files = pageFiles();
    const paths = new Set(files.map(({ path }) => path));
    for (const { path, text } of files) {
      const words = new TextDecoder().decode(text);
      for (const [, name] of words.matchAll(/^import .* from '([^']+)'/gm))
        expect(paths, path).toContain(new URL(name as string, `http://host${path}`).pathname);
      for (const [, name] of words.matchAll(/(?:src|href)="([^"]+)"/g)) expect(paths, path).toContain(name);
      expect(words.replaceAll('http://www.w3.org/2000/svg', ''), path).not.toMatch(/https?:\/\//);
      expect(words, path).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
    }
  });
});
