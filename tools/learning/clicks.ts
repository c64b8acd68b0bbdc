/** Clicks that a person needs after a prediction, and without one: each in the middle of the largest region that is still wrong. */
import { refineMask } from '../../src/core/engine/refine.ts';
import type { RefinedMask } from '../../src/core/engine/types.ts';
import { nextClick, type Click } from '../../src/training/evaluation/clicks.ts';
import type { Frozen } from './frozen.ts';
import type { ProjectImage } from './projects.ts';
import { errorsOf } from './rows.ts';

/** IoU with which a person is content, 0..1. */
export const CONTENT = 0.8;
/** Clicks after which a person gives up and draws. */
export const MAX_CLICKS = 10;

/** Mask that the clicks begin with. */
export interface Start {
  /** 1 = the label, at the image's own size. */
  mask: Uint8Array;
  /** Logits for SAM's mask prompt. */
  logits?: Float32Array | undefined;
}

/** -> 0 to MAX_CLICKS */
export async function clicksNeeded(frozen: Frozen, target: ProjectImage, start: Start): Promise<number> {
  const image = await frozen.features(target.file);
  const { networks, geometry } = frozen.context();
  let { mask, logits } = start;
  const clicks: Click[] = [];
  while (clicks.length < MAX_CLICKS && errorsOf(mask, target).iou < CONTENT) {
    const click = nextClick(target.truth, mask, target.ignore);
    if (click === undefined) break;
    clicks.push(click);
    const points = (wanted: boolean): Click['point'][] => clicks.filter(({ positive }) => positive === wanted).map(({ point }) => point);
    const prompts = { points: points(true), negative: points(false), maskInput: logits, best: true };
    const [best] = (await refineMask(networks, geometry, image, prompts)).masks as [RefinedMask];
    mask = best.mask.data;
    logits = best.lowResLogits;
  }
  return clicks.length;
}
