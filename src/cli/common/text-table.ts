/** Table in plain text: columns of numbers to the right, everything else to the left. */

export interface TextTable {
  caption?: string;
  head: readonly string[];
  rows: readonly (readonly string[])[];
}

const NUMBER = /^([-+]?[\d.]+( %)?|-|[-+\d.]+ to [-+\d.]+)$/;

export function textTable({ caption, head, rows }: TextTable): string {
  const cell = (row: readonly string[], column: number): string => row[column] ?? '';
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => cell(row, column).length)));
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => NUMBER.test(cell(row, column))));
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => (right[column] ? cell(row, column).padStart(width) : cell(row, column).padEnd(width)))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width)).join('  ');
  return [...(caption === undefined ? [] : [caption]), line(head), rule, ...rows.map(line)].join('\n');
}
