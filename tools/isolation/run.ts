/**
 * A full-size network computes while this process stays free, and is killed in the middle:
 *   npm run test:isolation -- [--images N]
 * SAM ViT-B with weights from a hash (375 MB, nothing to download). Takes about a minute and two gigabytes of memory; not part of
 * `npm test`. Exit code 1 where the event loop was held up, or a kill cost more than the call it hit.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { isProsamError } from '../../src/core/common/errors.ts';
import { SAM_VIT_B } from '../../src/core/networks/config.ts';
import { createEngine, type Engine, type PixelImage } from '../../src/index.ts';
import { writeHashedModel } from '../../test/unit/core/runtime/hashed-model.ts';
import { until } from '../../test/unit/core/runtime/processes.ts';

const LONGEST_MS = 50;

/** Twelve megapixels. */
function image(value: number): PixelImage {
  const [width, height] = [4000, 3000];
  return { data: new Uint8Array(3 * width * height).fill(value), width, height, channels: 3 };
}

/** Event-loop delay in ms while a number of images are encoded one after another. */
async function loopWhileEncoding(engine: Engine, count: number) {
  const images = Array.from({ length: count }, (_, i) => image(i));
  await engine.prepare(image(255));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  for (const one of images) await engine.prepare(one);
  const each = (performance.now() - started) / count;
  delay.disable();
  return { each, p50: delay.percentile(50) / 1e6, p99: delay.percentile(99) / 1e6, longest: delay.max / 1e6 };
}

/** Outcome of four calls when the worker was killed under one of them. */
async function killed(engine: Engine): Promise<string[]> {
  const { worker } = engine;
  const asked = [101, 102, 103, 104].map((value) => engine.prepare(image(value)));
  await until(() => worker?.computing === true);
  process.kill(worker?.pid as number, 'SIGKILL');
  const outcomes = await Promise.allSettled(asked);
  return outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? 'answered' : isProsamError(outcome.reason) ? outcome.reason.code : String(outcome.reason),
  );
}

const { values } = parseArgs({ options: { images: { type: 'string', default: '3' } } });
const folder = mkdtempSync(join(tmpdir(), 'prosam-isolation-'));
try {
  const model = await writeHashedModel(folder, SAM_VIT_B);
  const engine = await createEngine({ model });
  const { each, p50, p99, longest } = await loopWhileEncoding(engine, Number(values.images));
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  console.log(`SAM ViT-B encodes an image of 12 megapixels in ${(each / 1000).toFixed(1)} s`);
  console.log(`event loop meanwhile: p50 ${ms(p50)}, p99 ${ms(p99)} (expected under ${LONGEST_MS}), longest ${ms(longest)}`);
  const outcomes = await killed(engine);
  console.log(`four calls, the worker killed while it computed: ${outcomes.join(', ')}`);
  console.log(`then: ${(await engine.prepare(image(200))).width === 4000 ? 'answers' : 'does not answer'}`);
  await engine.close();
  const lost = outcomes.filter((outcome) => outcome !== 'answered');
  process.exitCode = p99 < LONGEST_MS && lost.join() === 'ENGINE_CRASHED' ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
