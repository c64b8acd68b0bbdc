/** Whether a candidate may take the place of the current version, and why, in words and metrics. */

/** One held-out pair answered by both versions. */
export interface GatePair {
  label: string;
  /** sha256 of the images. */
  reference: string;
  target: string;
  /** IoU of the current version's mask, or of what there was before any, 0 to 1. */
  current: number;
  candidate: number;
}

export interface GateRule {
  margin: number;
  labelMargin: number;
  minLabelPairs: number;
}

export interface GateMetrics extends GateRule {
  pairs: number;
  /** Mean over labels of the mean IoU of their pairs, 0 to 1. */
  current: number;
  candidate: number;
  labels: { label: string; pairs: number; current: number; candidate: number }[];
}

export interface GateDecision {
  promote: boolean;
  reason: string;
  metrics: GateMetrics;
}

const NAMED_LABELS = 3;

/** pairs: at least one. against: what `current` stands for. */
export function judge(pairs: readonly GatePair[], rule: GateRule, against = 'the current version'): GateDecision {
  const metrics = metricsOf(pairs, rule);
  const { current, candidate } = metrics;
  const on = `on ${pairs.length} held-out ${pairs.length === 1 ? 'pair' : 'pairs'}`;
  const change = `mIoU ${shown(current)} -> ${shown(candidate)} ${on}`;
  if (isWorse(current, candidate, rule.margin))
    return { promote: false, metrics, reason: `${change}: worse than ${against} by more than ${rule.margin}` };
  const lost = metrics.labels
    .filter((row) => row.pairs >= rule.minLabelPairs && isWorse(row.current, row.candidate, rule.labelMargin))
    .sort((a, b) => a.candidate - a.current - (b.candidate - b.current));
  if (lost.length === 0) return { promote: true, metrics, reason: `${change}: ${wordFor(current, candidate, against)}` };
  const named = lost.slice(0, NAMED_LABELS).map((row) => `${row.label} ${shown(row.current)} -> ${shown(row.candidate)}`);
  const more = lost.length > NAMED_LABELS ? ` and ${lost.length - NAMED_LABELS} more labels` : '';
  return { promote: false, metrics, reason: `${change}, but worse by more than ${rule.labelMargin} on ${named.join(', ')}${more}` };
}

function metricsOf(pairs: readonly GatePair[], { margin, labelMargin, minLabelPairs }: GateRule): GateMetrics {
  const byLabel = new Map<string, GatePair[]>();
  for (const pair of pairs) {
    const group = byLabel.get(pair.label);
    if (group) group.push(pair);
    else byLabel.set(pair.label, [pair]);
  }
  const labels = [...byLabel].map(([label, group]) => ({
    label,
    pairs: group.length,
    current: mean(group.map((pair) => pair.current)),
    candidate: mean(group.map((pair) => pair.candidate)),
  }));
  labels.sort((a, b) => (a.label < b.label ? -1 : 1));
  return {
    pairs: pairs.length,
    current: mean(labels.map((row) => row.current)),
    candidate: mean(labels.map((row) => row.candidate)),
    labels,
    ...{ margin, labelMargin, minLabelPairs },
  };
}

/** Sums of the same metrics in another order differ in their last bits. */
const ROUNDING = 1e-9;

/** Also where a metric is not a number. */
function isWorse(current: number, candidate: number, margin: number): boolean {
  return !(candidate >= current - margin - ROUNDING);
}

function wordFor(current: number, candidate: number, against: string): string {
  if (candidate > current + ROUNDING) return `better than ${against}`;
  return candidate < current - ROUNDING ? `no worse than ${against} within the margin` : `as good as ${against}`;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function shown(value: number): string {
  return value.toFixed(3);
}
