/**
 * The service under load: npm run bench:serve -- [--seconds 60 | --minutes 120] [--clients 32] [--rate N]
 *   [--database postgres://...]
 *
 * One `prosam serve` on the built-in model with its learner beside it. Clients predict, annotate and look things up without a
 * pause, or N times a second in all (memory over hours is compared at one rate), while training runs, and the version in service is changed again and again. Prints what was answered, how long it took,
 * how late the event loop was, and what memory did: of each process, with handles, rows and disk, and their slope over the last half. Exit code 1 where an answer was lost or is not one of the documented ones.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { textTable } from '../../src/cli/common/text-table.ts';
import { ask, startServe } from '../../test/e2e/serve-process.ts';
import { annotationOf, pictures } from '../kill/pictures.ts';
import { createSoak } from './soak.ts';
import { createTally } from './tally.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { seconds: text, minutes: text, clients: text, rate: text, database: text } });
const seconds = values.minutes === undefined ? Number(values.seconds ?? 60) : 60 * Number(values.minutes);
/** Looks at processes, rows and disk, over the whole time. */
const LOOKS = 240;
const clients = Number(values.clients ?? 32);
const rate = values.rate === undefined ? Infinity : Number(values.rate);
const PROJECT = 'load';
/** Answers that are promised: done, and come back later. */
const EXPECTED = new Set([200, 201, 202, 429, 503]);

const folder = mkdtempSync(join(tmpdir(), 'prosam-load-'));
const learner = { steps: 40, checkpointEvery: 10, minNewMasks: 20, coolDownMs: 1000, margin: 1, labelMargin: 1, gatePairs: 12 };
writeFileSync(join(folder, 'prosam.config.json'), JSON.stringify({ learner }));
const environment = values.database === undefined ? {} : { PROSAM_DATABASE: values.database };
const served = await startServe({ folder, environment }, ['--log-level', 'warn']);
const { url } = served;
const tally = createTally();
const images = await pictures(40);
for (const [i, picture] of images.slice(0, 8).entries()) await ask(url, '/v1/annotations', annotationOf(picture, PROJECT, `first-${i}`));
// Everything is embedded and compiled once, so that the figures are those of a service that has been running.
for (const { base64 } of images) await ask(url, '/v1/predict', { project: PROJECT, image: { base64 } });

const acknowledged: string[] = [];
const swaps: string[] = [];
const running = { on: true };
let count = 0;
const beganMs = performance.now();

async function send(kind: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }> {
  const started = performance.now();
  try {
    const response = await fetch(new URL(path, url), {
      method: body === undefined ? 'GET' : 'POST',
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const json: unknown = await response.json();
    tally.answered(kind, response.status, performance.now() - started);
    const later = response.headers.get('retry-after');
    if (later !== null) await wait(1000 * Number(later) * Math.random());
    return { status: response.status, json };
  } catch (error) {
    tally.lost(kind, error);
    return { status: 0, json: undefined };
  }
}

async function client(): Promise<void> {
  while (running.on) {
    const turn = count++;
    const due = beganMs + (1000 * turn) / rate;
    if (due > performance.now()) await wait(due - performance.now());
    const picture = images[turn % images.length] as (typeof images)[number];
    if (turn % 4 === 0) {
      const id = `a${turn}`;
      const { status } = await send('annotate', '/v1/annotations', annotationOf(picture, PROJECT, id));
      if (status === 201) acknowledged.push(id);
    } else if (turn % 50 === 1) await send('train', `/v1/projects/${PROJECT}/train`, {});
    else if (turn % 25 === 2) await send('what to label', `/v1/projects/${PROJECT}/next-images?limit=20`);
    else await send('predict', '/v1/predict', { project: PROJECT, image: { base64: picture.base64 } });
  }
}

/** Promotes the learner's versions in turn with the model's own. */
async function swapper(): Promise<void> {
  for (let turn = 0; running.on; turn++) {
    await wait(2000);
    const { json } = await send('versions', `/v1/versions?project=${PROJECT}&limit=5`);
    const { versions = [] } = (json ?? {}) as { versions?: { id: string }[] };
    const version = turn % 2 === 0 ? versions[turn % Math.max(1, versions.length)]?.id : 'base';
    if (version === undefined) continue;
    const { status } = await send('promote', `/v1/versions/${version}/promote`, { project: PROJECT, reason: 'load test' });
    if (status === 200) swaps.push(version);
  }
}

interface Sample {
  atMs: number;
  rss: number;
  loopP99Ms: number;
  loopMaxMs: number;
}
const samples: Sample[] = [];
async function sampler(): Promise<void> {
  const startedMs = performance.now();
  while (running.on) {
    await wait(1000);
    const metrics = await fetch(new URL('/metrics', url)).then((response) => response.text());
    const value = (pattern: RegExp): number => Number(pattern.exec(metrics)?.[1] ?? NaN);
    samples.push({
      atMs: performance.now() - startedMs,
      rss: value(/^process_resident_memory_bytes (\S+)/m),
      loopP99Ms: 1000 * value(/^prosam_event_loop_delay_seconds\{quantile="0.99"\} (\S+)/m),
      loopMaxMs: 1000 * value(/^prosam_event_loop_delay_seconds\{quantile="1"\} (\S+)/m),
    });
  }
}

const soak = createSoak(served.child.pid as number, folder);
async function soaker(): Promise<void> {
  const startedMs = performance.now();
  while (running.on) {
    soak.look(performance.now() - startedMs);
    await wait(Math.max(1000, (1000 * seconds) / LOOKS));
  }
}

const busy = [...Array.from({ length: clients }, client), swapper(), sampler(), soaker()];
await wait(1000 * seconds);
running.on = false;
await Promise.all(busy);

// What was acknowledged is there.
const there = new Set<string>();
for (let before: number | undefined; ;) {
  const page = await ask<{ annotations: { externalId: string; sequence: number }[] }>(
    url,
    `/v1/projects/${PROJECT}/annotations?limit=500${before === undefined ? '' : `&before=${before}`}`,
  );
  for (const { externalId } of page.annotations) there.add(externalId);
  before = page.annotations.at(-1)?.sequence;
  if (before === undefined) break;
}
const missing = acknowledged.filter((id) => !there.has(id)).length;
const { runs } = await ask<{ runs: { state: string }[] }>(url, `/v1/projects/${PROJECT}/runs?limit=1000`);
const code = await served.stop();
rmSync(folder, { recursive: true, force: true });

const unexpected = tally.statuses().filter(([status]) => !EXPECTED.has(status));
const half = samples.slice(Math.floor(samples.length / 2));
const mean = (list: readonly number[]): number => list.reduce((sum, one) => sum + one, 0) / list.length;
const third = Math.ceil(half.length / 3);
const [early, late] = [mean(half.slice(0, third).map(({ rss }) => rss)), mean(half.slice(-third).map(({ rss }) => rss))];
const fixed = (value: number, digits = 1): string => value.toFixed(digits);

console.log(
  textTable({
    caption: `${clients} clients${values.rate === undefined ? '' : ` (${rate} requests a second in all)`} for ${seconds} s, learner training beside them`,
    ...tally.table(),
  }),
);
console.log(
  [
    '',
    `lost requests            ${tally.lostCount()}`,
    `unexpected answers       ${unexpected.map(([status, times]) => `${status} x ${times}`).join(', ') || 0}`,
    `acknowledged, missing    ${acknowledged.length}, ${missing}`,
    `versions swapped in      ${swaps.length} by hand; ${runs.length} runs of the learner, ${runs.filter(({ state }) => state === 'promoted').length} promoted`,
    `event loop late by       ${fixed(Math.max(...samples.map(({ loopP99Ms }) => loopP99Ms)))} ms (worst p99 of a second; median second ${fixed(median(samples.map(({ loopP99Ms }) => loopP99Ms)))} ms, worst single ${fixed(Math.max(...samples.map(({ loopMaxMs }) => loopMaxMs)))} ms)`,
    `memory, second half      ${fixed(early / 1e6, 0)} -> ${fixed(late / 1e6, 0)} MB (${fixed((100 * (late - early)) / early)} %)`,
    `memory over time         ${samples
      .filter((_, i) => i % Math.ceil(samples.length / 12) === 0)
      .map(({ rss }) => fixed(rss / 1e6, 0))
      .join(' ')} MB`,
    `end                      exit code ${code}`,
  ].join('\n'),
);
console.log(`\n${textTable({ caption: 'Each process, rows and disk', ...soak.table() })}`);
process.exitCode = tally.lostCount() + unexpected.length + missing + (code === 0 ? 0 : 1) === 0 ? 0 : 1;

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? NaN;
}
