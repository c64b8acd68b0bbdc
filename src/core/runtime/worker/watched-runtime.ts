/** A runtime whose every load and run somebody is told of before it begins: both block, and either may be the last thing a process does. */
import type { Runtime, Session } from '../../onnx/session.ts';

/** Runs the work it is given, one piece at a time. */
export type Watch = <T>(work: () => Promise<T>) => Promise<T>;

export function watchedRuntime(runtime: Runtime, watch: Watch): Runtime {
  return {
    ...runtime,
    async load(model) {
      const session: Session = await watch(() => runtime.load(model));
      return { ...session, run: (inputs) => watch(() => session.run(inputs)) };
    },
  };
}
