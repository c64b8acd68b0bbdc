import { describe, expect, it } from 'vitest';
import { createKeptEncoders } from '../../../../../src/core/runtime/worker/kept-encoders.ts';
import type { EngineRequest } from '../../../../../src/core/runtime/worker/protocol.ts';

const load = (id: string, ...bytes: number[]): EngineRequest => ({ name: 'loadPromptEncoder', id, file: Uint8Array.from(bytes) });
const unload = (id: string): EngineRequest => ({ name: 'unloadPromptEncoder', id });
const predict = (promptEncoder: string): EngineRequest => ({
  name: 'predict',
  target: 'x.png',
  references: [],
  options: { promptEncoder },
});
/** Calls that wait. */
const amidst =
  (...requests: EngineRequest[]) =>
  (condition: (request: EngineRequest) => boolean) =>
    requests.some(condition);

describe('prompt encoders kept for the next worker', () => {
  it('are those loaded, by their own bytes, the first of one name', () => {
    const encoders = createKeptEncoders();
    const first = load('a', 1, 2) as { file: Uint8Array } & EngineRequest;
    encoders.done(first);
    first.file[0] = 9;
    encoders.done(load('a', 3));
    encoders.done(load('b', 4));
    encoders.done(predict('a'));
    expect(encoders.all()).toEqual([
      { id: 'a', file: Uint8Array.of(1, 2) },
      { id: 'b', file: Uint8Array.of(4) },
    ]);
  });

  it('stay as long as a call waits that began with them', () => {
    const encoders = createKeptEncoders();
    encoders.done(load('a', 1));
    encoders.done(unload('a'));
    expect(encoders.forgetUnused(amidst(predict('b'), predict('a')))).toEqual([]);
    expect(encoders.all()).toHaveLength(1);
    expect(encoders.forgetUnused(amidst(predict('b')))).toEqual(['a']);
    expect(encoders.all()).toEqual([]);
  });

  it('are not forgotten while they are loaded again', () => {
    const encoders = createKeptEncoders();
    encoders.done(load('a', 1));
    encoders.done(unload('a'));
    expect(encoders.forgetUnused(amidst(load('a', 2)))).toEqual([]);
    encoders.done(load('a', 2));
    expect(encoders.forgetUnused(amidst())).toEqual([]);
    expect(encoders.all()).toEqual([{ id: 'a', file: Uint8Array.of(2) }]);
  });
});
