/** Changes of one thing one after the other, as the lock of its row has it anyway: one connection waits for that lock, not all. */
import { seconds, storageTimeout } from '../map-errors.ts';
import { createLine, type Line } from '../line.ts';

export interface ChangeLines {
  /** Waits for a place. what: e.g. "project cups". Resolves to a function that gives it back. @throws STORAGE_TIMEOUT */
  place(what: string): Promise<() => void>;
}

export function changeLines(waitMs: number): ChangeLines {
  const lines = new Map<string, Line>();
  return {
    async place(what) {
      const late = (): Error =>
        storageTimeout(
          `the turn of a change of ${what} within ${seconds(waitMs)}`,
          'somebody else holds it',
          'Try again; if it stays so, look for a process that was stopped in the middle of a change.',
        );
      const line = lines.get(what) ?? createLine({ places: 1, waitMs, late });
      lines.set(what, line);
      const giveBack = await line.place();
      return () => {
        giveBack();
        if (line.empty && lines.get(what) === line) lines.delete(what);
      };
    },
  };
}
