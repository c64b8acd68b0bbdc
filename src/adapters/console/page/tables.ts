/** Annotations and errors as tables. */
import { el } from '../../../client/page/elements.ts';
import type { AnnotationView, ErrorView } from '../responses.ts';
import { ago, empty } from './format.ts';
import { imageElement } from './images.ts';

type Cell = Node | string;
/** Longer cells are kept wide enough to read. */
const LONG_CELL = 40;

export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): HTMLElement {
  const lengthOf = (cell: Cell): number => (typeof cell === 'string' ? cell : (cell.textContent ?? '')).length;
  const cells = (row: readonly Cell[]): Node[] => row.map((cell) => el('td', { class: lengthOf(cell) > LONG_CELL && 'text' }, cell));
  const heads = head.map((text) => el('th', { scope: 'col' }, text));
  return el(
    'div',
    { class: 'table' },
    el('table', {}, el('thead', {}, el('tr', {}, ...heads)), el('tbody', {}, ...rows.map((row) => el('tr', {}, ...cells(row))))),
  );
}

export type Flag = (annotation: AnnotationView, flagged: boolean) => Promise<void>;

export function annotationTable(annotations: readonly AnnotationView[], mayWrite: boolean, flag: Flag): HTMLElement {
  if (annotations.length === 0) return empty('None yet. POST /v1/annotations stores one.');
  const rows = annotations.map((one) => {
    const labels = one.labels.map(({ label }) => label).join(', ');
    const image = imageElement(one.project, one.sha256, { alt: `Image of ${one.externalId}`, class: 'thumb' });
    return [
      image,
      [labels, ...(one.absent === undefined ? [] : [`without ${one.absent.join(', ')}`])].filter((text) => text !== '').join('; ') ||
        '(none)',
      one.provenance.replace('_', ' '),
      one.annotator ?? one.source,
      ago(one.createdMs),
      star(one, mayWrite, flag),
    ];
  });
  return table(['Image', 'Label', 'How', 'Who', 'When', 'First'], rows);
}

function star(annotation: AnnotationView, mayWrite: boolean, flag: Flag): HTMLButtonElement {
  const { source, externalId, flagged } = annotation;
  return el(
    'button',
    {
      type: 'button',
      class: 'star',
      disabled: !mayWrite,
      'aria-pressed': String(flagged),
      'aria-label': `Use ${externalId} as a reference first`,
      title: 'Use as a reference before all others',
      'data-key': `${source} ${externalId}`,
      click: () => void flag(annotation, !flagged),
    },
    flagged ? '\u2605' : '\u2606',
  );
}

/** shown: text for where something happened, such as a project. */
export function errorTable(errors: readonly ErrorView[], shown: (where: string) => string): HTMLElement {
  if (errors.length === 0) return empty('None since the start.');
  const rows = errors.map(({ createdMs, code, message, where, hint }) => [
    ago(createdMs),
    el('code', {}, code),
    el('div', {}, message, el('div', { class: 'quiet' }, shown(where))),
    hint ?? '',
  ]);
  return table(['When', 'Code', 'What happened', 'What to do'], rows);
}
