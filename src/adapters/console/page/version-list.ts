/** The versions of a project: results of gate and training, and the one in service. */
import { el, type Child } from '../../../client/page/elements.ts';
import type { PointerView, VersionView } from '../responses.ts';
import { gateChart, lossCurve } from './charts.ts';
import { ago, duration, empty, decimal, pill } from './format.ts';
import { table } from './tables.ts';

export interface VersionsState {
  versions: readonly VersionView[];
  /** Id of the version in service, or 'base': the model's own prompt encoder. */
  current: string;
  history: readonly PointerView[];
}

/** name: as people read it. */
export type Promote = (id: string, name: string) => Promise<void>;

/** Parts that somebody opened: they stay open when the list is drawn anew. */
const opened = new Set<string>();

export function versionList({ versions, current, history }: VersionsState, promote: Promote): Child[] {
  const entries = versions.map((version) => versionEntry(version, version.id === current, promote));
  const isBase = current === 'base';
  const base = el(
    'p',
    { class: 'fact' },
    pill(isBase ? 'in service' : 'base', isBase ? 'good' : ''),
    " the model's own prompt encoder ",
    isBase ? undefined : promoteButton('base', "the model's own", promote),
  );
  return [...(entries.length === 0 ? [empty('Nothing has been learned yet.')] : entries), base, changes(history)];
}

function versionEntry(version: VersionView, inService: boolean, promote: Promote): HTMLElement {
  const { id, number, outcome, reason, createdMs, parent, metrics, seed, code } = version;
  const { gate, training, notes } = metrics;
  const data = trainedOn(training);
  const head = [
    el('strong', { class: 'name' }, `v${number}`),
    inService ? pill('in service', 'good') : outcomePill(outcome, gate),
    gateResult(gate),
    el('span', { class: 'grow quiet' }, ago(createdMs)),
  ];
  const inside = [
    el('p', {}, reason),
    el('p', { class: 'quiet' }, 'Trained ', ago(createdMs), `${data}. From ${parent ?? "the model's own"}, seed ${seed}, prosam ${code}.`),
    ...notes.map((note) => el('p', { class: 'quiet' }, note)),
    gate && gateChart(gate),
    training && lossCurve(training.curve, 'Training loss'),
    el('p', {}, el('code', {}, id), ' ', inService ? undefined : promoteButton(id, `version ${number}`, promote)),
  ];
  return foldable(id, `version ${id}`, head, el('div', { class: 'inside' }, ...inside));
}

function promoteButton(id: string, name: string, promote: Promote): HTMLButtonElement {
  const click = (): void => void promote(id, name);
  return el('button', { type: 'button', class: 'small acts-admin', 'data-key': `promote ${id}`, click }, 'Put into service');
}

function gateResult(gate: VersionView['metrics']['gate']): HTMLElement {
  if (gate === undefined) return el('span', { class: 'quiet' }, 'not measured');
  const kind = gate.candidate >= gate.current ? 'up' : 'down';
  const { gain, pairs, changed } = gate;
  const title = [
    ...(gain ? [`gain ${signed(gain.mean)}, 95 % interval ${signed(gain.low)} to ${signed(gain.high)}`] : []),
    ...(pairs === undefined ? [] : [`${pairs} held-out pairs`]),
    ...(changed === undefined ? [] : [`${changed} masks changed visibly`]),
  ].join(', ');
  return el('span', { title }, `IoU ${decimal(gate.current)} \u2192 `, el('strong', { class: kind }, decimal(gate.candidate)));
}

function outcomePill(outcome: string, gate: VersionView['metrics']['gate']): HTMLElement {
  if (outcome === 'rejected' && gate?.decision === 'learn') return pill('learns on', '');
  return pill(outcome, outcome === 'rejected' ? 'warn' : '');
}

function signed(value: number): string {
  return `${value < 0 ? '\u2212' : '+'}${decimal(Math.abs(value))}`;
}

function trainedOn(training: VersionView['metrics']['training']): string {
  const { images, masks, seconds } = training ?? {};
  const facts = [
    images === undefined ? [] : [`${images} images`],
    masks === undefined ? [] : [`${masks} masks`],
    seconds === undefined ? [] : [`in ${duration(seconds)}`],
  ].flat();
  return facts.length > 0 ? ` on ${facts.join(', ')}` : '';
}

function changes(history: VersionsState['history']): Child {
  if (history.length === 0) return undefined;
  const rows = history.map(({ createdMs, to, reason }) => [ago(createdMs), el('code', {}, to ?? 'base'), reason]);
  return foldable('history', 'history', [el('strong', { class: 'name' }, 'Changes')], table(['When', 'To', 'Why'], rows));
}

function foldable(id: string, key: string, head: readonly Child[], inside: Node): HTMLDetailsElement {
  const toggle = (): unknown => (details.open ? opened.add(id) : opened.delete(id));
  const details = el('details', { open: opened.has(id), toggle }, el('summary', { 'data-key': key }, ...head), inside);
  return details;
}
