/** Sessions of one runtime by key: each made when it is first asked for, shared by all who ask, and made anew after a failure. */
import type { EmittedModel } from './emit.ts';
import type { Runtime, Session } from './session.ts';

export interface Sessions {
  /** emit: called where there is no session of this key. */
  of(key: string, emit: () => EmittedModel): Promise<Session>;
  /** Waits for those that are being made. */
  close(): Promise<void>;
}

export function createSessions(runtime: Runtime): Sessions {
  const sessions = new Map<string, Promise<Session>>();
  return {
    of(key, emit) {
      const known = sessions.get(key);
      if (known) return known;
      const created = runtime.load(emit());
      sessions.set(key, created);
      created.catch(() => sessions.delete(key));
      return created;
    },
    async close() {
      const open = await Promise.allSettled(sessions.values());
      sessions.clear();
      for (const result of open) if (result.status === 'fulfilled') await result.value.close();
    },
  };
}
