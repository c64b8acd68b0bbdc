/** Masks that SAM proposes, and which of them are kept (Matcher, Liu et al., 2024, with the filters of SAM's own mask generator). */
import { aboveZero, type FloatMap } from '../../../mask/resize-map.ts';
import { boundingBox } from '../../../mask/raster.ts';

export interface Proposal {
  logits: FloatMap;
  /** SAM's own estimate. */
  iou: number;
  /** From a single point of the dense grid. */
  dense: boolean;
}

export interface ProposalSettings {
  /** A mask stays above the first and from the second on; 0 switches either off. */
  dense: { iou: number; stability: number };
  sets: { iou: number; stability: number };
  /** Overlap of boxes above which the mask with the smaller estimate goes; 1 keeps all. */
  boxOverlap: number;
}

/** Logit by which the threshold is moved up and down. */
const OFFSET = 1;

/** A proposal that stays, its number among all, and its pixels. */
export interface KeptProposal extends Proposal {
  index: number;
  mask: Uint8Array;
}

/** In the order of the estimates, the largest first. */
export function keptProposals(proposals: readonly Proposal[], settings: ProposalSettings): KeptProposal[] {
  const good = proposals
    .map((proposal, index) => ({ ...proposal, index }))
    .filter(({ logits, iou, dense }) => {
      const bounds = dense ? settings.dense : settings.sets;
      return (bounds.iou === 0 || iou > bounds.iou) && (bounds.stability === 0 || stability(logits.data) >= bounds.stability);
    })
    .map((proposal) => ({ ...proposal, mask: aboveZero(proposal.logits.data) }))
    .sort((a, b) => b.iou - a.iou);
  const boxes = good.map(({ mask, logits: { width, height } }): Box => boundingBox({ data: mask, width, height }) ?? [0, 0, 1, 1]);
  const kept: number[] = [];
  boxes.forEach((box, i) => {
    if (kept.every((other) => !(boxIou(box, boxes[other] as Box) > settings.boxOverlap))) kept.push(i);
  });
  return kept.map((i) => good[i] as KeptProposal);
}

function stability(logits: Float32Array): number {
  let [narrow, wide] = [0, 0];
  for (const value of logits) {
    if (value > OFFSET) narrow++;
    if (value > -OFFSET) wide++;
  }
  return wide === 0 ? 0 : narrow / wide;
}

type Box = readonly [number, number, number, number];

/** Boxes reach from their first to their last pixel, as in SAM's generator: a mask one pixel wide has none of any size. NaN of two such. */
function boxIou(a: Box, b: Box): number {
  const size = ([x0, y0, x1, y1]: Box): number => (x1 - 1 - x0) * (y1 - 1 - y0);
  const across = Math.max(0, Math.min(a[2], b[2]) - 1 - Math.max(a[0], b[0]));
  const down = Math.max(0, Math.min(a[3], b[3]) - 1 - Math.max(a[1], b[1]));
  const shared = across * down;
  return shared / (size(a) + size(b) - shared);
}
