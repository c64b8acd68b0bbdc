/** Learned versions as text. */
import type { PointerChange, VersionRecord } from '../../service/ports/versions.ts';
import { BASE } from '../../service/serving.ts';
import { textTable } from '../common/text-table.ts';

/** Results of the learner's gate in a version's metrics; any of them may be missing in versions of another origin. */
export interface GateSummary {
  pairs?: number;
  current?: number;
  candidate?: number;
  labels?: { label: string; pairs: number; current: number; candidate: number }[];
}

export function gateOf({ metrics }: Pick<VersionRecord, 'metrics'>): GateSummary {
  return (metrics as { gate?: GateSummary } | null)?.gate ?? {};
}

export function percent(share: number | undefined): string {
  return share === undefined ? '-' : (100 * share).toFixed(1);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

/** Table of versions. current: live id by project. */
export function versionTable(versions: readonly VersionRecord[], current: ReadonlyMap<string, string | undefined>): string[] {
  if (versions.length === 0) return ['no versions yet: the learner makes them from accepted annotations (prosam learn)'];
  const rows = versions.map((version) => {
    const { pairs, current: before, candidate } = gateOf(version);
    const inService = current.get(version.project) === version.id ? 'in service' : version.outcome;
    return [
      version.project,
      String(version.number),
      version.id,
      inService,
      percent(before),
      percent(candidate),
      String(pairs ?? '-'),
      day(version.createdMs),
    ];
  });
  const served = [...current].filter(([, id]) => id === undefined).map(([project]) => project);
  return [
    textTable({ head: ['project', 'no', 'id', 'state', 'mIoU before', 'mIoU', 'pairs', 'made (UTC)'], rows }),
    ...(served.length > 0 ? [`the model's own prompt encoder (${BASE}) is in service for: ${served.join(', ')}`] : []),
  ];
}

export function versionLines(version: VersionRecord, inService: boolean, history: readonly PointerChange[]): string[] {
  const gate = gateOf(version);
  const facts = [
    ['project', version.project],
    ['number', String(version.number)],
    ['state', inService ? 'in service' : version.outcome],
    ['reason', version.reason],
    ['parent', version.parent ?? BASE],
    ['base model', version.baseModel],
    ['made (UTC)', day(version.createdMs)],
    ['run', version.runId],
    ['seed', String(version.seed)],
    ['data', version.data],
    ['code', version.code],
    ['weights', version.weights],
  ] as const;
  const labels = (gate.labels ?? []).map((row) => [row.label, String(row.pairs), percent(row.current), percent(row.candidate)]);
  return [
    version.id,
    ...facts.map(([name, value]) => `  ${name.padEnd(12)}${value}`),
    ...(labels.length > 0 ? ['', textTable({ head: ['label', 'pairs', 'mIoU before', 'mIoU'], rows: labels })] : []),
    ...history.map(({ createdMs, from, to, reason }) => `${day(createdMs)}  ${from ?? BASE} -> ${to ?? BASE}: ${reason}`),
  ];
}
