/** Work that nobody waits for yet: after everything that somebody waits for, one at a time, in its order. */
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createIdleWork } from '../../../../../src/core/runtime/web/idle-work.ts';

/** A job that ends when it is told to. */
function job(name: string, log: string[]): { run: () => Promise<void>; end: () => void } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return {
    async run() {
      log.push(`${name} begins`);
      await ended;
      log.push(`${name} ends`);
    },
    end,
  };
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await setImmediate();
}

it('begins no job while somebody waits, and goes on where it stopped', async () => {
  const log: string[] = [];
  const idle = createIdleWork(() => setImmediate());
  const [a, b, call] = [job('a', log), job('b', log), job('call', log)];
  idle.add([a.run, b.run]);
  await settled();
  expect(log).toEqual(['a begins']);
  const asked = idle.first(call.run);
  a.end();
  await settled();
  expect(log).toEqual(['a begins', 'call begins', 'a ends']);
  call.end();
  await asked;
  await settled();
  expect(log.slice(3)).toEqual(['call ends', 'b begins']);
  b.end();
});

it('hears a call that came while a job held the thread before it begins the next', async () => {
  const log: string[] = [];
  const idle = createIdleWork(() => setImmediate());
  const call = job('call', log);
  const hold = (): Promise<void> => {
    log.push('a');
    // What the browser would tell after this turn: a message that is waiting already.
    globalThis.setImmediate(() => void idle.first(call.run));
    return Promise.resolve();
  };
  const next = job('b', log);
  idle.add([hold, next.run]);
  await settled();
  expect(log).toEqual(['a', 'call begins']);
  call.end();
  await settled();
  expect(log.at(-1)).toBe('b begins');
  next.end();
});

it('goes on after a job that failed and a call that was refused, and gives up the rest when stopped', async () => {
  const log: string[] = [];
  const idle = createIdleWork(() => setImmediate());
  await expect(idle.first(() => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
  const [second, third] = [job('second', log), job('third', log)];
  idle.add([() => Promise.reject(new Error('no memory')), second.run, third.run]);
  await settled();
  idle.stop();
  second.end();
  await settled();
  expect(log).toEqual(['second begins', 'second ends']);
});
