/** SIGKILL in the middle of requests, common to the scenarios that count what was answered. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Served } from '../../test/e2e/serve-process.ts';

/** Longest time until the kill, from the first answer on. */
const LATEST_MS = 600;
/** On a busy machine the first answer alone may take long. */
const FIRST_ANSWER_MS = 30_000;

/**
 * Sends from `writers` sides until the service was killed. A side ends with its first request that is not answered: nobody was told
 * that it is kept. atOnce: the kill may come before the first answer. send: resolves once answered, rejects else
 */
export async function killWhileSending(
  service: Served,
  { writers, random, atOnce = false }: { writers: number; random: () => number; atOnce?: boolean },
  send: () => Promise<void>,
): Promise<void> {
  let [writing, answered] = [true, false];
  const write = async (): Promise<void> => {
    while (writing) {
      const told = await send().then(
        () => true,
        () => false,
      );
      if (!told) return;
      answered = true;
    }
  };
  const sides = Array.from({ length: writers }, write);
  for (const until = Date.now() + FIRST_ANSWER_MS; !atOnce && !answered && Date.now() < until;) await wait(5);
  await wait(random() * LATEST_MS);
  await service.kill();
  writing = false;
  await Promise.all(sides);
}
