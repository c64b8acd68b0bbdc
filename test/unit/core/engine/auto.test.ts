import { describe, expect, test } from 'vitest';
import { contenders, drawAutomatically } from '../../../../src/core/engine/auto.ts';
import type { Methods } from '../../../../src/core/engine/methods/available.ts';
import type { MethodResult, RunMethod } from '../../../../src/core/engine/methods/method.ts';
import type { Method, SelfCheck } from '../../../../src/core/engine/types.ts';

const CELLS = { parts: [], compare: 'cells' } as const;
const AVERAGES = { parts: [], compare: 'averages' } as const;

/** A result whose expected IoU is the probability; 0: an empty mask. */
function resultOf(probability: number): MethodResult {
  const map = { data: Float32Array.of(probability), width: 1, height: 1 };
  return { field: map, probability: map, decision: Uint8Array.of(probability > 0 ? 1 : 0) };
}

function methodsOf(scores: Partial<Record<Method, number>>, ran: Method[] = []): Methods {
  return new Map(
    Object.entries(scores).map(([name, score]): [Method, RunMethod] => [
      name as Method,
      () => {
        ran.push(name as Method);
        return Promise.resolve(resultOf(score));
      },
    ]),
  );
}

const checkOf = (basis: SelfCheck['basis'], best: Method, prosam = 0.6): SelfCheck => ({
  basis,
  best,
  referenceIou: 0.9,
  methods: { prosam: { iou: prosam, each: [prosam] }, nearest: { iou: 0.7, each: [0.7] }, persam: { iou: 0.9, each: [0.9] } },
});

const draw = (methods: Methods, check: SelfCheck) => drawAutomatically({} as never, methods, check, {} as never, [], {});

describe('auto', () => {
  const all = methodsOf({ prosam: 0.5, persam: 0.5, nearest: 0.5 });

  test('with one reference leaves it to the two methods whose scores can be compared', () => {
    expect([...contenders(all, 1, CELLS).keys()]).toEqual(['prosam', 'nearest']);
    for (const methods of [contenders(all, 2, CELLS), contenders(all, 1, AVERAGES)]) expect(methods).toBe(all);
    const untrained = methodsOf({ persam: 0.5, nearest: 0.5 });
    expect(contenders(untrained, 1, CELLS)).toBe(untrained);
  });

  test.each([
    [0.6, 0.5, 'prosam', 0.6],
    [0.3, 0.5, 'nearest', 0.7],
    [0.5, 0.5, 'prosam', 0.6],
    [0, 0.4, 'prosam', 0.6], // nothing found, and nothing that is more likely right than wrong
    [0, 0.6, 'nearest', 0.7],
  ] as const)('keeps the mask of the higher score: prosam %d, nearest %d', async (prosam, nearest, name, referenceIou) => {
    const drawn = await draw(methodsOf({ prosam, nearest }), checkOf('mirrored-copy', 'nearest'));
    expect(drawn).toMatchObject({ name, check: { basis: 'mirrored-copy', referenceIou } });
  });

  test('believes the trained method less where it does not find its own reference again', async () => {
    const names = [];
    for (const onCopy of [0, 0.4, 1])
      names.push((await draw(methodsOf({ prosam: 0.55, nearest: 0.5 }), checkOf('mirrored-copy', 'nearest', onCopy))).name);
    for (const onCopy of [0.4, 1])
      names.push((await draw(methodsOf({ prosam: 0.5, nearest: 0.6 }), checkOf('mirrored-copy', 'nearest', onCopy))).name);
    expect(names).toEqual(['nearest', 'prosam', 'prosam', 'nearest', 'prosam']);
  });

  test('lets the best of several references, or of other methods, draw alone', async () => {
    for (const basis of ['leave-one-out', 'mirrored-copy'] as const) {
      const ran: Method[] = [];
      const drawn = await draw(methodsOf({ prosam: 0.9, persam: 0.1, nearest: 0.8 }, ran), checkOf(basis, 'persam'));
      expect([drawn.name, ran]).toEqual(['persam', ['persam']]);
    }
    const ran: Method[] = [];
    const drawn = await draw(methodsOf({ prosam: 0.1, nearest: 0.8 }, ran), checkOf('leave-one-out', 'prosam'));
    expect([drawn.name, drawn.check.referenceIou, ran]).toEqual(['prosam', 0.6, ['prosam']]);
  });
});
