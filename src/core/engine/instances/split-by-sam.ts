/**
 * Objects of a mask, also where they touch: points spread over each connected region are decoded by SAM one by one, as GF-SAM does (Zhang et al., 2024),
 * and the region is cut where their masks and its form hold together least. The image's embedding is there already; no encoder runs.
 *
 * Constants were chosen on half of the pictures of `npm run bench:instances` (docs/decisions/025-instances-by-sam.md).
 */
import { runSteps } from '../../mask/cooperative.ts';
import type { Region } from '../../mask/instances.ts';
import type { Point } from '../../mask/raster.ts';
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import { MAX_INSTANCE_POINTS } from '../defaults.ts';
import type { ImageFeatures } from '../image-features.ts';
import type { MethodContext } from '../methods/method.ts';
import { decodeSamPromptSets, lowResSide } from '../methods/sam-prompts.ts';
import { bondsOf } from './bonds.ts';
import { groupsOf, type CutRule } from './cuts.ts';
import { partsOf } from './parts.ts';
import { depthOf, innerPoints, placeIn, type InnerPoint, type SquareMask } from './points.ts';

export const CUT_RULE: CutRule = { mostCost: 0.32, agreementWeight: 0.5, leastPoints: 2 };
/** SAM's answers to a point that are asked whether they cover another point: token 0 and the first two of three. */
const MASKS_ASKED = 3;
/** Points decoded together: more hardly save time on a CPU, and each takes memory. */
const BATCH = 8;
/** Logit of the mask prompt outside of the region: SAM's own objects beside it do not matter. */
const OUTSIDE = -MASK_PROMPT_LIMIT;

type SplitContext = Pick<MethodContext, 'networks' | 'geometry' | 'checkpoint'>;

export interface SplitOptions {
  /** Pixels of the smallest part. */
  leastArea: number;
  signal?: AbortSignal | undefined;
  /** @default CUT_RULE */
  rule?: CutRule;
  /** Points of all regions together. @default MAX_INSTANCE_POINTS */
  maxPoints?: number;
}

/** regions: connected, of the target's own size. -> disjoint objects that together are the regions, largest first */
export async function splitBySam(
  context: SplitContext,
  target: ImageFeatures,
  regions: readonly Region[],
  { leastArea, signal, rule = CUT_RULE, maxPoints = MAX_INSTANCE_POINTS }: SplitOptions,
): Promise<Region[]> {
  const square = squareOf(context, target);
  const all = regions.reduce((sum, { area }) => sum + area, 0);
  const found: Region[] = [];
  for (const region of regions) {
    const most = Math.floor((maxPoints * region.area) / all);
    const groups = region.area < 2 * leastArea ? [] : await groupsIn(context, target, square.cut(region), most, rule);
    const places = groups.map((group) => group.map(square.place));
    found.push(...(places.length < 2 ? [region] : await runSteps(partsOf(region, places, leastArea), signal)));
  }
  return found.sort((a, b) => b.area - a.area);
}

/** Groups of points, one for each object; none where there are too few points to tell. */
async function groupsIn(
  context: SplitContext,
  target: ImageFeatures,
  shape: SquareMask,
  most: number,
  rule: CutRule,
): Promise<InnerPoint[][]> {
  if (most < 2 * rule.leastPoints) return [];
  const depth = depthOf(shape);
  const points = innerPoints(shape, depth, most);
  if (points.length < 2 * rule.leastPoints) return [];
  const { networks, geometry } = context;
  const { place } = squareOf(context, target);
  const previous = Float32Array.from(shape.data, (value) => (value === 0 ? OUTSIDE : 0));
  const masks: Float32Array[][] = [];
  for (let start = 0; start < points.length; start += BATCH) {
    const sets = points.slice(start, start + BATCH).map((point) => {
      const [x, y] = place(point);
      return [{ x, y, kind: 'positive' as const }];
    });
    for (const { all } of await decodeSamPromptSets(networks, geometry, target, sets, previous))
      masks.push(all.slice(0, MASKS_ASKED).map(({ logits }) => logits));
    context.checkpoint();
  }
  return groupsOf(bondsOf(shape, depth, points, masks), rule).map((group) => group.map((i) => points[i] as InnerPoint));
}

/** The way between the target and SAM's low-resolution square. */
function squareOf(
  { geometry }: Pick<SplitContext, 'geometry'>,
  target: ImageFeatures,
): { place: (point: InnerPoint) => Point; cut: (region: Region) => SquareMask } {
  const side = lowResSide(target);
  const place = placeIn(geometry, target);
  return {
    place,
    cut({ boxXyxy: [x0, y0, x1, y1], mask }) {
      const data = new Uint8Array(side * side);
      for (let v = 0; v < side; v++) {
        for (let u = 0; u < side; u++) {
          const [x, y] = place({ x: u, y: v }).map(Math.floor) as [number, number];
          if (x < x0 || x >= x1 || y < y0 || y >= y1) continue;
          data[v * side + u] = mask.data[(y - y0) * mask.width + x - x0] as number;
        }
      }
      return { data, side };
    },
  };
}
