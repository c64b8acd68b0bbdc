import { describe, expect, it } from 'vitest';
import { createProgress, duration } from '../../src/cli/progress.ts';

/** A terminal that remembers what was last written on its line. */
function terminal(columns: number): { out: NodeJS.WriteStream; lines: string[] } {
  const lines: string[] = [];
  const out = { isTTY: true, columns, write: (text: string) => lines.push(text.replace('\r\x1b[K', '')) };
  return { out: out as unknown as NodeJS.WriteStream, lines };
}

describe('the progress line', () => {
  it('fits the terminal, counts what was done before, and goes away at the end', () => {
    const { out, lines } = terminal(70);
    const progress = createProgress(100, out, 40);
    progress.advance('loss 0.812, sigma 0.130, mIoU 34.2 %');
    expect(lines[0]).toMatch(/^\[#+\.+\] 41\/100 .* left {2}loss 0\.812, sigma/);
    expect(lines[0]?.length).toBeLessThanOrEqual(69);
    for (let i = 41; i < 100; i++) progress.advance('');
    expect(lines.length).toBeLessThan(60); // not faster than anyone reads
    expect(lines.at(-2)).toContain('100/100');
    expect(lines.at(-1)).toBe('');
  });

  it('is silent where nobody watches', () => {
    const { out, lines } = terminal(80);
    const progress = createProgress(1, { ...out, isTTY: false } as unknown as NodeJS.WriteStream);
    progress.advance('x');
    progress.clear();
    expect(lines).toEqual([]);
  });
});

it.each([
  [0.2, '1 s'],
  [119, '119 s'],
  [600, '10 min'],
  [7500, '2 h 05 min'],
])('%d seconds are %s', (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
