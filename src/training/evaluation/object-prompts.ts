/** SAM's own prompts on single objects of the targets: a box, or one click after another. */
import { boundingBox } from '../../core/mask/raster.ts';
import type { BinaryMask } from '../../core/mask/label-reduction.ts';
import { confusion } from '../../core/mask/metrics.ts';
import { resizeNearest } from '../../core/mask/resize-map.ts';
import type { Engine, RefinedMask, RefinePrompts } from '../../core/engine/types.ts';
import { largestObject, nextClick, type Click } from './clicks.ts';
import type { Pair } from './pair.ts';
import type { PromptKind, PromptRow } from './result.ts';

/** Clicks made on an object. */
export const MAX_CLICKS = 6;

export interface AskWith {
  engine: Engine;
  fold: string;
  kinds: readonly PromptKind[];
  signal?: AbortSignal | undefined;
}

/** Answers to the prompts of one target's object: the largest connected region of the pair's class. -> a row a kind; none without an object */
export async function promptRows(pair: Pair, { engine, fold, kinds, signal }: AskWith): Promise<PromptRow[]> {
  const object = largestObject(pair.truth);
  if (object === undefined) return [];
  const { episode, targetSize } = pair;
  const [scaleX, scaleY] = [targetSize.width / object.width, targetSize.height / object.height];
  const ask = async (prompts: RefinePrompts): Promise<Answer> => {
    const [first] = (await engine.refine(pair.target, prompts, signal && { signal })).masks as [RefinedMask];
    const mask = resizeNearest(first.mask.data, first.mask, object);
    return { mask, iou: iouOf(mask, object, pair.ignore), samIou: first.samIou, logits: first.lowResLogits };
  };
  const rows: PromptRow[] = [];
  for (const prompt of kinds) {
    const answers =
      prompt === 'box'
        ? [await ask({ box: (boundingBox(object) as number[]).map((edge, i) => edge * (i % 2 === 0 ? scaleX : scaleY)) })]
        : await clicked(object, pair.ignore, ([x, y]) => [x * scaleX, y * scaleY], ask);
    rows.push({
      ...{ fold, classId: episode.classId, target: episode.target.key, model: engine.info.model, prompt },
      ious: answers.map(({ iou }) => iou),
      samIous: answers.map(({ samIou }) => samIou),
    });
  }
  return rows;
}

interface Answer {
  mask: Uint8Array;
  iou: number;
  samIou: number;
  logits: Float32Array;
}

/** One answer a click; each click sees all before it and the logits of the last answer. A mask without errors stays. */
async function clicked(
  object: BinaryMask,
  ignore: Uint8Array,
  place: (point: Click['point']) => Click['point'],
  ask: (prompts: RefinePrompts) => Promise<Answer>,
): Promise<Answer[]> {
  const [answers, clicks]: [Answer[], Click[]] = [[], []];
  for (let last: Answer | undefined; answers.length < MAX_CLICKS; answers.push(last)) {
    const click = nextClick(object, last?.mask ?? new Uint8Array(object.data.length), ignore);
    if (click === undefined) {
      if (last === undefined) break;
      continue;
    }
    clicks.push(click);
    const points = (wanted: boolean): Click['point'][] =>
      clicks.filter(({ positive }) => positive === wanted).map(({ point }) => place(point));
    last = await ask({ points: points(true), negative: points(false), maskInput: last?.logits });
  }
  return answers;
}

function iouOf(mask: Uint8Array, truth: BinaryMask, ignore: Uint8Array): number {
  const { tp, fp, fn } = confusion(mask, truth.data, ignore);
  return tp / Math.max(tp + fp + fn, 1);
}
