/** The table "The paper in the code" of ARCHITECTURE.md: every file it names is there and holds the citation. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const ROW = /^\| (figure|equation|table) (\d+) \| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$/gm;

const rows = [...readFileSync('ARCHITECTURE.md', 'utf8').matchAll(ROW)].map(
  ([, kind = '', number = '', what = '', file = '', citation = '']) => ({
    ...{ kind, number: Number(number), what, file, citation: citation.trim() },
    name: `${kind} ${number}, ${what}`,
  }),
);

/** Numbers a citation names: "equations 5 to 7" names 5, 6 and 7; "tables 4 and 7" 4 and 7. */
function numbersOf(kind: string, citation: string): number[] {
  const said = new RegExp(`\\b${kind}s? ([\\d ]+(?:(?:to|and) \\d+)?)`).exec(citation)?.[1] ?? '';
  const [first = NaN, last = first] = [...said.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  return said.includes('to') ? Array.from({ length: last - first + 1 }, (_, i) => first + i) : [first, last];
}

/** Without the line breaks and stars of a comment. */
const flat = (text: string): string => text.replaceAll(/\n\s*(\*|\/\/)?\s*/g, ' ');

describe('the paper in the code', () => {
  it.each([
    ['figure', [2, 3, 5]],
    ['equation', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    ['table', [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ])('lists each %s', (kind, numbers) => {
    const listed = rows.filter((row) => row.kind === kind).map(({ number }) => number);
    expect([...new Set(listed)].sort((a, b) => a - b)).toEqual(numbers);
  });

  it.each(rows)('$name: $file cites it', ({ kind, number, file, citation }) => {
    expect(flat(readFileSync(file, 'utf8'))).toContain(citation);
    expect(numbersOf(kind, citation)).toContain(number);
  });
});
