/** Dependency table of ARCHITECTURE.md, made from the rules object. */
import { ROOMS, type Room } from './rooms.ts';

const BEGIN = '<!-- dependency table: made by npm run house -->';
const END = '<!-- end of the dependency table -->';

export function dependencyTable(rooms: readonly Room[] = ROOMS): string {
  const rows = rooms.map(({ place, knows, types, packages = [], byName = [], node, planned, why }) => {
    const may = [...knows.map((one) => (one === '' ? 'everything' : `\`${one}\``)), ...(types ?? []).map((one) => `types of \`${one}\``)];
    const needs = [...packages, ...(node === true ? ['Node'] : []), ...byName.map((one) => `${one} (by name)`)];
    return `| \`${place}\`${planned === true ? ' (planned)' : ''} | ${may.join(', ') || 'nothing'} | ${needs.join(', ') || 'none'} | ${why} |`;
  });
  return ['| room | may import | packages | reason |', '|---|---|---|---|', ...rows].join('\n');
}

/** The document with the table between its two markers. @throws Error where a marker is missing */
export function withTable(document: string, table = dependencyTable()): string {
  const from = document.indexOf(BEGIN);
  const to = document.indexOf(END);
  if (from < 0 || to < from)
    throw new Error(`expected the lines "${BEGIN}" and "${END}" in ARCHITECTURE.md, got none. Add them where the table belongs.`);
  return `${document.slice(0, from)}${BEGIN}\n${table}\n${document.slice(to)}`;
}
