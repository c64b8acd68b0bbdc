/** In the browser: asks how things stand every few seconds, shows it, and does what the buttons say. */

export const MAIN_SCRIPT = String.raw`
import { byId, duration, el, forget, keepToken, read, refreshTimes, Refused, send, show, token } from './dom.js';
import { forgetPictures, predictionGallery, queueGallery } from './pictures.js';
import { annotationTable, errorTable, learnerPart, versionList } from './tables.js';

const EVERY_MS = 3000;
const state = { project: decodeURIComponent(location.hash.slice(1)), newest: '', predictions: [], mayWrite: false, turn: 0, asked: false, down: false };

function pathOf(rest = '') {
  return '/console/projects/' + encodeURIComponent(state.project) + rest;
}

let quieted;

function say(text, fine = false) {
  clearTimeout(quieted);
  if (fine) quieted = setTimeout(() => say(''), 8000);
  const place = byId('message');
  place.hidden = text === '';
  place.textContent = text;
  place.className = fine ? 'fine' : '';
}

/** Waits for a dialog; undefined where it was cancelled. */
function answerOf(dialog) {
  return new Promise((resolve) => {
    dialog.returnValue = 'cancel';
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'cancel' ? undefined : dialog.returnValue), { once: true });
    dialog.showModal();
  });
}

async function askToken(text) {
  const dialog = byId('token-dialog');
  if (dialog.open) return;
  if (text) byId('token-text').textContent = text;
  byId('token').value = '';
  const answer = await answerOf(dialog);
  if (answer === undefined) return;
  keepToken(answer === 'forget' ? '' : byId('token').value.trim());
  forgetPictures();
  forgetAll();
  await refresh();
}

async function askReason(title) {
  byId('reason-title').textContent = title;
  byId('reason').value = '';
  return (await answerOf(byId('reason-dialog'))) === undefined ? undefined : byId('reason').value.trim();
}

/** Does what somebody asked for, says how it went, and shows what it led to. */
async function act(work, done) {
  try {
    await work();
    say(done, true);
  } catch (error) {
    say(error.message + (error.hint ? ' ' + error.hint : ''));
  }
  await refresh();
}

async function promote(version, name) {
  const project = state.project;
  const reason = await askReason('Put ' + name + ' into service');
  if (reason) await act(() => send('POST', '/console/projects/' + encodeURIComponent(project) + '/promote', { version, reason }), 'In service: ' + name + '.');
}

async function rollback() {
  const path = pathOf('/rollback');
  const reason = await askReason('Go back to the version before');
  if (reason) await act(() => send('POST', path, { reason }), 'The version before is in service again.');
}

function train() {
  return act(() => send('POST', pathOf('/train')), 'A run is asked for; the learner takes it up as soon as it can.');
}

function flag({ source, externalId }, flagged) {
  return act(() => send('PUT', pathOf('/flag'), { source, externalId, flagged }), flagged ? 'Used first from now on.' : 'One among the others again.');
}

function forgetAll() {
  state.newest = '';
  state.predictions = [];
  forget('tiles', 'problems', 'learner', 'versions', 'predictions', 'queue', 'annotations', 'errors');
}

function showAccess({ name, access }) {
  byId('access').textContent = access === 'read' ? name + ' (read only)' : name + ' (' + access + ')';
  byId('token-button').textContent = token() === '' ? 'Use a token' : 'Token';
  state.mayWrite = access !== 'read';
  document.body.classList.toggle('may-write', access === 'write' || access === 'admin');
  document.body.classList.toggle('may-admin', access === 'admin');
}

function showStatus({ ready, problems, model, device }) {
  const pill = byId('ready');
  pill.textContent = ready ? (problems.length > 0 ? 'ready, in part' : 'ready') : 'not ready';
  pill.className = 'pill ' + (ready ? (problems.length > 0 ? 'warn' : 'good') : 'bad');
  byId('device').textContent = model + ' on ' + device;
  show('problems', problems, (list) => list.map((text) => el('li', {}, text)));
}

function showProjects(projects) {
  if (!projects.includes(state.project)) state.project = projects[0] ?? '';
  const select = byId('project');
  const names = [...select.options].map(({ value }) => value);
  if (names.join('\n') !== projects.join('\n')) select.replaceChildren(...projects.map((name) => el('option', { value: name }, name)));
  select.value = state.project;
  select.disabled = projects.length === 0;
}

function showTiles(status, info) {
  const { running, waiting, limit } = status.engineQueue;
  const messages = Object.values(status.messages).reduce((sum, count) => sum + count, 0);
  const tiles = [
    ['images', info?.images ?? 0],
    ['annotated', info?.annotated ?? 0],
    ['masks', info?.masks ?? 0],
    ['labels', info?.concepts.length ?? 0],
    ['computing / waiting of ' + limit, running + ' / ' + waiting],
    ['messages waiting', messages],
    ['up for', duration((Date.now() - status.startedMs) / 1000)],
  ];
  show('tiles', tiles, (list) => list.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, String(value)))));
}

async function showProject(status) {
  const { project } = state;
  const { info, versions, history, runs, unlabelled, annotations } = await read(pathOf());
  const { newest, predictions } = await read(pathOf('/predictions?known=' + encodeURIComponent(state.newest)));
  // Somebody chose another one in the meantime.
  if (project !== state.project) return;
  if (predictions) [state.newest, state.predictions] = [newest, predictions];
  showTiles(status, info);
  show('learner', { run: info.run, runs, waitingFor: info.waitingFor, learner: status.learner }, learnerPart);
  show('versions', { versions, current: info.modelVersion, history }, (data) => versionList(data, promote));
  show('predictions', state.predictions, predictionGallery);
  show('queue', unlabelled, queueGallery);
  show('annotations', [annotations, state.mayWrite], ([list, mayWrite]) => annotationTable(list, mayWrite, flag));
}

async function refresh() {
  const turn = ++state.turn;
  try {
    const { caller, status, projects, errors } = await read('/console/overview');
    if (turn !== state.turn) return;
    byId('main').hidden = false;
    showAccess(caller);
    showStatus(status);
    showProjects(projects);
    show('errors', errors, errorTable);
    if (state.project === '') {
      showTiles(status);
      for (const [id, draw] of [['predictions', predictionGallery], ['queue', queueGallery], ['annotations', annotationTable]]) show(id, [], draw);
      show('learner', { runs: [], waitingFor: 'nothing has been annotated yet', learner: status.learner }, learnerPart);
      show('versions', { versions: [], current: 'base', history: [] }, (data) => versionList(data, promote));
    } else await showProject(status);
    refreshTimes();
    if (state.down) say('');
    state.down = false;
  } catch (error) {
    if (turn !== state.turn) return;
    state.down = true;
    if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
      byId('main').hidden = true;
      byId('ready').textContent = 'locked';
      byId('access').textContent = '';
      say(error.message);
      // Once by itself; who closed the dialog has the button.
      if (!state.asked) {
        state.asked = true;
        await askToken('This service shows nothing without a token. It stays in this tab alone.');
      }
    } else {
      byId('ready').textContent = 'no answer';
      byId('ready').className = 'pill bad';
      say(error instanceof Refused ? error.message + ' ' + error.hint : 'The service does not answer. Check that it runs.');
    }
  }
}

function choose(project) {
  state.project = project;
  history.replaceState(null, '', '#' + encodeURIComponent(project));
  say('');
  forgetAll();
  return refresh();
}

// No submit buttons: Enter would press the first of those.
for (const button of document.querySelectorAll('[data-close]')) {
  button.addEventListener('click', () => button.closest('dialog').close(button.dataset.close));
}
byId('project').addEventListener('change', (event) => choose(event.target.value));
byId('token-button').addEventListener('click', () => askToken());
byId('train').addEventListener('click', train);
byId('rollback').addEventListener('click', rollback);
document.addEventListener('visibilitychange', () => document.hidden || refresh());
for (;;) {
  if (!document.hidden) await refresh();
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
`;
