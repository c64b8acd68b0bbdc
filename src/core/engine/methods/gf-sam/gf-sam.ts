/**
 * No training: GF-SAM (Zhang, Wang, Liu, Chen, Wang, Guo: Bridge the Points, NeurIPS 2024). Cells that are close to the object become
 * point prompts, SAM draws a mask for each, and masks that cover each other's points form clusters. Two gates decide which masks are the
 * object's: one asks whether a mask adds more of the object than of the rest, the other whether a cluster's points resemble it most.
 *
 * Here points and cells are cells' centres, masks are read at them rather than at full size, and the number of prompts has a bound.
 */
import { DEFAULT_MAX_POINTS } from '../../defaults.ts';
import { cellCentres } from '../cell-centres.ts';
import type { RunMethod } from '../method.ts';
import { acceptedMasks, verdictsOf } from './accepted-masks.ts';
import { clustersOf, membersOf } from './clusters.ts';
import { joinedMask, type AcceptedMask } from './joined-mask.ts';
import { pointMap } from './maps.ts';
import { overshootingGate } from './overshooting-gate.ts';
import { pointMasks, type PointMask } from './point-masks.ts';
import { choosePoints, type GridPoint } from './points.ts';
import { favourMap, positiveGate } from './positive-gate.ts';
import { priorOf } from './prior.ts';

export const gfSam: RunMethod = async (context, target, references, { maxPoints = DEFAULT_MAX_POINTS }) => {
  const { maps, cells, seen } = await priorOf(context, target, references);
  const { inImage } = cellCentres(context, target, seen);
  const kept = pointMap(maps).map((value, cell) => (inImage(cell) ? value : 0));
  const { points, wanted } = choosePoints(kept, seen.columns, maxPoints, true);
  context.lap('prompt');

  const masks = await pointMasks(context, target, seen, points);
  context.lap('decode');

  const clusters = clustersOf(points.length, (i, j) => masks[i]?.cells[(points[j] as GridPoint).cell] === 1);
  const gate = positiveGate(
    favourMap(maps),
    masks.map((mask) => mask.cells),
    clusters,
  );
  const regions = membersOf(clusters).map((members) =>
    unionOf(
      members.map((i) => masks[i] as PointMask),
      cells.count,
    ),
  );
  const verdicts = verdictsOf(gate, overshootingGate(cells, regions, points, clusters));
  const accepted = acceptedMasks(verdicts, gate.residual).map((i): AcceptedMask => {
    return { ...(masks[i] as PointMask), from: (points[i] as GridPoint).cell };
  });
  const result = joinedMask(context, target, maps.mean, accepted);
  context.lap('resize');
  return { ...result, ...(wanted > points.length && { pointsLeftOut: wanted - points.length }) };
};

function unionOf(masks: readonly PointMask[], count: number): Uint8Array {
  const union = new Uint8Array(count);
  for (const { cells } of masks) cells.forEach((covered, cell) => (union[cell] = (union[cell] as number) | covered));
  return union;
}
