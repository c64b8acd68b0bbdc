/** Gain of learning so far: the IoU on held-out images after each gate, by label. */
import type { VersionRecord } from '../ports/versions.ts';

/** Quality of one label's masks over the masks that people have accepted. */
export interface LabelCurve {
  label: string;
  /** Oldest first. accepted: masks of the label when the run began; iou: of what answers since, on held-out images, 0 to 1. */
  points: { accepted: number; iou: number; encoderVersion: string }[];
}

/** versions: of one project, in any order. Those of a gate that told nothing of the masks accepted are left out. */
export function learningCurves(versions: readonly VersionRecord[]): LabelCurve[] {
  const curves = new Map<string, LabelCurve>();
  for (const { id, metrics } of [...versions].sort((a, b) => a.number - b.number)) {
    const { decision, labels } = ((metrics as { gate?: unknown } | null)?.gate ?? {}) as { decision?: unknown; labels?: unknown };
    for (const row of Array.isArray(labels) ? (labels as unknown[]) : []) {
      const { label, accepted, current, candidate } = (row ?? {}) as Record<string, unknown>;
      const iou = decision === 'promote' ? candidate : current;
      if (typeof label !== 'string' || typeof accepted !== 'number' || typeof iou !== 'number') continue;
      const curve = curves.get(label) ?? { label, points: [] };
      curve.points.push({ accepted, iou, encoderVersion: id });
      curves.set(label, curve);
    }
  }
  return [...curves.values()].sort((a, b) => (a.label < b.label ? -1 : 1));
}

const SHOWN_POINTS = 6;

/** "after 12 masks 0.61, after 24 0.70": the first, and the newest ones. */
export function curveText({ points }: Pick<LabelCurve, 'points'>): string {
  const shown = points.length > SHOWN_POINTS ? [points[0], ...points.slice(1 - SHOWN_POINTS)] : points;
  return shown
    .map((point, i) =>
      point ? `after ${point.accepted}${i === 0 ? (point.accepted === 1 ? ' mask' : ' masks') : ''} ${point.iou.toFixed(2)}` : '',
    )
    .join(', ');
}
