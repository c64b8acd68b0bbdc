/** The console's page: asks for the state of the service every few seconds and shows it. */
import { ProsamClientError } from '../../../client/client-error.ts';
import { element } from '../../../client/page/elements.ts';
import type { OverviewResponse, PredictionView } from '../responses.ts';
import { createActions, errorText } from './actions.ts';
import { connection, keepToken } from './connection.ts';
import { askToken, say, wireDialogs } from './dialogs.ts';
import { refreshTimes } from './format.ts';
import { predictionGallery, queueGallery } from './galleries.ts';
import { learnerPart } from './learner-part.ts';
import { projectText, showAccess, showProjects, showReady, showStatus, showTiles } from './overview.ts';
import { forgetImages } from './images.ts';
import { forgetDrawn, show } from './redraw.ts';
import { annotationTable, errorTable } from './tables.ts';
import { versionList } from './version-list.ts';

const EVERY_MS = 3000;

let project = decodeURIComponent(location.hash.slice(1));
let newest = '';
let predictions: readonly PredictionView[] = [];
let mayWrite = false;
/** Counts refreshes: one that was overtaken shows nothing. */
let turn = 0;
let tokenAsked = false;
let failed = false;

const actions = createActions({ project: () => project, refresh });

async function refresh(): Promise<void> {
  const mine = ++turn;
  try {
    const { caller, status, projects, titles, errors } = await connection().overview();
    if (mine !== turn) return;
    element('main').hidden = false;
    mayWrite = caller.access !== 'read';
    if (!projects.includes(project)) project = projects[0] ?? '';
    showAccess(caller);
    showStatus(status);
    showProjects(projects, titles, project);
    show('errors', { errors, titles }, (data) => errorTable(data.errors, (name) => projectText(name, data.titles)));
    if (project === '') showNothing(status);
    else await showProject(status);
    refreshTimes();
    if (failed) say('');
    failed = false;
  } catch (error) {
    if (mine !== turn) return;
    failed = true;
    if (error instanceof ProsamClientError && (error.status === 401 || error.status === 403)) await lock(error.message);
    else {
      showReady('no answer', 'bad');
      say(errorText(error));
    }
  }
}

async function showProject(status: OverviewResponse['status']): Promise<void> {
  const asked = project;
  const { info, versions, history, runs, unlabelled, annotations } = await connection().project(asked);
  const response = await connection().predictions(asked, newest);
  // Another project was chosen in the meantime.
  if (asked !== project) return;
  if (response.predictions) ({ newest, predictions } = { ...response, predictions: response.predictions });
  showTiles(status, info);
  const { run, waitingFor, concepts, curve } = info;
  show('learner', { run, runs, waitingFor, concepts, curve, learner: status.learner }, learnerPart);
  show('versions', { versions, current: info.encoderVersion, history }, (data) => versionList(data, actions.promote));
  show('predictions', predictions, (data) => predictionGallery(data, actions.erase));
  show('queue', unlabelled, (data) => queueGallery(data, actions.erase));
  show('annotations', { annotations, mayWrite }, (data) => annotationTable(data.annotations, data.mayWrite, actions.flag));
}

function showNothing(status: OverviewResponse['status']): void {
  showTiles(status);
  show('predictions', [], (data) => predictionGallery(data, actions.erase));
  show('queue', [], (data) => queueGallery(data, actions.erase));
  show('annotations', [], () => annotationTable([], false, actions.flag));
  show('learner', { runs: [], waitingFor: 'nothing has been annotated yet', learner: status.learner }, learnerPart);
  show('versions', { versions: [], current: 'base', history: [] }, (data) => versionList(data, actions.promote));
}

/** Without access nothing is shown. */
async function lock(reason: string): Promise<void> {
  element('main').hidden = true;
  showReady('locked');
  element('access').textContent = '';
  say(reason);
  // Asked once by itself; after that there is the button.
  if (tokenAsked) return;
  tokenAsked = true;
  await changeToken('This service shows nothing without a token. It stays in this tab alone.');
}

async function changeToken(text?: string): Promise<void> {
  const token = await askToken(text);
  if (token === undefined) return;
  keepToken(token);
  forgetImages();
  forgetProject();
  await refresh();
}

async function choose(chosen: string): Promise<void> {
  project = chosen;
  history.replaceState(null, '', `#${encodeURIComponent(chosen)}`);
  say('');
  forgetProject();
  await refresh();
}

function forgetProject(): void {
  newest = '';
  predictions = [];
  forgetDrawn();
}

wireDialogs();
const select = element('project', HTMLSelectElement);
select.addEventListener('change', () => void choose(select.value));
element('token-button').addEventListener('click', () => void changeToken());
element('train').addEventListener('click', () => void actions.train());
element('rollback').addEventListener('click', () => void actions.rollback());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) void refresh();
});
for (;;) {
  if (!document.hidden) await refresh();
  await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
}
