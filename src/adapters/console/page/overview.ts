/** The head of the page and the tiles under it: who asks, what is served, and the numbers at a glance. */
import { el, element } from '../../../client/page/elements.ts';
import type { OverviewResponse, ProjectResponse } from '../responses.ts';
import { token } from './connection.ts';
import { duration, type PillKind } from './format.ts';
import { show } from './redraw.ts';

/** Buttons are shown to those who may use them. */
export function showAccess({ name, access }: OverviewResponse['caller']): void {
  element('access').textContent = access === 'read' ? `${name} (read only)` : `${name} (${access})`;
  element('token-button').textContent = token() === '' ? 'Use a token' : 'Token';
  document.body.classList.toggle('may-write', access === 'write' || access === 'admin');
  document.body.classList.toggle('may-admin', access === 'admin');
}

export function showReady(text: string, kind?: PillKind): void {
  const pill = element('ready');
  pill.textContent = text;
  if (kind !== undefined) pill.className = `pill ${kind}`;
}

export function showStatus({ ready, problems, baseModel, device }: OverviewResponse['status']): void {
  if (!ready) showReady('not ready', 'bad');
  else if (problems.length > 0) showReady('ready, in part', 'warn');
  else showReady('ready', 'good');
  element('device').textContent = `${baseModel} on ${device}`;
  show('problems', problems, (list) => list.map((text) => el('li', {}, text)));
}

/** Name of a project with its title in the tool it comes from. */
export function projectText(name: string, titles: OverviewResponse['titles']): string {
  return Object.hasOwn(titles, name) ? `${titles[name]} (${name})` : name;
}

export function showProjects(projects: readonly string[], titles: OverviewResponse['titles'], chosen: string): void {
  const select = element('project', HTMLSelectElement);
  const shown = [...select.options].map(({ textContent }) => textContent);
  const texts = projects.map((name) => projectText(name, titles));
  if (shown.join('\n') !== texts.join('\n')) {
    select.replaceChildren(...projects.map((name, i) => el('option', { value: name }, texts[i])));
  }
  select.value = chosen;
  select.disabled = projects.length === 0;
}

export function showTiles({ engineQueue: queue, messages, startedMs }: OverviewResponse['status'], info?: ProjectResponse['info']): void {
  const waiting = Object.values(messages).reduce((sum, count) => sum + count, 0);
  const tiles: [name: string, value: number | string][] = [
    ['images', info?.images ?? 0],
    ['annotated', info?.annotated ?? 0],
    ['masks', info?.masks ?? 0],
    ['labels', info?.concepts.length ?? 0],
    [`computing / waiting of ${queue.limit}`, `${queue.running} / ${queue.waiting}`],
    ['messages waiting', waiting],
    ['up for', duration((Date.now() - startedMs) / 1000)],
  ];
  show('tiles', tiles, (list) => list.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, String(value)))));
}
