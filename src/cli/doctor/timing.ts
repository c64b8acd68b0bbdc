/** Times the stages of a prediction on generated scenes: medians of a few. */
import type { EngineOptions } from '../../core/runtime/node/open-engine.ts';
import { createEngine } from '../../core/runtime/node/create-engine.ts';
import type { StageTimes, TriedDevice } from '../../core/engine/types.ts';
import { sceneWith } from '../../scenes/scene-with.ts';

export const STAGES = ['embed', 'reference', 'prompt', 'decode', 'resize'] as const;

export interface TimingReport {
  model: string;
  device: string;
  devices: readonly TriedDevice[];
  method: string;
  /** Milliseconds until the engine is open. */
  openMs: number;
  /** Milliseconds of each stage that the method has. */
  stages: Partial<Record<(typeof STAGES)[number], number>>;
}

export const TIMED_RUNS = 3;
const CONCEPT = 3;
const FIRST_SEED = 77;

/** Times predictions; the first one creates the sessions and does not count. @throws as createEngine; the signal's reason */
export async function timeStages(options: EngineOptions, signal: AbortSignal): Promise<TimingReport> {
  const started = performance.now();
  const opening = createEngine(options);
  const engine = await untilAborted(opening, signal);
  try {
    const openMs = performance.now() - started;
    let seed = FIRST_SEED;
    const scenes = Array.from({ length: TIMED_RUNS + 2 }, () => sceneWith(CONCEPT, () => seed++));
    const method = engine.info.methods[0] ?? 'persam';
    const times: StageTimes[] = [];
    for (const [i, target] of scenes.slice(1).entries()) {
      const reference = scenes[i] as (typeof scenes)[number];
      const references = [{ image: reference.image, mask: reference.truth }];
      if (i === 0) await untilAborted(engine.prepare(reference.image, { signal }), signal);
      const { milliseconds } = await untilAborted(engine.predict(target.image, references, { method, signal }), signal);
      if (i > 0) times.push(milliseconds);
    }
    const stages = Object.fromEntries(
      STAGES.flatMap((stage) => {
        const values = times.flatMap((one) => one[stage] ?? []);
        return values.length > 0 ? [[stage, median(values)]] : [];
      }),
    );
    const { model, device, devices = [] } = engine.info;
    return { model, device, devices, method, openMs, stages };
  } finally {
    await untilAborted(engine.close(), signal).catch(() => undefined);
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

/** Rejects on abort even where the work hangs in a driver and ignores the signal. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
      .catch(() => undefined);
  });
}
