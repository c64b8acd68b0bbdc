/** Result of a study: numbers, tables and charts as data, ready for the screen, the page and a file. */
import type { Table } from '../evaluation/tables.ts';
import type { BoxChartParts, IntervalChartParts, LineChartParts, ScatterChartParts } from '../report/charts.ts';

export const STUDIES = ['distributions', 'strategies', 'backbones', 'annotations', 'domain-shift', 'prompt-region', 'flatness'] as const;
export type StudyName = (typeof STUDIES)[number];

/** A chart with what a reader must know to read it. */
export type StudyChart = { caption: string } & (
  | { kind: 'box'; parts: BoxChartParts }
  | { kind: 'interval'; parts: IntervalChartParts }
  | { kind: 'line'; parts: LineChartParts }
  | { kind: 'scatter'; parts: ScatterChartParts }
);

/** One question of a study and its answer. */
export interface StudyPart {
  heading: string;
  tables: Table[];
  charts: StudyChart[];
}

export interface StudyFindings {
  parts: StudyPart[];
  /** Notes a reader of the numbers needs, and conclusions. One sentence each. */
  notes: string[];
  /** The numbers behind tables and charts, in full digits. */
  figures: unknown;
}

export interface StudyResult extends StudyFindings {
  format: 'prosam-study/1';
  study: StudyName;
  /** Name of the data. */
  data: string;
  settings: Record<string, string | number>;
}
