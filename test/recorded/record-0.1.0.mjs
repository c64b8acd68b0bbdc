/**
 * Makes test/recorded/0.1.0: runs a checkout of prosam 0.1.0 as its users would, and writes down what it said.
 * node test/recorded/record-0.1.0.mjs CHECKOUT (see test/recorded/README.md)
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';

const checkout = resolve(process.argv[2] ?? '');
const out = resolve('test/recorded/0.1.0');
const place = mkdtempSync(join(tmpdir(), 'prosam-recorded-'));
const old = (path) => import(pathToFileURL(join(checkout, 'src', path)).href);
const { sceneWith } = await old('cli/demo-scenes.ts');
const { openStorage } = await old('storage/open-storage.ts');
const { cocoRleFromMask, createEngine } = await old('index.ts');

const ADMIN = 'test-admin-token';
const CUP = 31;
const SIZE = 128;
const project = 'kitchen/cups';
/** Another project, whose images wait in a job when the service ends. */
const waitingProject = 'kitchen/waiting';

/** Served with: nothing in it calls out, whatever the machine. */
const served = {
  host: '127.0.0.1',
  database: 'prosam/prosam.db',
  objects: 'prosam/blobs',
  migrate: true,
  model: 'tiny',
  device: 'cpu',
  threads: 0,
  precision: 'fp32',
  hangMs: 120_000,
  cache: 'prosam/cache',
  auth: {
    tokens: [
      { name: 'boss', access: 'admin', token: ADMIN },
      { name: 'reader', access: 'read', token: 'test-reader-token', projects: [project] },
    ],
    basic: [{ name: 'studio', access: 'write', password: 'test-password-of-studio' }],
    hmac: [{ name: 'hooks', access: 'write', secret: 'test-hmac-secret' }],
  },
  images: { folder: '.', allowHosts: ['127.0.0.1'] },
  references: { count: 3, pool: 10 },
  limits: { concurrency: 1, shutdownMs: 0 },
  callbacks: { secret: 'test-callback-secret', allowHosts: ['127.0.0.1'], attempts: 8 },
  labelStudio: { enabled: true, root: true },
  cvat: { enabled: true, root: false, allowFrom: ['127.0.0.1'] },
  keepPredictions: 100,
  learner: {
    ...{ run: 'child', minNewMasks: 1000, minImages: 3, coolDownMs: 0, steps: 6, batch: 2, samples: 2, gatePairs: 4, checkpointEvery: 3 },
    ...{ margin: 1, labelMargin: 1, engine: 'wasm', device: 'cpu', workDir: 'prosam/learner' },
  },
  log: { level: 'error' },
  metrics: 'read',
  allowedHosts: ['127.0.0.1', 'localhost'],
};

/** Every key of 0.1.0, none at its default: read, never served with. */
const everyKey = {
  ...served,
  ...{ port: 9191, migrate: false, threads: 3, precision: 'int8', hangMs: 90_000, cacheBytes: 2 ** 30, metrics: 'admin', trustProxy: 1 },
  images: { ...served.images, maxBytes: 10_000_000, maxPixels: 50_000_000, timeoutMs: 10_000 },
  limits: { bodyBytes: 16_000_000, deadlineMs: 30_000, concurrency: 1, waiting: 64, clientShare: 0.25, shutdownMs: 5000 },
  labelStudio: {
    ...{ enabled: false, root: true, url: 'http://localhost:8080', token: 'test-token', backendUrl: 'http://localhost:9090/label-studio' },
    ...{ name: 'studio', reconcileMinutes: 10, softDeadlineMs: 60_000, instances: true },
  },
  cvat: {
    ...{
      enabled: false,
      root: true,
      port: 18_069,
      host: '127.0.0.1',
      allowFrom: ['10.0.0.0/8'],
      functionPorts: { first: 18_100, count: 10 },
    },
    ...{ portsFile: 'ports.json', url: 'http://localhost:8081', token: 'test-token', organization: 'testers', name: 'video', project },
    ...{ webhook: { secret: 'test-cvat-secret' }, pollMinutes: 5, prefetch: false, instances: true, threshold: 0.5, uploads: 'uploads' },
  },
  learner: {
    ...served.learner,
    ...{ run: 'elsewhere', quietHours: { starts: '0 8 * * 1-5', minutes: 600, timeZone: 'Europe/Berlin' } },
    ...{
      onlyDuring: { starts: '0 0 * * *', minutes: 1440 },
      gateShare: 0.3,
      replayShare: 0.4,
      minLabelPairs: 2,
      lr: 1e-3,
      averageDecay: 0.9,
    },
    ...{ maxMasks: 500, maxMemoryBytes: 2 ** 31, featureBytes: 2 ** 27, cacheBytes: 2 ** 31, threads: 2, leaseMs: 30_000, maxAttempts: 9 },
  },
};
const config = (settings) => `${JSON.stringify(settings, null, 2)}\n`;

const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PROSAM_')));
function start(args) {
  const child = spawn(process.execPath, [join(checkout, 'src/cli.ts'), ...args], {
    ...{ cwd: place, stdio: ['ignore', 'pipe', 'inherit'], env: { ...environment, PROSAM_MODELS: join(place, 'models') } },
  });
  const lines = [];
  const heardAddress = new Promise((heard) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line.startsWith('{"url":')) heard(JSON.parse(line).url);
    });
  });
  const ended = new Promise((done) => child.once('close', done));
  const failed = ended.then((code) => {
    throw new Error(`prosam ${args[0]} ended with ${code}`);
  });
  const listening = Promise.race([heardAddress, failed]);
  listening.catch(() => undefined); // it ends later, as it should
  return { child, lines, ended, listening };
}
async function run(args) {
  const { lines, ended } = start(args);
  if ((await ended) !== 0) throw new Error(`prosam ${args.join(' ')} failed`);
  return lines.join('\n');
}
async function ask(url, path, body, method = body === undefined ? 'GET' : 'POST') {
  const response = await fetch(new URL(path, url), {
    method,
    headers: { authorization: `Bearer ${ADMIN}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
async function until(what, condition) {
  for (let i = 0; i < 1200; i++) {
    const found = await condition();
    if (found) return found;
    await wait(100);
  }
  throw new Error(`waited in vain for ${what}`);
}

let seed = 1;
async function picture() {
  const { image, truth } = sceneWith(CUP, () => seed++, SIZE);
  const jpeg = await sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } })
    .jpeg({ quality: 80 })
    .toBuffer();
  const marked = [...truth.data.keys()].filter((at) => truth.data[at] > 0);
  const [xs, ys] = [marked.map((at) => at % SIZE), marked.map((at) => Math.floor(at / SIZE))];
  const boxXyxy = [Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1];
  // The marked pixel nearest to the middle of all.
  const [x, y] = [xs, ys].map((all) => all.reduce((sum, one) => sum + one, 0) / all.length);
  const inside = marked.reduce((best, at, i) => (Math.hypot(xs[i] - x, ys[i] - y) < Math.hypot(best[0] - x, best[1] - y) ? [xs[i], ys[i]] : best), [-1e6, -1e6]); // prettier-ignore
  return { jpeg, base64: jpeg.toString('base64'), truth, rle: cocoRleFromMask(truth), boxXyxy, inside };
}
const pictures = await Promise.all(Array.from({ length: 16 }, picture));
const drawing = (one) => sharp(Buffer.from(one.truth.data).map((value) => (value ? 255 : 0)), { raw: { width: SIZE, height: SIZE, channels: 1 } }).png().toBuffer(); // prettier-ignore

writeFileSync(join(place, 'prosam.config.json'), config(served));
writeFileSync(join(place, 'every-key.json'), config(everyKey));

// A receiver of what is pushed, for one delivery; then nobody answers there.
let pushed = 0;
const receiver = createServer((request, response) => {
  request.resume().on('end', () => {
    pushed++;
    response.writeHead(204).end();
  });
});
await new Promise((listening) => receiver.listen(0, '127.0.0.1', listening));
const callback = { url: `http://127.0.0.1:${receiver.address().port}/done`, events: 'finished' };

/* A first day: annotations of every kind, predictions, a job that is delivered, a run. */
let service = start(['serve', '--port', '0', '--json']);
let url = await service.listening;
const annotate = (i, provenance, mark, more = {}) =>
  ask(url, '/v1/annotations', {
    ...{ project, externalId: more.externalId ?? `${provenance} ${i}`, revision: 1, provenance, image: { base64: pictures[i].base64 } },
    ...{ masks: mark === undefined ? [] : [{ label: 'cup', mark }], annotator: 'tester', ...more },
  });
const [x0, y0, x1, y1] = pictures[2].boxXyxy;
await annotate(0, 'ground_truth', { kind: 'rle', rle: pictures[0].rle }, { imageExternalId: 'first.jpg' });
await annotate(1, 'drawn', { kind: 'png', base64: (await drawing(pictures[1])).toString('base64') });
await annotate(2, 'drawn', { kind: 'polygon', rings: [[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]] }, { externalId: 'polygon' }); // prettier-ignore
await annotate(3, 'drawn', { kind: 'box', boxXyxy: pictures[3].boxXyxy }, { externalId: 'box' });
await annotate(4, 'drawn', { kind: 'points', points: [pictures[4].inside], negative: [[1, 1]] }, { externalId: 'points' });
const [cx, cy] = pictures[5].inside;
const strokes = [{ path: [[cx - 4, cy], [cx + 4, cy + 3]], width: 4 }]; // prettier-ignore
await annotate(5, 'drawn', { kind: 'scribble', strokes }, { externalId: 'scribble' });
await annotate(6, 'edited', { kind: 'rle', rle: pictures[6].rle }, { flagged: true });
await annotate(7, 'rejected');
await annotate(8, 'drawn', { kind: 'rle', rle: pictures[8].rle }, { externalId: 'deleted' });
await ask(url, `/v1/projects/${encodeURIComponent(project)}/annotations/webhook/deleted`, undefined, 'DELETE');
await annotate(0, 'edited', { kind: 'rle', rle: pictures[0].rle }, { externalId: 'ground_truth 0', revision: 2 });
await annotate(3, 'drawn', { kind: 'rle', rle: pictures[3].rle }, { externalId: 'flagged later' });
await ask(url, `/v1/projects/${encodeURIComponent(project)}/annotations/webhook/flagged%20later/flag`, { flagged: true }, 'PUT');
const predict = (image, more = {}) => ask(url, '/v1/predict', { project, image, options: { method: 'prosam', seed: 5 }, ...more });
for (const one of pictures.slice(9, 11)) await predict({ base64: one.base64 });
const accepted = await predict({ base64: pictures[11].base64 }, { externalId: 'eleven.jpg' });
await annotate(11, 'accepted', { kind: 'rle', rle: accepted.masks[0].rle }, { predictionVersion: accepted.version });

const job = await ask(url, '/v1/predict/batch', { project, callback, images: pictures.slice(9, 12).map(({ base64 }) => ({ base64 })) });
await until('the job to end', async () => (await ask(url, `/v1/jobs/${job.id}`)).state === 'finished');
await until('the delivery', async () => pushed === 1 && (await ask(url, '/v1/deliveries')).deliveries[0].state === 'delivered');
await new Promise((closed) => receiver.close(closed));

await ask(url, `/v1/projects/${encodeURIComponent(project)}/train`, {});
const [trained] = await until('a run', async () => {
  const { runs } = await ask(url, `/v1/projects/${encodeURIComponent(project)}/runs`);
  return runs[0] && runs[0].state !== 'running' && runs;
});
if (trained.state !== 'promoted') throw new Error(`the run was ${trained.state}: ${trained.reason}`);
await ask(url, '/v1/models/base/promote', { project, reason: 'to compare' });
await ask(url, `/v1/models/${trained.version}/promote`, { reason: 'better after all' });
const answer = await until('the version', async () => {
  const found = await predict({ base64: pictures[12].base64 }, { remember: false });
  return found.modelVersion === trained.version && found;
});
const base = await predict({ base64: pictures[12].base64 }, { remember: false, version: 'base' });

/* What waits when it ends: a delivery nobody takes, a job, a wish for a run. */
await annotate(13, 'drawn', { kind: 'rle', rle: pictures[13].rle }, { project: waitingProject });
const unheard = await ask(url, '/v1/predict/batch', { project, callback, images: [{ base64: pictures[9].base64 }] });
await until('a failed delivery', async () => (await ask(url, '/v1/deliveries')).deliveries.some(({ state, attempts }) => state === 'waiting' && attempts > 0)); // prettier-ignore
service.child.kill('SIGTERM');
await service.ended;
service = start(['serve', '--port', '0', '--json', '--learner', 'elsewhere']);
url = await service.listening;
await ask(url, `/v1/projects/${encodeURIComponent(project)}/train`, {});
const inline = pictures.slice(13, 16).map(({ base64 }) => ({ base64 }));
const waitingJob = await ask(url, '/v1/predict/batch', { project: waitingProject, images: Array.from({ length: 8 }, () => inline).flat() });
service.child.kill('SIGTERM');
await service.ended;

/* A model folder, and what its model says. */
const tiny = join(checkout, 'models/tiny');
const weights = ['--sam', join(tiny, 'sam.safetensors'), '--prompt-encoder', join(tiny, 'prompt-encoder.safetensors')];
await run(['models', 'add', 'recorded', ...weights, '--licence', 'Apache-2.0']);
const engine = await createEngine({ model: join(place, 'models', 'recorded'), device: 'cpu' });
const reference = { image: pictures[0].jpeg, annotation: { kind: 'mask', mask: pictures[0].truth } };
const said = await engine.predict(pictures[12].jpeg, [reference], { method: 'prosam', seed: 5 });
await engine.close();
const settings = JSON.parse(await run(['serve', '--print-config', '--config', 'every-key.json']));
const servedSettings = JSON.parse(await run(['serve', '--print-config']));

/* What its own code reads from the folder. */
const storage = await openStorage({ database: join(place, 'prosam/prosam.db'), objects: join(place, 'prosam/blobs') });
const { store, queue, blobs } = storage;
const { annotations, images, versions, runs, batches, deliveries } = store;
const stored = {};
for (const one of [project, waitingProject]) {
  const concepts = await annotations.concepts(one);
  stored[one] = {
    ...{ annotations: await annotations.list(one, { limit: 100 }), concepts, counts: await images.counts(one) },
    candidates: (await annotations.candidates(one, 'cup', 100)).map(({ sha256, area, flagged }) => ({ sha256, area, flagged })),
    masks: (await annotations.masks(one, { limit: 100 })).map(({ id, sha256, area, rle }) => ({ id, sha256, area, rle })),
    ...{ nextImages: await images.unlabelled(one, { limit: 100 }), state: await versions.state(one) },
    predictions: (await images.predictions({ project: one, limit: 100 })).map(({ sha256, version, masks }) => ({
      ...{ sha256, version, masks: masks.map(({ label, rle, score, method }) => ({ label, rle, score, method })) },
    })),
    ...{ versions: await versions.list({ project: one, limit: 10 }), history: await versions.history(one, 10) },
    runs: await runs.list({ project: one, limit: 10 }),
  };
}
const jobs = {};
for (const { id } of [job, unheard, waitingJob]) jobs[id] = { ...(await batches.get(id)), items: await batches.items(id, { limit: 100 }) };
const names = [];
for await (const name of blobs.list()) names.push(name);
const recorded = {
  ...{ stored, jobs, deliveries: await deliveries.list({ limit: 10 }), messages: await queue.depth(), blobs: names.sort(), settings },
  ...{ servedSettings, waitingJob: waitingJob.id, version: trained.version },
  predictions: { version: answer.masks[0].rle, base: base.masks[0].rle, model: cocoRleFromMask(said.masks[0].mask) },
  pictures: { reference: pictures[0].base64, truth: pictures[0].rle, target: pictures[12].base64 },
};
await storage.close();

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
for (const name of ['prosam.config.json', 'every-key.json']) cpSync(join(place, name), join(out, name));
cpSync(join(place, 'prosam'), join(out, 'prosam'), { recursive: true });
// Made again from the rest: features, what runs left behind, locks.
for (const name of ['cache', 'learner']) rmSync(join(out, 'prosam', name), { recursive: true, force: true });
cpSync(join(place, 'models'), join(out, 'models'), { recursive: true });
// Where the weights lay does not matter to anybody else.
const manifest = join(out, 'models/recorded/manifest.json');
writeFileSync(manifest, readFileSync(manifest, 'utf8').replaceAll(tiny, '{tiny}'));
writeFileSync(join(out, 'recorded.json'), `${JSON.stringify(recorded).replaceAll(place, '{place}')}\n`);
rmSync(place, { recursive: true, force: true });
console.log('messages', recorded.messages, 'jobs', Object.values(recorded.jobs).map(({ total, done }) => `${done}/${total}`)); // prettier-ignore
