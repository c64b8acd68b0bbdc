/** Whether a candidate may take the place of the current version, and why, in words and metrics. */
import { gainInterval, type Interval } from './interval.ts';
import { groupedBy } from '../core/common/grouped.ts';

/** One label in one held-out image, answered with the live version and with the candidate in its place. */
export interface GatePair {
  label: string;
  /** sha256 of the image. */
  target: string;
  /** A person found nothing of the label in the image: a mask there is an error. */
  absent?: true;
  /** IoU of the mask that is given without the candidate, 0 to 1; where the label is absent 1 for none and 0 for one. */
  current: number;
  candidate: number;
  /** Methods whose masks were given. */
  methods: { current: string; candidate: string };
  /** IoU of the two masks with each other. */
  agreement: number;
  /** Whether a person would see a difference. */
  changed: boolean;
}

export interface GateRule {
  /** Lower end of the interval that is tolerated below zero. */
  margin: number;
  labelMargin: number;
  minLabelPairs: number;
  minGateImages: number;
}

/** 'learn': not deployed, and the next run goes on from its weights. */
export type GateVerdict = 'promote' | 'learn' | 'reject';

export interface LabelMetrics {
  label: string;
  pairs: number;
  current: number;
  candidate: number;
  /** Whether a mask of it changed visibly in any held-out image. */
  changed: boolean;
  /** Images without it, and those of them in which a mask was given all the same. */
  absent?: { images: number; current: number; candidate: number };
}

export interface GateMetrics extends GateRule {
  decision: GateVerdict;
  pairs: number;
  images: number;
  /** Mean over labels of the mean score of their pairs, 0 to 1. */
  current: number;
  candidate: number;
  /** Gain of the candidate, with the ends of its 95 % interval over images. */
  gain: Omit<Interval, 'images'>;
  /** Pairs whose masks changed visibly. */
  changed: number;
  labels: LabelMetrics[];
}

export interface GateDecision {
  decision: GateVerdict;
  reason: string;
  metrics: GateMetrics;
}

const NAMED_LABELS = 3;

/** pairs: at least one. against: what `current` stands for. */
export function judge(pairs: readonly GatePair[], rule: GateRule, against = 'the current version'): GateDecision {
  const { margin, labelMargin, minLabelPairs, minGateImages } = rule;
  const { images, ...gain } = gainInterval(
    pairs.map(({ label, target, current, candidate }) => ({ label, image: target, gain: candidate - current })),
  );
  const labels = labelsOf(pairs);
  const metrics = {
    ...{ pairs: pairs.length, images, gain, labels, margin, labelMargin, minLabelPairs, minGateImages },
    ...{ current: mean(labels.map(({ current }) => current)), candidate: mean(labels.map(({ candidate }) => candidate)) },
    changed: pairs.filter(({ changed }) => changed).length,
  };
  const ended = (decision: GateVerdict, why: string): GateDecision => ({
    ...{ decision, metrics: { decision, ...metrics } },
    reason: `${changeOf(metrics)}: ${why}`,
  });
  const lost = labels
    .filter((row) => row.pairs >= minLabelPairs && row.candidate < row.current - labelMargin - ROUNDING)
    .sort((a, b) => a.candidate - a.current - (b.candidate - b.current));
  if (!Number.isFinite(gain.mean)) return ended('reject', 'not a number');
  if (metrics.changed === 0) return ended('learn', 'no visible change');
  if (images < minGateImages) return ended('learn', `too few images to tell (${minGateImages} are needed)`);
  if (gain.high < -margin - ROUNDING) return ended('reject', `worse than ${against}`);
  if (lost.length > 0) {
    const named = lost.slice(0, NAMED_LABELS).map((row) => `${row.label} ${shown(row.current)} -> ${shown(row.candidate)}`);
    const more = lost.length > NAMED_LABELS ? ` and ${lost.length - NAMED_LABELS} more labels` : '';
    return ended('reject', `worse by more than ${labelMargin} on ${named.join(', ')}${more}`);
  }
  if (margin === 0 ? gain.low > 0 : gain.low >= -margin - ROUNDING)
    return ended('promote', gain.low > 0 ? `better than ${against}` : `no worse than ${against} within the margin`);
  return ended('learn', `not surely better than ${against}`);
}

function changeOf({ current, candidate, gain, pairs, images }: Omit<GateMetrics, 'decision'>): string {
  const on = `on ${counted(pairs, 'held-out pair')} in ${counted(images, 'image')}`;
  return `mIoU ${shown(current)} -> ${shown(candidate)} ${on}, gain ${signed(gain.mean)} (95 % interval ${signed(gain.low)} to ${signed(gain.high)})`;
}

function labelsOf(pairs: readonly GatePair[]): LabelMetrics[] {
  const labels = [...groupedBy(pairs, ({ label }) => label)].map(([label, group]): LabelMetrics => {
    const absent = group.filter((pair) => pair.absent);
    const drawn = (of: 'current' | 'candidate'): number => absent.filter((pair) => pair[of] === 0).length;
    return {
      ...{ label, pairs: group.length },
      ...{ current: mean(group.map((pair) => pair.current)), candidate: mean(group.map((pair) => pair.candidate)) },
      changed: group.some(({ changed }) => changed),
      ...(absent.length > 0 && { absent: { images: absent.length, current: drawn('current'), candidate: drawn('candidate') } }),
    };
  });
  return labels.sort((a, b) => (a.label < b.label ? -1 : 1));
}

/** Sums of the same metrics in another order differ in their last bits. */
const ROUNDING = 1e-9;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function shown(value: number): string {
  return value.toFixed(3);
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${shown(Math.abs(value))}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
