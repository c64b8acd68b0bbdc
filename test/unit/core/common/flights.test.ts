/** Runs that are shared while they are good for something. */
import { describe, expect, test } from 'vitest';
import { createFlights } from '../../../../src/core/common/flights.ts';
import { within } from '../../../../src/core/common/patience.ts';

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

describe('createFlights', () => {
  test('shares a run among those who ask while it lasts, and begins another afterwards', async () => {
    const flights = createFlights<number>();
    let runs = 0;
    const start = () => Promise.resolve(++runs);
    expect(await Promise.all([flights.share('a', start), flights.share('a', start), flights.share('b', start)])).toEqual([1, 1, 2]);
    expect(await flights.share('a', start)).toBe(3);
  });

  test('fails for all who wait and shares nothing of it, also where starting throws', async () => {
    const flights = createFlights<number>();
    const failing = () => Promise.reject(new Error('broken'));
    const asked = [flights.share('a', failing), flights.share('a', () => Promise.resolve(1))];
    for (const one of asked) await expect(one).rejects.toThrow('broken');
    expect(await flights.share('a', () => Promise.resolve(2))).toBe(2);
    const throwing = flights.share('a', () => {
      throw new Error('at once');
    });
    await expect(throwing).rejects.toThrow('at once');
    expect(await flights.share('a', () => Promise.resolve(3))).toBe(3);
  });

  test('gives up a run that hangs: those who wait are told, whoever comes next starts anew', async () => {
    const flights = createFlights<number>({ patienceMs: 40, late: (key) => new Error(`${key} is late`) });
    const hung = [flights.share('a', never), flights.share('a', never)];
    for (const one of hung) await expect(one).rejects.toThrow('a is late');
    expect(await flights.share('a', () => Promise.resolve(1))).toBe(1);
  });

  test('goes on for the others when one goes away, and when all do', async () => {
    const flights = createFlights<number>();
    let finish: (value: number) => void = () => undefined;
    const work = new Promise<number>((resolve) => (finish = resolve));
    const control = new AbortController();
    const leaving = flights.share('a', () => work, { signal: control.signal });
    const staying = flights.share('a', never);
    control.abort(new Error('gone'));
    await expect(leaving).rejects.toThrow('gone');
    finish(7);
    expect(await staying).toBe(7);
    await expect(flights.share('a', never, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    expect(await flights.share('a', () => Promise.resolve(8))).toBe(8);
  });
});

describe('within', () => {
  test('is what the work comes to where nothing ends it first', async () => {
    expect(await within(Promise.resolve(1), { ms: 1000, signal: new AbortController().signal })).toBe(1);
    await expect(within(Promise.reject(new Error('no')), { ms: 1000 })).rejects.toThrow('no');
    await expect(within(never(), { ms: 8 })).rejects.toThrow('too long');
  });

  test('hears what came while the thread was held up before it says that it took too long', async () => {
    const work = new Promise<string>((resolve) => setTimeout(() => resolve('came'), 20));
    const waiting = within(work, { ms: 40 });
    const until = performance.now() + 120;
    while (performance.now() < until);
    expect(await waiting).toBe('came');
  });
});
