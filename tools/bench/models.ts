/**
 * Costs of each SAM to a user on a CPU: size of its weights, memory, time for a new image, for a click and for a known image.
 *   npm run bench:models -- [--rounds N] [--threads N] [--only tiny,small,mobile-sam,sam2.1-tiny,sam-vit-b] [--json FILE]
 * The built-in models as they are; the others at full size with weights from a hash (time and memory do not depend on the values), SAM as its
 * own backbone, as `models pull` gives them. A click is `refine` on a prepared image; a known image is predicted again, by `persam`.
 * GF-SAM's 16, 32 and 64 points, likewise on known images, stand with the milliseconds of the worker's processor: those do not depend on how busy
 * the machine is. Medians; each model has an engine and a worker process of its own.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createEngine, type Engine } from '../../src/index.ts';
import { MOBILE_SAM, SAM2_HIERA_TINY, SAM_VIT_B, type SamConfig } from '../../src/core/networks/config.ts';
import { modelFolder } from '../../src/core/runtime/node/open-engine.ts';
import { writeHashedModel } from '../../test/unit/core/runtime/hashed-model.ts';
import { sceneJpeg } from './scene-jpeg.ts';
import { median } from './median.ts';

const PUBLISHED: Readonly<Record<string, SamConfig>> = { 'mobile-sam': MOBILE_SAM, 'sam2.1-tiny': SAM2_HIERA_TINY, 'sam-vit-b': SAM_VIT_B };
const NAMES = ['tiny', 'small', ...Object.keys(PUBLISHED)];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(Math.min(8, availableParallelism())) },
    only: { type: 'string', default: NAMES.join() },
    json: { type: 'string' },
  },
});
const wanted = values.only.split(',');
for (const name of wanted) if (!NAMES.includes(name)) throw new Error(`--only: expected some of ${NAMES.join(', ')}, got ${name}`);

interface Row {
  model: string;
  weightBytes: number;
  peakBytes: number;
  newImageMs: number;
  clickMs: number;
  knownImageMs: number;
  /** By points. */
  gfSam: Record<number, { ms: number; processorMs: number }>;
}

/** Most memory the engine's worker has held. */
function peakOf(engine: Engine): number {
  const status = readFileSync(`/proc/${engine.worker?.pid}/status`, 'utf8');
  return 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]);
}

/** Milliseconds that a process has computed, on all its threads (of 1/100 s each). */
function processorMs(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') as string[];
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function measure(name: string, folder: string): Promise<Row> {
  const engine = await createEngine({ model: folder, device: 'cpu', threads: Number(values.threads) });
  try {
    const images = await Promise.all(Array.from({ length: Number(values.rounds) + 1 }, (_, i) => sceneJpeg(i + 1)));
    const timed = async (work: (image: Uint8Array) => Promise<unknown>): Promise<number> => {
      const times: number[] = [];
      for (const [i, image] of images.entries()) {
        const started = performance.now();
        await work(image);
        if (i > 0) times.push(performance.now() - started); // sessions are made in the first turn
      }
      return median(times);
    };
    const reference = { image: images[0] as Uint8Array, box: [200, 140, 420, 330] };
    const gfSamWith = async (maxPoints: number): Promise<Row['gfSam'][number]> => {
      const before = processorMs(engine.worker?.pid);
      const ms = await timed((image) => engine.predict(image, [reference], { method: 'gf-sam', maxPoints }));
      return { ms, processorMs: (processorMs(engine.worker?.pid) - before) / images.length };
    };
    return {
      model: name,
      weightBytes: statSync(join(folder, 'sam.safetensors')).size,
      newImageMs: await timed((image) => engine.prepare(image)),
      clickMs: await timed((image) => engine.refine(image, { points: [[320, 240]] })),
      knownImageMs: await timed((image) => engine.predict(image, [reference], { method: 'persam' })),
      gfSam: { 16: await gfSamWith(16), 32: await gfSamWith(32), 64: await gfSamWith(64) },
      peakBytes: peakOf(engine),
    };
  } finally {
    await engine.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'prosam-bench-'));
try {
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${values.threads} threads, Node ${process.version}`);
  const rows: Row[] = [];
  for (const name of wanted) {
    const config = PUBLISHED[name];
    const place = config ? await writeHashedModel(join(folder, name), config) : modelFolder(name);
    const row = await measure(name, place);
    rows.push(row);
    const ms = (value: number): string => `${value.toFixed(0)} ms`;
    console.log(
      `${name.padEnd(12)} weights ${(row.weightBytes / 1e6).toFixed(0)} MB, peak ${(row.peakBytes / 1e9).toFixed(2)} GB, ` +
        `new image ${ms(row.newImageMs)}, click ${ms(row.clickMs)}, known image ${ms(row.knownImageMs)}, gf-sam` +
        Object.entries(row.gfSam)
          .map(([points, { ms: wall, processorMs: own }]) => ` ${points}: ${ms(wall)} (${ms(own)})`)
          .join(),
    );
    if (config) rmSync(place, { recursive: true, force: true });
  }
  if (values.json !== undefined)
    writeFileSync(values.json, JSON.stringify({ machine: cpus()[0]?.model, threads: Number(values.threads), rows }, null, 1));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
