/** 'auto': who draws, and whose mask is kept. */
import { describe, expect, test, vi } from 'vitest';
import { decidedByTarget, drawBoth, drawChecked } from '../../../../src/core/engine/auto.ts';
import type { Methods } from '../../../../src/core/engine/methods/available.ts';
import type { MethodResult, RunMethod } from '../../../../src/core/engine/methods/method.ts';
import type { Evidence } from '../../../../src/core/engine/trust/evidence-numbers.ts';
import type { Method, SelfCheck } from '../../../../src/core/engine/types.ts';

const CELLS = { parts: [], compare: 'cells' } as const;
const AVERAGES = { parts: [], compare: 'averages' } as const;

/** What the estimates make of evidence is another test's affair: here a result's number is all its evidence. */
vi.mock(import('../../../../src/core/engine/trust/judge.ts'), () => ({
  judge: (_, __, { result }) => {
    const [p = 0] = result.probability.data;
    return Promise.resolve({ evidence: { certainty: p } as Evidence, score: p, present: p });
  },
}));
vi.mock(import('../../../../src/core/engine/methods/pieces.ts'), async (actual) => ({
  ...(await actual()),
  redrawPieces: () => Promise.resolve({ ...resultOf(1), samIou: 0.125 }),
}));
vi.mock(import('../../../../src/core/engine/trust/estimates.ts'), async (actual) => ({
  ...(await actual()),
  leavesTrained: (trained, other, ahead) => other.certainty + (ahead ?? 0) > trained.certainty,
}));

function resultOf(number: number): MethodResult {
  const map = { data: Float32Array.of(number), width: 1, height: 1 };
  return { field: map, probability: map, decision: Uint8Array.of(number > 0 ? 1 : 0) };
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

const plain = { networks: { drawsPrompts: false } } as never;
const asked = { target: {} as never, references: [], rivals: [] };

describe('auto', () => {
  test('decides target by target between the two methods that can be judged alike', () => {
    const all = methodsOf({ prosam: 0.5, persam: 0.5, nearest: 0.5 });
    expect([...(decidedByTarget(all, CELLS)?.keys() ?? [])]).toEqual(['prosam', 'nearest']);
    expect(decidedByTarget(all, AVERAGES)).toBeUndefined();
    expect(decidedByTarget(methodsOf({ persam: 0.5, nearest: 0.5 }), CELLS)).toBeUndefined();
  });

  test.each([
    [0.75, 0.5, 'prosam'],
    [0.25, 0.5, 'nearest'],
    [0.5, 0.5, 'prosam'],
  ] as const)('keeps the mask that the evidence prefers: prosam %d, nearest %d', async (prosam, nearest, name) => {
    const ran: Method[] = [];
    const drawn = await drawBoth(plain, methodsOf({ prosam, nearest }, ran), undefined, asked, {});
    expect(drawn).toMatchObject({ name, compared: { prosam, nearest } });
    expect(drawn).not.toHaveProperty('check');
    expect(ran).toEqual(['prosam', 'nearest']);
  });

  test('has the mask of nearest redrawn by models with which that is better, and keeps what is known of it', async () => {
    const context = { networks: { drawsPrompts: true } } as never;
    const methods = (nearest: number): Methods => {
      const found: MethodResult = { ...resultOf(nearest), lowResLogits: Float32Array.of(nearest) };
      return new Map([...methodsOf({ prosam: 0.5 }), ['nearest', () => Promise.resolve(found)]]);
    };
    const drawn = await drawBoth(context, methods(0.75), undefined, asked, {});
    expect(drawn).toMatchObject({ name: 'pieces', judgement: { score: 0.75 }, compared: { prosam: 0.5, pieces: 0.75 } });
    expect(drawn.result.samIou).toBe(0.125);
    expect(await drawBoth(context, methods(0.25), undefined, asked, {})).toMatchObject({ name: 'prosam' });
  });

  test('hears what several references say of both', async () => {
    const check = (nearest: number): SelfCheck => ({
      ...{ basis: 'leave-one-out', best: 'prosam', referenceIou: 0.5 },
      methods: { prosam: { iou: 0.5, each: [0.5, 0.5] }, nearest: { iou: nearest, each: [nearest, nearest] } },
    });
    const drawn = (nearest: number) => drawBoth(plain, methodsOf({ prosam: 0.5, nearest: 0.5 }), check(nearest), asked, {});
    expect(await drawn(0.75)).toMatchObject({ name: 'nearest', check: { basis: 'leave-one-out', referenceIou: 0.75 } });
    expect(await drawn(0.25)).toMatchObject({ name: 'prosam', check: { basis: 'leave-one-out', referenceIou: 0.5 } });
  });

  test('lets the best on the references draw alone', async () => {
    for (const basis of ['leave-one-out', 'mirrored-copy'] as const) {
      const ran: Method[] = [];
      const check: SelfCheck = { basis, best: 'persam', referenceIou: 0.9, methods: { persam: { iou: 0.9, each: [0.9] } } };
      const drawn = await drawChecked({} as never, methodsOf({ prosam: 0.9, persam: 0.1, nearest: 0.8 }, ran), check, asked, {});
      expect([drawn.name, drawn.check, drawn.compared, ran]).toEqual(['persam', { basis, referenceIou: 0.9 }, undefined, ['persam']]);
    }
  });
});
