/**
 * Label Studio's calls for minutes on end: npm run bench:label-studio -- [--seconds 300] [--people 8]
 *
 * The whole service on the built-in model in this process. People click, submit and change annotations while batches of 40 tasks are
 * asked for one after the other and every new mask changes the version. Prints answers per second, how long they took, and what
 * memory did; exit code 1 where an answer failed or the second half of the run ends with over 15 % more memory than it began with.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { clickOf, taskOf } from '../../../test/integrations/label-studio/backend-server.ts';
import { brushOf, photos, startStudio, type Photo } from '../../../test/integrations/label-studio/live-studio.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { seconds: text, people: text } });
const seconds = Number(values.seconds ?? 300);
const people = Number(values.people ?? 8);
const PICTURES = 60;
const BATCH = 40;

const pictures = await photos(PICTURES);
const studio = await startStudio(pictures);
await studio.setup();

const clicks: number[] = [];
const batches: number[] = [];
const failures: string[] = [];
let submitted = 0;
let running = true;

async function timed(list: number[], work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  try {
    await work();
    list.push(performance.now() - started);
  } catch (error) {
    failures.push(String(error));
  }
}

async function submit(place: number): Promise<void> {
  const photo = pictures[place] as Photo;
  const updated_at = new Date().toISOString();
  const annotation = {
    id: place,
    task: place,
    was_cancelled: false,
    ground_truth: false,
    completed_by: 1,
    updated_at,
    result: [brushOf(photo)],
  };
  await studio.event({ action: 'ANNOTATION_UPDATED', annotation, task: taskOf(place) });
  submitted++;
}

async function person(who: number): Promise<void> {
  for (let turn = 0; running; turn++) {
    const place = (who * 7 + turn) % PICTURES;
    await timed(clicks, () => studio.predict([taskOf(place)], { result: [clickOf(20 + (turn % 60), 30 + (turn % 40))] }));
    if (turn % 10 === 9) await submit(place).catch((error: unknown) => failures.push(String(error)));
    await wait(200);
  }
}

async function manager(): Promise<void> {
  for (let turn = 0; running; turn++) {
    await studio.setup();
    const tasks = Array.from({ length: BATCH }, (_, i) => taskOf((turn + i) % PICTURES));
    await timed(batches, () => studio.predict(tasks));
    await wait(500);
  }
}

const samples: { atMs: number; megabytes: number; heap: number }[] = [];
async function sampler(startedMs: number): Promise<void> {
  while (running) {
    await wait(1000);
    const { rss, heapUsed } = process.memoryUsage();
    samples.push({ atMs: performance.now() - startedMs, megabytes: rss / 2 ** 20, heap: heapUsed / 2 ** 20 });
    const last = samples.at(-1) as (typeof samples)[number];
    if (samples.length % 15 === 0) {
      console.log(
        `${(last.atMs / 1000).toFixed(0).padStart(4)} s  memory ${last.megabytes.toFixed(0)} MB  heap ${last.heap.toFixed(0)} MB  clicks ${clicks.length}  batches ${batches.length}`,
      );
    }
  }
}

await submit(0);
const work = [...Array.from({ length: people }, (_, who) => person(who)), manager(), sampler(performance.now())];
await wait(1000 * seconds);
running = false;
await Promise.all(work);
await studio.close();

const middle = (list: number[], share: number): string => {
  const sorted = [...list].sort((one, other) => one - other);
  return (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(0);
};
const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;
const half = samples.slice(Math.floor(samples.length / 2)).map(({ megabytes }) => megabytes);
const third = Math.max(1, Math.floor(half.length / 3));
const [early, late] = [mean(half.slice(0, third)), mean(half.slice(-third))];
console.log(`${clicks.length} clicks of ${people} people: median ${middle(clicks, 0.5)} ms, 99 of 100 below ${middle(clicks, 0.99)} ms`);
console.log(
  `${batches.length} batches of ${BATCH} tasks: median ${middle(batches, 0.5)} ms, slowest ${middle(batches, 1)} ms; ${submitted} annotations submitted`,
);
console.log(`memory in the second half: ${early.toFixed(0)} MB at first, ${late.toFixed(0)} MB at the end`);
for (const failure of failures.slice(0, 5)) console.log(`failed: ${failure}`);
process.exitCode = failures.length > 0 || late > 1.15 * early ? 1 : 0;
