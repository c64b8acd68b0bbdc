/** In the browser: versions, runs, annotations and errors. */

export const TABLES_SCRIPT = String.raw`
import { gateChart, lossCurve } from './charts.js';
import { ago, duration, el, empty, figure, pill } from './dom.js';
import { image } from './pictures.js';

const KINDS = { promoted: 'good', rejected: 'warn', failed: 'bad', running: '' };

function table(head, rows) {
  const cells = (row) => row.map((cell) => el('td', { class: String(cell.textContent ?? cell).length > 40 && 'text' }, cell));
  const heads = head.map((text) => el('th', { scope: 'col' }, text));
  return el('div', { class: 'table' }, el('table', {}, el('thead', {}, el('tr', {}, ...heads)), el('tbody', {}, ...rows.map((row) => el('tr', {}, ...cells(row))))));
}

/** Losses seen while watching a run, by its id. */
const watched = new Map();

export function learnerPart({ run, runs, waitingFor, learner }) {
  const parts = [];
  if (run?.state === 'running') {
    const { progress } = run;
    const known = progress !== undefined && progress.total > 0;
    const what = !known ? 'Getting ready' : progress.phase === 'gate' ? 'Gate: pair ' + progress.done + ' of ' + progress.total : 'Training: step ' + progress.done + ' of ' + progress.total;
    const loss = progress?.loss === undefined ? '' : ', loss ' + figure(progress.loss);
    const attempt = run.attempts > 1 ? ', taken up ' + run.attempts + ' times' : '';
    parts.push(el('p', { class: 'fact', role: 'status' }, what + loss + attempt));
    parts.push(el('progress', { 'aria-label': 'progress of the run', ...(known && { max: progress.total, value: progress.done }) }));
    if (progress?.phase === 'training' && progress.loss !== undefined) {
      const seen = watched.get(run.id) ?? [];
      if (seen[seen.length - 1]?.step !== progress.done) seen.push({ step: progress.done, loss: progress.loss });
      watched.set(run.id, seen);
    }
    parts.push(lossCurve(watched.get(run.id) ?? [], 'Loss since you opened this page'));
  } else if (learner === 'off') parts.push(el('p', { class: 'fact' }, 'The learner is off: nothing is learned from annotations.'));
  else if (waitingFor !== undefined) parts.push(el('p', { class: 'fact' }, 'The next run waits: ' + waitingFor));
  else parts.push(el('p', { class: 'fact' }, 'No run is under way.'));
  const ended = runs.filter(({ state }) => state !== 'running');
  if (ended.length > 0) {
    const rows = ended.slice(0, 6).map((one) => [pill(one.state, KINDS[one.state]), ago(one.endedMs ?? one.startedMs), duration(((one.endedMs ?? one.startedMs) - one.startedMs) / 1000), one.reason ?? '']);
    parts.push(table(['Run', 'Ended', 'Took', 'Why'], rows));
  }
  return parts.filter((part) => part !== undefined);
}

const opened = new Set();

function change({ gate }) {
  if (gate === undefined) return el('span', { class: 'quiet' }, 'not measured');
  const better = gate.candidate >= gate.current;
  return el('span', {}, 'IoU ' + figure(gate.current) + ' \u2192 ', el('strong', { class: better ? 'up' : 'down' }, figure(gate.candidate)));
}

/** promote: called with a version's id and name. */
export function versionList({ versions, current, history }, promote) {
  const button = (id, name) => el('button', { type: 'button', class: 'small acts-admin', 'data-key': 'promote ' + id, click: () => promote(id, name) }, 'Put into service');
  const entries = versions.map(({ id, number, outcome, reason, createdMs, parent, figures, seed, code }) => {
    const inService = id === current;
    const { gate, training } = figures;
    const facts = [training?.images !== undefined ? training.images + ' images' : '', training?.masks !== undefined ? training.masks + ' masks' : '', training?.seconds !== undefined ? 'in ' + duration(training.seconds) : ''].filter((text) => text !== '');
    const inside = [
      el('p', {}, reason),
      el('p', { class: 'quiet' }, 'Trained ', ago(createdMs), facts.length > 0 ? ' on ' + facts.join(', ') : '', '. From ' + (parent ?? "the model's own") + ', seed ' + seed + ', prosam ' + code + '.'),
      ...figures.notes.map((note) => el('p', { class: 'quiet' }, note)),
      gate && gateChart(gate),
      training && lossCurve(training.curve, 'Training loss'),
      el('p', {}, el('code', {}, id), ' ', inService ? undefined : button(id, 'version ' + number)),
    ];
    const head = el('summary', { 'data-key': 'version ' + id }, el('strong', { class: 'name' }, 'v' + number), inService ? pill('in service', 'good') : pill(outcome, outcome === 'rejected' ? 'warn' : ''), change(figures), el('span', { class: 'grow quiet' }, ago(createdMs)));
    const details = el('details', { open: opened.has(id), toggle: () => (details.open ? opened.add(id) : opened.delete(id)) }, head, el('div', { class: 'inside' }, ...inside));
    return details;
  });
  const own = el('p', { class: 'fact' }, pill(current === 'base' ? 'in service' : 'base', current === 'base' ? 'good' : ''), " the model's own prompt encoder ", current === 'base' ? undefined : button('base', "the model's own"));
  const changes = history.length === 0 ? [] : [el('details', { open: opened.has('history'), toggle: (event) => (event.target.open ? opened.add('history') : opened.delete('history')) },
    el('summary', { 'data-key': 'history' }, el('strong', { class: 'name' }, 'Changes')),
    table(['When', 'To', 'Why'], history.map(({ createdMs, to, reason }) => [ago(createdMs), el('code', {}, to ?? 'base'), reason])))];
  return [...(entries.length === 0 ? [empty('Nothing has been learned yet.')] : entries), own, ...changes];
}

/** flag: called with an annotation and whether it shall be flagged. */
export function annotationTable(annotations, mayWrite, flag) {
  if (annotations.length === 0) return empty('None yet. POST /v1/annotations stores one.');
  const rows = annotations.map((one) => {
    const labels = one.labels.map(({ label }) => label).join(', ');
    const star = el('button', { type: 'button', class: 'star', disabled: !mayWrite, 'aria-pressed': String(one.flagged), 'aria-label': 'Use ' + one.externalId + ' as a reference first', title: 'Use as a reference before all others', 'data-key': one.source + ' ' + one.externalId, click: () => flag(one, !one.flagged) }, one.flagged ? '\u2605' : '\u2606');
    return [image(one.project, one.sha256, { alt: 'Image of ' + one.externalId, class: 'thumb' }), labels === '' ? '(none)' : labels, one.provenance.replace('_', ' '), one.annotator ?? one.source, ago(one.createdMs), star];
  });
  return table(['Image', 'Label', 'How', 'Who', 'When', 'First'], rows);
}

export function errorTable(errors) {
  if (errors.length === 0) return empty('None since the start.');
  return table(['When', 'Code', 'What happened', 'What to do'], errors.map(({ createdMs, code, message, where, hint }) => [ago(createdMs), el('code', {}, code), el('div', {}, message, el('div', { class: 'quiet' }, where)), hint ?? '']));
}
`;
