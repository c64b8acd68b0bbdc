/** The page: what its parts do together. */
import { element } from 'prosam/client/page';
import { isProsamError, type Method, type WebEngine } from 'prosam/web';
import { cocoJson, download, maskName, maskPng, masksZip, type Found } from './downloads.ts';
import { createGallery, type Target } from './gallery.ts';
import { announce, showProblem } from './messages.ts';
import { openEngine } from './open-engine.ts';
import { acceptFiles, imageFromFile, type RgbImage } from './picture.ts';
import { createPrepareShown } from './prepare-shown.ts';
import { createReferencePanel } from './reference-panel.ts';
import { loadSample } from './sample.ts';
import { workOffline } from './work-offline.ts';

const METHOD_NAMES: Record<Method, string> = {
  ...{ prosam: 'prosam (trained)', coarse: 'coarse (trained, mask alone)', persam: 'persam (points)' },
  ...{
    nearest: 'nearest (features)',
    refined: 'refined (features, redrawn)',
    pieces: 'pieces (features, each piece redrawn)',
    pseudo: 'pseudo (similarity, redrawn)',
    'gf-sam': 'gf-sam (similar points, joined)',
  },
  ...{ 'persam-paper': 'persam-paper (as published)', 'persam-f': 'persam-f (as published)', matcher: 'matcher (a baseline)' },
  external: 'external (a system outside)',
  learned: 'learned (fitted to your masks)',
};

let engine: WebEngine | undefined;
let targets: Target[] = [];
let running: AbortController | undefined;
/** Number of the next sample. */
let samples = 0;
/** Whether the search begins as soon as the engine is ready. */
let findWhenReady = false as boolean;
/** Pictures of the sample, which give way to a person's own. */
let sampled: readonly RgbImage[] = [];

const run = element('run', HTMLButtonElement);
const stop = element('stop', HTMLButtonElement);
const label = element('label', HTMLInputElement);
const method = element('method', HTMLSelectElement);
const order = element('order', HTMLSelectElement);
const map = element('map', HTMLInputElement);
const saveMasks = element('download-masks', HTMLButtonElement);
const saveCoco = element('download-coco', HTMLButtonElement);

const reference = createReferencePanel(() => {
  forget();
  ahead.marked();
  refresh();
});
const ahead = createPrepareShown({
  engine: () => engine,
  pictures: () => [...(reference.picture ? [reference.picture] : []), ...targets.map(({ picture }) => picture)],
  asked: () => reference.reference(name()),
  searching: () => running !== undefined,
  onDone: (done) => document.body.toggleAttribute('data-prepared', done),
});
const gallery = createGallery({
  list: element('gallery'),
  onSave: (target) => void attempt(async () => target.found && download(await maskPng(target.found.mask), maskName(target.picture.name))),
  onRemove(target) {
    targets = targets.filter((one) => one !== target);
    announce(`${target.picture.name} removed`);
    refresh();
  },
});

function name(): string {
  return label.value.trim() || 'object';
}

function refresh(): void {
  gallery.show(targets, { map: map.checked, sorted: order.value === 'uncertain' });
  element('targets-empty').hidden = targets.length > 0;
  element('targets-clear', HTMLButtonElement).disabled = targets.length === 0 || running !== undefined;
  const done = targets.filter(({ found }) => found);
  run.disabled = engine === undefined || running !== undefined || targets.length === 0 || reference.reference(name()) === undefined;
  stop.hidden = running === undefined;
  saveMasks.disabled = saveCoco.disabled = done.length === 0;
  const missing = [
    reference.picture ? '' : 'a picture with the object',
    reference.mask() ? '' : 'a mark',
    targets.length > 0 ? '' : 'pictures to look in',
  ];
  const wanted = missing.filter(Boolean).join(', ');
  element('summary').textContent = done.length > 0 ? `${done.length} of ${targets.length} done` : wanted && `Still needed: ${wanted}`;
  ahead.goOn();
}

/** Another mark or another picture: what was found is no answer to it. */
function forget(): void {
  running?.abort();
  targets = targets.map(({ picture }) => ({ picture, state: 'waiting' }));
}

async function attempt(work: () => unknown): Promise<void> {
  try {
    showProblem(undefined);
    await work();
  } catch (problem) {
    showProblem(problem);
  }
}

async function findAll(): Promise<void> {
  const asked = reference.reference(name());
  if (engine === undefined || asked === undefined) return;
  const mine = new AbortController();
  running = mine;
  targets = targets.map(({ picture }) => ({ picture, state: 'waiting' }));
  refresh();
  const started = performance.now();
  try {
    for (const target of targets) {
      if (!targets.includes(target)) continue; // removed meanwhile
      await findIn(target, asked, mine.signal);
    }
    const found = targets.filter((target) => (target.found?.area ?? 0) > 0).length;
    announce(`Found in ${found} of ${targets.length} pictures, ${((performance.now() - started) / 1000).toFixed(1)} seconds`);
  } catch (problem) {
    if (!mine.signal.aborted) showProblem(problem);
  } finally {
    for (const target of targets) if (target.state === 'running') target.state = 'waiting';
    if (running === mine) running = undefined;
    refresh();
  }
}

/** Predicts one target; its error stops no other. */
async function findIn(target: Target, asked: NonNullable<ReturnType<typeof reference.reference>>, signal: AbortSignal): Promise<void> {
  target.state = 'running';
  refresh();
  try {
    const options = { method: method.value as Method | 'auto', grow: asked.grow, uncertaintyMap: true, signal };
    const { masks } = await (engine as WebEngine).predict(target.picture.source, [asked.reference], {
      ...options,
      threshold: 0, // whoever brings a picture wants to see what is found in it
    });
    Object.assign(target, { state: 'found', found: masks[0] });
  } catch (problem) {
    if (signal.aborted || !isProsamError(problem) || !problem.code.startsWith('IMAGE_')) throw problem;
    Object.assign(target, { state: 'failed', problem: problem.message });
  }
  refresh();
}

function found(): Found[] {
  const { picture } = reference;
  const mask = reference.mask();
  const marked = picture && mask ? [{ name: picture.name, width: picture.width, height: picture.height, mask }] : [];
  const done = targets.flatMap(({ picture: { name: file, width, height }, found: prediction }) =>
    prediction ? [{ name: file, width, height, mask: prediction.mask, prediction }] : [],
  );
  return [...marked, ...done];
}

function add(pictures: readonly RgbImage[]): void {
  targets = targets.filter(({ picture }) => !sampled.includes(picture));
  targets.push(...pictures.map((picture): Target => ({ picture, state: 'waiting' })));
  announce(`${pictures.length} ${pictures.length === 1 ? 'picture' : 'pictures'} added`);
  refresh();
}

/** onlyIfEmpty: a person may have brought pictures meanwhile. */
async function showSample({ onlyIfEmpty = false } = {}): Promise<void> {
  const { label: name, reference: picture, boxXyxy, targets: pictures } = await loadSample(samples++);
  if (onlyIfEmpty && (reference.picture !== undefined || targets.length > 0)) return;
  running?.abort();
  sampled = pictures;
  targets = pictures.map((one): Target => ({ picture: one, state: 'waiting' }));
  label.value = name;
  reference.show(picture, { kind: 'box', boxXyxy });
  announce(`Sample: ${name} marked in one photo, ${pictures.length} photos to find it in`);
}

acceptFiles(
  element('reference-drop'),
  [element('reference-choose'), element('reference-empty')],
  element('reference-file', HTMLInputElement),
  ([file]) =>
    void attempt(async () => {
      if (file === undefined) return;
      const picture = await imageFromFile(file);
      targets = targets.filter((target) => !sampled.includes(target.picture));
      reference.show(picture);
    }),
);
acceptFiles(
  element('targets-drop'),
  [element('targets-choose'), element('targets-empty')],
  element('targets-file', HTMLInputElement),
  (files) => void attempt(async () => add(await Promise.all(files.map(imageFromFile)))),
);
element('sample').addEventListener('click', () => {
  void attempt(async () => {
    await showSample();
    if (engine) await findAll();
    else findWhenReady = true;
  });
});
element('targets-clear').addEventListener('click', () => {
  targets = [];
  refresh();
});
run.addEventListener('click', () => void attempt(findAll));
stop.addEventListener('click', () => running?.abort());
order.addEventListener('change', refresh);
map.addEventListener('change', refresh);
method.addEventListener('change', forget);
method.addEventListener('change', refresh);
saveMasks.addEventListener(
  'click',
  () => void attempt(async () => download(await masksZip(found().filter(({ prediction }) => prediction)), 'masks.zip')),
);
saveCoco.addEventListener('click', () => void attempt(() => download(cocoJson(name(), engine?.info.model ?? '', found()), 'coco.json')));
// A picture dropped beside its place would replace the page.
for (const type of ['dragover', 'drop']) addEventListener(type, (event) => event.preventDefault());

refresh();
const opening = attempt(() => showSample({ onlyIfEmpty: true }));
try {
  await workOffline();
  engine = await openEngine();
  for (const one of engine.info.methods) method.add(new Option(METHOD_NAMES[one], one));
  announce('The engine is ready');
  await opening;
  refresh();
  if (findWhenReady) await findAll();
} catch (problem) {
  const pill = element('device');
  pill.textContent = 'not ready';
  pill.classList.add('bad');
  showProblem(problem);
} finally {
  element('loading').hidden = true;
  refresh();
}
