import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { boxSummary } from '../../../../src/training/report/box-chart.ts';
import { boxChart, intervalChart, lineChart, scatterChart } from '../../../../src/training/report/charts.ts';
import { thinLine, type Point } from '../../../../src/training/report/thin.ts';

function attributes(svg: string, name: string, attribute: string): string[] {
  return [...svg.matchAll(new RegExp(`<${name} [^>]*?\\b${attribute}="([^"]*)"`, 'g'))].map(([, value]) => value as string);
}

function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text as string);
}

/** Paths of lines: start points of every stretch. */
function stretches(svg: string): number {
  return attributes(svg, 'path', 'd').join('').split('M').length - 1;
}

const AXES = { title: 'Loss & more', x: 'step', y: 'loss' };

describe('every chart', () => {
  const awkward = fc.oneof(
    fc.double({ min: -1e12, max: 1e12 }),
    fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 1e-12, 5, 5e-324, 1e12 + 1 / 8192),
    fc.integer(),
  );
  const name = fc.oneof(fc.string(), fc.constant('<&">'.repeat(30)));
  const points = fc.array(fc.tuple(awkward, awkward), { maxLength: 30 });
  const series = fc.array(fc.record({ name, points }), { maxLength: 9 });

  test('is drawn from any data: nothing that is no number in it, no markup from names', () => {
    const groups = fc.array(fc.record({ name, values: fc.array(awkward, { maxLength: 30 }) }), { maxLength: 9 });
    const rows = fc.array(fc.record({ name, value: awkward, low: awkward, high: awkward }), { maxLength: 9 });
    fc.assert(
      fc.property(series, groups, rows, fc.boolean(), (some, boxes, intervals, logY) => {
        const all = [
          lineChart({ ...AXES, series: some, logY }),
          scatterChart({ ...AXES, series: some }),
          boxChart({ title: 't', y: 'y', groups: boxes }),
          intervalChart({ title: 't', x: 'x', rows: intervals }),
        ];
        for (const svg of all) {
          const shapes = svg.replace(/<(text|title)\b[^>]*>[^<]*<\/\1>/g, '');
          expect(shapes).not.toMatch(/NaN|Infinity|undefined/);
          expect(svg).toMatch(/^<svg [^]*<title>[^]*<\/svg>$/);
          expect(svg.match(/<(?!\/?(svg|title|text|line|path|circle|rect|g)\b)/)).toBeNull();
        }
      }),
      { numRuns: 300 },
    );
  });

  test('is sound SVG with its title for screen readers, the axes in the colour of the text around it', async () => {
    const line = { name: 'a & b', points: [[1, 2] as const, [2, 3] as const] };
    const all = [
      lineChart({ ...AXES, series: [line] }),
      scatterChart({ ...AXES, series: [line, line] }),
      boxChart({ ...AXES, groups: [{ name: 'a & b', values: [1, 2, 3, 40] }] }),
      intervalChart({ ...AXES, rows: [{ name: 'a & b', value: 1, low: -1, high: 2 }] }),
    ];
    for (const svg of all) {
      expect(svg).toContain('<title>Loss &#38; more</title>');
      expect(svg).toContain('currentColor');
      expect(svg).toContain('role="img"');
      expect(texts(svg)).toContain('a &#38; b');
      expect(await sharp(Buffer.from(svg)).metadata()).toMatchObject({ format: 'svg', width: 720 });
    }
  });
});

describe('lineChart', () => {
  test('names series and axes; colours differ, and after six the dashes do', () => {
    const series = Array.from({ length: 8 }, (_, i) => ({ name: `s${i}`, points: [[0, i] as const, [1, i] as const] }));
    const svg = lineChart({ ...AXES, series });
    for (const text of ['step', 'loss', 's0', 's7']) expect(texts(svg)).toContain(text);
    const looks = [...svg.matchAll(/<path [^>]*>/g)].map(
      ([path]) => `${/stroke="(.*?)"/.exec(path)?.[1]} ${/dasharray="(.*?)"/.exec(path)?.[1]}`,
    );
    expect(new Set(looks).size).toBe(8);
  });

  test('what is not finite is a gap, and a point between two gaps a dot', () => {
    const points: Point[] = [
      [0, 1],
      [1, 2],
      [2, NaN],
      [3, 2],
      [4, Infinity],
      [5, 1],
      [6, 1],
    ];
    const svg = lineChart({ ...AXES, series: [{ name: 'a', points }] });
    expect(stretches(svg)).toBe(2);
    expect(attributes(svg, 'circle', 'cx')).toHaveLength(1);
  });

  test('a logarithmic axis leaves out zero and less, and has powers of ten evenly apart', () => {
    const points: Point[] = [
      [0, 1],
      [1, 0.01],
      [2, 0],
      [3, 0.0001],
      [4, 1],
    ];
    const svg = lineChart({ ...AXES, series: [{ name: 'a', points }], logY: true });
    expect(stretches(svg)).toBe(2);
    const heights = ['1', '0.1', '0.01', '0.001', '1e−4'].map((text) =>
      Number(new RegExp(`y="([\\d.]+)"[^>]*>${text}</text>`).exec(svg)?.[1]),
    );
    const steps = heights.slice(1).map((height, i) => height - (heights[i] as number));
    for (const step of steps) expect(step).toBeCloseTo(60, 0);
  });

  test('one point is a dot; none says so', () => {
    const svg = lineChart({
      ...AXES,
      series: [
        { name: 'a', points: [[7, 7]] },
        { name: 'b', points: [] },
      ],
    });
    expect(attributes(svg, 'circle', 'cx')).toHaveLength(1);
    expect(texts(svg)).toContain('b (no data)');
    expect(texts(svg)).not.toContain('no data');
    expect(texts(lineChart({ ...AXES, series: [] }))).toContain('no data');
  });

  test('values that differ by rounding alone get an axis around them', () => {
    for (const [low, high] of [
      [1e12, 1e12 + 1 / 8192],
      [-1e-323, -5e-324],
      [0.1, 0.1 + 2e-17],
      [3, 3],
    ] as const) {
      const points: Point[] = [
        [100, low],
        [200, high],
      ];
      const svg = lineChart({ ...AXES, series: [{ name: 'a', points }] });
      const ticks = texts(svg).filter((text) => /^[−\d.,e]+$/.test(text));
      expect(new Set(ticks).size).toBe(ticks.length);
      const line = [...(attributes(svg, 'path', 'd')[0] as string).matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
      expect(Math.abs((line[0] as number) - (line[1] as number))).toBeLessThan(1);
    }
  });

  test('a faint line has the colour of the one before it, lies below it and is not in the legend', () => {
    const points: Point[] = [
      [0, 1],
      [1, 2],
    ];
    const svg = lineChart({
      ...AXES,
      series: [
        { name: 'a', points },
        { name: 'raw', points, faint: true },
        { name: 'b', points },
      ],
    });
    expect(texts(svg)).not.toContain('raw');
    const [first, second, third] = attributes(svg, 'path', 'stroke');
    expect(first).toBe(second);
    expect(third).not.toBe(second);
    expect(attributes(svg, 'path', 'stroke-width')).toEqual(['1', '2', '2']);
  });

  test('a hundred thousand points stay small and keep their spikes', () => {
    const points = Array.from({ length: 100_000 }, (_, i): Point => [i, i === 54_321 ? 50 : Math.sin(i)]);
    const svg = lineChart({ ...AXES, series: [{ name: 'a', points }] });
    expect(svg.length).toBeLessThan(60_000);
    const heights = [...(attributes(svg, 'path', 'd')[0] as string).matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
    const top = Math.min(...heights);
    expect(heights.filter((y) => y < top + 100)).toEqual([top]); // the spike, far above all others
  });
});

describe('thinLine', () => {
  test('at most four points a column; ends, lowest and highest stay; order stays', () => {
    const rising = fc.array(fc.tuple(fc.double({ min: 0, max: 12, noNaN: true }), fc.double({ min: -5, max: 5, noNaN: true })), {
      minLength: 1,
      maxLength: 200,
    });
    fc.assert(
      fc.property(rising, (unsorted) => {
        const points = unsorted.toSorted((a, b) => a[0] - b[0]);
        const kept = thinLine(points);
        const places = kept.map((point) => points.indexOf(point as [number, number]));
        expect(places.every((place, i) => i === 0 || place > (places[i - 1] as number))).toBe(true);
        for (const column of new Set(points.map(([x]) => Math.round(x)))) {
          const of = (all: readonly Point[]): number[] => all.filter(([x]) => Math.round(x) === column).map(([, y]) => y);
          const [before, after] = [of(points), of(kept)];
          expect(after.length).toBeLessThanOrEqual(4);
          expect([Math.min(...after), Math.max(...after), after[0], after.at(-1)]).toEqual([
            Math.min(...before),
            Math.max(...before),
            before[0],
            before.at(-1),
          ]);
        }
      }),
    );
  });
});

describe('boxSummary', () => {
  test('median, quartiles by interpolation, whiskers within 1.5 interquartile ranges, the rest outliers', () => {
    expect(boxSummary([4, 1, 3, 2, 20])).toEqual({ low: 1, high: 4, lowerQuartile: 2, median: 3, upperQuartile: 4, outliers: [20] });
    expect(boxSummary([0, 1])).toMatchObject({ lowerQuartile: 0.25, median: 0.5, upperQuartile: 0.75, outliers: [] });
    expect(boxSummary([7, NaN])).toEqual({ low: 7, high: 7, lowerQuartile: 7, median: 7, upperQuartile: 7, outliers: [] });
    expect(boxSummary([NaN, Infinity])).toBeUndefined();
  });
});

describe('boxChart', () => {
  test('one box a group, outliers as dots, names slanted only where they would not fit', () => {
    const short = boxChart({
      title: 't',
      y: 'IoU',
      groups: [
        { name: 'a', values: [1, 2, 3, 4, 20] },
        { name: 'a', values: [2] },
        { name: 'c', values: [] },
      ],
    });
    expect(attributes(short, 'rect', 'x')).toHaveLength(2);
    expect(attributes(short, 'circle', 'cx')).toHaveLength(1);
    expect(short).not.toContain('rotate(-35');
    const long = Array.from({ length: 8 }, (_, i) => ({ name: `a rather long name ${i}`, values: [i] }));
    expect(boxChart({ title: 't', y: 'IoU', groups: long })).toContain('rotate(-35');
  });
});

describe('scatterChart', () => {
  test('a dot per point, one for those on the same pixel, none for what is not finite', () => {
    const points: Point[] = [
      [0, 0],
      [1, 1],
      [1, 1],
      [NaN, 1],
      [0.5, Infinity],
    ];
    const svg = scatterChart({ ...AXES, series: [{ name: 'only', points }] });
    expect(stretches(svg)).toBe(2);
    expect(texts(svg)).not.toContain('only'); // one series needs no legend
  });
});

describe('intervalChart', () => {
  const row = (value: number, low: number, high: number): { name: string; value: number; low: number; high: number } => ({
    name: 'a',
    value,
    low,
    high,
  });

  test('shows where zero is only if the data lies on both sides', () => {
    expect(intervalChart({ title: 't', x: 'x', rows: [row(1, -1, 2)] })).toContain('stroke-dasharray="4 3"');
    expect(intervalChart({ title: 't', x: 'x', rows: [row(1, 0.5, 2)] })).not.toContain('stroke-dasharray="4 3"');
  });

  test('a value without an interval is a dot, no value a dash', () => {
    const svg = intervalChart({ title: 't', x: 'x', rows: [row(1, 0, 2), row(2, NaN, NaN), row(NaN, 0, 1)] });
    expect(attributes(svg, 'circle', 'cx')).toHaveLength(2);
    expect(stretches(svg)).toBe(1);
    expect(texts(svg)).toContain('–');
  });

  test('lies from low to high around its value', () => {
    const svg = intervalChart({ title: 't', x: 'x', rows: [row(3, 2, 5)] });
    const [, from, to] = /d="M([\d.]+) [\d.]+H([\d.]+)"/.exec(svg) as unknown as [string, string, string];
    const middle = Number(attributes(svg, 'circle', 'cx')[0]);
    expect((middle - Number(from)) / (Number(to) - Number(from))).toBeCloseTo(1 / 3, 2);
  });
});
