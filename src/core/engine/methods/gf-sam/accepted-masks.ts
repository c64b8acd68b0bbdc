/** Masks that both gates let through. */
import type { OvershootingGate } from './overshooting-gate.ts';
import type { PositiveGate } from './positive-gate.ts';

/** Verdict of each mask: 1 through both gates, 2 through one of them, 0 through none. */
export function verdictsOf({ growth }: Pick<PositiveGate, 'growth'>, { agrees }: Pick<OvershootingGate, 'agrees'>): Uint8Array {
  return growth.map((grown, i) => (grown && agrees[i] ? 1 : grown || agrees[i] ? 2 : 0));
}

/**
 * Those through both gates; where there are none, the one of those through one whose cluster has the largest residual.
 * -> indices, none where every mask failed both
 */
export function acceptedMasks(verdicts: Uint8Array, residual: Float64Array): number[] {
  const accepted = indicesOf(verdicts, 1);
  if (accepted.length > 0) return accepted;
  const [first, ...others] = indicesOf(verdicts, 2);
  if (first === undefined) return [];
  return [others.reduce((best, i) => ((residual[i] as number) > (residual[best] as number) ? i : best), first)];
}

function indicesOf(verdicts: Uint8Array, verdict: number): number[] {
  return [...verdicts.keys()].filter((i) => verdicts[i] === verdict);
}
