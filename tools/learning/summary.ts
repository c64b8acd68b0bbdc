/** Measurements as tables for a terminal and for documents. */
import { CONTENT, MAX_CLICKS } from './clicks.ts';
import type { Measured, Point } from './rows.ts';
import { ABOUT } from './ways.ts';
import { markdownTable } from '../markdown.ts';

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(3)}`;

/** -> Markdown */
export function summaryText({ base, ways, steps, groups, cells }: Measured): string {
  const head = ['', ...steps.map((step) => `${step} accepted`)];
  const byStep = (points: readonly Point[], text: (point: Point) => string) => (way: string) => [
    way,
    ...steps.map((step) => {
      const found = points.find((point) => point.way === way && point.accepted === step);
      return found ? text(found) : '-';
    }),
  ];
  const others = ways.filter((way) => way !== base);
  const parts = groups.flatMap(({ name, projects, points }) => [
    `## ${name}: ${projects.join(', ')}`,
    `Mean IoU on images that nobody labeled (projects)\n\n${markdownTable(head, ways.map(byStep(points, ({ iou, projects: count }) => `${iou.toFixed(3)} (${count})`)))}`,
    `Share of the pixels to correct\n\n${markdownTable(head, ways.map(byStep(points, ({ corrected }) => `${(100 * corrected).toFixed(2)} %`)))}`,
    `Clicks until the mask has an IoU of ${CONTENT} (${MAX_CLICKS} at most); each in the middle of the largest region that is wrong\n\n${markdownTable(head, ways.map(byStep(points, ({ clicks }) => clicks.toFixed(2))))}`,
    `IoU ahead of "${base}" on the same images, with 95 % intervals; the label furthest behind\n\n${markdownTable(
      head,
      others.map(
        byStep(
          points,
          ({ ahead, worst }) =>
            `${signed(ahead.value)} (${signed(ahead.low)} to ${signed(ahead.high)}); ${worst?.project} ${signed(worst?.ahead ?? 0)}`,
        ),
      ),
    )}`,
  ]);
  const projects = [...new Set(cells.map(({ project }) => project))];
  const each = markdownTable(
    ['label', 'way', ...head.slice(1)],
    projects.flatMap((project) =>
      ways.map((way) => [
        project,
        way,
        ...steps.map(
          (step) => cells.find((cell) => cell.project === project && cell.way === way && cell.accepted === step)?.iou.toFixed(3) ?? '-',
        ),
      ]),
    ),
  );
  return [...parts, '## Labels', each, ...ways.map((way) => `${way}: ${ABOUT[way]}`)].join('\n\n');
}
