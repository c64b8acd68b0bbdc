import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { bytesText, createByteProgress, createProgress, duration } from '../../../src/cli/common/progress.ts';

/** Time passes only where a test says so. */
beforeAll(() => void vi.useFakeTimers());
afterAll(() => void vi.useRealTimers());

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

describe('the progress line of bytes', () => {
  it('shows how much, how fast and how long still, counting only what came now', () => {
    const { out, lines } = terminal(100);
    const bar = createByteProgress('sam-vit-b', 4e8, out, 3e8);
    vi.advanceTimersByTime(60);
    bar.show(3.5e8);
    expect(lines[0]).toMatch(/^\[#+\.+\] 350 MB of 400 MB {2}[\d.]+ [MG]B\/s {2}1 s left {2}sam-vit-b/);
    expect(Number(/([\d.]+) MB\/s/.exec(lines[0] ?? '')?.[1] ?? 0)).toBeLessThan(900); // 50 MB in 60 ms, not 350
    bar.show(3.6e8);
    expect(lines).toHaveLength(1); // not faster than anyone reads
    bar.clear();
    expect(lines.at(-1)).toBe('');
  });

  it('fits a terminal that does not say how wide it is, and is silent where nobody watches', () => {
    const { out, lines } = terminal(0);
    createByteProgress('x'.repeat(200), 100, out).show(50);
    expect(lines[0]?.length).toBe(79);
    createByteProgress('x', 100, { ...out, isTTY: false } as unknown as NodeJS.WriteStream).show(50);
    expect(lines).toHaveLength(1);
  });
});

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [93_735_472, '93.7 MB'],
  [999_700, '1 MB'],
  [2_564_550_879, '2.56 GB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});
