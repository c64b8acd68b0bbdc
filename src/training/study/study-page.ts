/** The page of a study: every table and chart in one file that needs nothing else. */
import type { Table } from '../evaluation/tables.ts';
import { boxChart, intervalChart, lineChart, scatterChart } from '../report/charts.ts';
import { figure, page, section, table } from '../report/page.ts';
import type { StudyChart, StudyResult } from './study-result.ts';

/** -> HTML */
export function studyPage({ study, data, settings, parts, notes }: StudyResult): string {
  return page({
    title: `prosam study ${study}: ${data}`,
    intro: notes.join(' '),
    sections: [
      ...parts.map(({ heading, tables, charts }) => section(heading, ...tables.map(tableOf), ...charts.map(chartOf))),
      section(
        'Settings',
        table({ head: ['setting', 'value'], rows: Object.entries(settings).map(([name, value]) => [name, String(value)]) }),
      ),
    ],
  });
}

/** Figures stay as they are written: the digits shown were chosen. */
function tableOf({ caption, head, rows }: Table): string {
  return table({ caption, head, rows });
}

function chartOf(chart: StudyChart): string {
  return figure(drawn(chart), chart.caption);
}

function drawn(chart: StudyChart): string {
  switch (chart.kind) {
    case 'box':
      return boxChart(chart.parts);
    case 'interval':
      return intervalChart(chart.parts);
    case 'line':
      return lineChart(chart.parts);
    case 'scatter':
      return scatterChart(chart.parts);
  }
}
