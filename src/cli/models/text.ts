/** Learned versions as text. */
import type { PointerChange, VersionRecord } from '../../service/ports/versions.ts';
import { curveText, learningCurves } from '../../service/learning/curve.ts';
import { BASE } from '../../service/serving.ts';
import { textTable } from '../common/text-table.ts';

/** Results of the learner's gate in a version's metrics; any of them may be missing in versions of another origin. */
export interface GateSummary {
  /** 'learn': not deployed, and the next run goes on from it. */
  decision?: string;
  pairs?: number;
  images?: number;
  current?: number;
  candidate?: number;
  gain?: { mean: number; low: number; high: number };
  /** Pairs whose masks changed visibly. */
  changed?: number;
  labels?: {
    label: string;
    pairs: number;
    current: number;
    candidate: number;
    changed?: boolean;
    /** Masks of it that had been accepted. */
    accepted?: number;
    absent?: { images: number; current: number; candidate: number };
  }[];
}

export function gateOf({ metrics }: Pick<VersionRecord, 'metrics'>): GateSummary {
  return (metrics as { gate?: GateSummary } | null)?.gate ?? {};
}

export function percent(share: number | undefined): string {
  return share === undefined ? '-' : (100 * share).toFixed(1);
}

/** Gain in percent with its 95 % interval. */
export function gainText({ gain }: GateSummary): string {
  if (gain === undefined) return '-';
  const signed = (share: number): string => `${share < 0 ? '' : '+'}${percent(share)}`;
  return `${signed(gain.mean)} (${signed(gain.low)} to ${signed(gain.high)})`;
}

/** State of a version that is not in service. */
function outcomeText(version: Pick<VersionRecord, 'outcome' | 'metrics'>): string {
  return version.outcome === 'rejected' && gateOf(version).decision === 'learn' ? 'learns on' : version.outcome;
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

/** Table of versions. current: live id by project. */
export function versionTable(versions: readonly VersionRecord[], current: ReadonlyMap<string, string | undefined>): string[] {
  if (versions.length === 0) return ['no versions yet: the learner makes them from accepted annotations (prosam learn)'];
  const rows = versions.map((version) => {
    const { pairs, current: before, candidate } = gateOf(version);
    const inService = current.get(version.project) === version.id ? 'in service' : outcomeText(version);
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
    ['state', inService ? 'in service' : outcomeText(version)],
    ['reason', version.reason],
    ['gain', gainText(gate)],
    ['parent', version.parent ?? BASE],
    ['base model', version.baseModel],
    ['made (UTC)', day(version.createdMs)],
    ['run', version.runId],
    ['seed', String(version.seed)],
    ['data', version.data],
    ['code', version.code],
    ['weights', version.weights],
  ] as const;
  return [
    version.id,
    ...facts.map(([name, value]) => `  ${name.padEnd(12)}${value}`),
    ...labelLines(gate),
    ...history.map(({ createdMs, from, to, reason }) => `${day(createdMs)}  ${from ?? BASE} -> ${to ?? BASE}: ${reason}`),
  ];
}

/** Table of the gate's labels; nothing where there are none. */
export function labelLines({ labels = [] }: GateSummary): string[] {
  if (labels.length === 0) return [];
  const rows = labels.map(({ label, accepted, pairs, current, candidate, changed, absent }) => [
    ...[label, String(accepted ?? '-'), String(pairs), percent(current), percent(candidate)],
    changed === undefined ? '-' : changed ? 'yes' : 'no',
    absent === undefined ? '-' : `${absent.current} -> ${absent.candidate} of ${absent.images}`,
  ]);
  const head = ['label', 'accepted', 'pairs', 'mIoU before', 'mIoU', 'masks changed', 'drawn where absent'];
  return ['', textTable({ head, rows })];
}

/** A line for each project and label: IoU on held-out images over the masks accepted. */
export function curveLines(versions: readonly VersionRecord[]): string[] {
  const lines = [...new Set(versions.map(({ project }) => project))].flatMap((project) =>
    learningCurves(versions.filter((version) => version.project === project)).map(
      (curve) => `${project}, ${curve.label}: ${curveText(curve)}`,
    ),
  );
  return lines.length === 0 ? [] : ['', 'IoU on held-out images', ...lines];
}
