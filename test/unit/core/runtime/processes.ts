/** What tests of processes wait for. */
import { setTimeout as pause } from 'node:timers/promises';

export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** @throws where the condition does not hold in time */
export async function until(condition: () => boolean, what: string, withinMs = 60_000): Promise<void> {
  const started = performance.now();
  while (!condition()) {
    if (performance.now() - started > withinMs) throw new Error(`waited in vain for ${what}`);
    await pause(5);
  }
}
