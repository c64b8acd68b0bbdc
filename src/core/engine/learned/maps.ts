/** The maps of one target that are added up: what the prompt encoder, the nearest cells and a probe on the features say, and SAM's redrawings. */
import type { LearnedMap } from '../../checkpoint/learned-values.ts';
import { ProsamError } from '../../common/errors.ts';
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import type { Methods } from '../methods/available.ts';
import { featureContrast } from '../methods/feature-contrast.ts';
import { gridPrompt, redrawnMask } from '../methods/mask-prompts.ts';
import type { MethodContext, MethodResult, RunMethod } from '../methods/method.ts';
import { redrawnPieces } from '../methods/pieces.ts';
import { lowResSide } from '../methods/sam-prompts.ts';
import { judge, type Asked, type Judgement } from '../trust/judge.ts';
import type { PredictOptions } from '../types.ts';
import { cellRows, weighed } from './cell-rows.ts';

/** From the probe's -1..1 to logits; SAM's redrawing hardly depends on it (4 and 8 were level). */
const PROBE_GAIN = 4;

/** Whether a tuned prompt encoder draws one of these maps. */
export function needsTuning(names: Iterable<LearnedMap>): boolean {
  return [...names].some((name) => name === 'likelier' || name === 'tuned');
}

interface DrawnMaps {
  /** On SAM's low-resolution square, within the limit of its mask prompts. [4g * 4g] */
  maps: Partial<Record<LearnedMap, Float32Array>>;
  /** The prompt encoder's own mask, where there is one. */
  trained?: MethodResult;
  /** Judgement of that, where a tuned mask was held against it. */
  judgement?: Judgement;
}

/** Numbers that maps are drawn with, and the maps that are wanted. */
interface MapParts {
  /** Weights of a cell's features. */
  probe: ArrayLike<number>;
  /** Redrawings to make; the other maps are all made. */
  wanted: ReadonlySet<LearnedMap>;
  /** 'prosam' tuned to the label. */
  tuned?: RunMethod | undefined;
}

/** asked: references are those that the methods compare with. */
export async function drawMaps(
  context: MethodContext,
  asked: Asked,
  { probe, wanted, tuned }: MapParts,
  methods: Methods,
  options: PredictOptions,
): Promise<DrawnMaps> {
  const { geometry, networks } = context;
  const { target, references } = asked;
  const single: PredictOptions = { ...options, samples: 0, strategy: 'mean_prompt' };
  const trained = await methods.get('prosam')?.(context, target, references, single);
  const contrast = await featureContrast(context, target, references, networks.matching.nearest);
  const rows = cellRows(geometry, target, networks.matching.nearest.parts);
  if (probe.length !== rows.width)
    throw new ProsamError('OPTION_INVALID', `learned: expected a probe of ${rows.width} numbers, got ${probe.length}. Fit again.`);
  const found = weighed(rows, probe).map((value) => PROBE_GAIN * value);
  context.lap('prompt');
  const { columns: width, rows: height } = rows.grid;
  const onSquare = (data: Float32Array): Float32Array =>
    geometry.gridToLow({ data, width, height }, target.width, target.height, lowResSide(target)).data;
  const bySam = async (mask: Float32Array): Promise<Float32Array> => limited((await redrawnMask(context, target, mask)).logits);
  const maps: DrawnMaps['maps'] = {
    ...(trained?.lowResLogits && { prosam: limited(trained.lowResLogits) }),
    nearest: limited(onSquare(contrast)),
    probe: limited(onSquare(found)),
    ...(wanted.has('redrawn') && { redrawn: await bySam(gridPrompt(context, target, found)) }),
    ...(wanted.has('sharpened') && trained?.lowResLogits && { sharpened: await bySam(trained.lowResLogits) }),
    ...(wanted.has('pieces') && { pieces: limited((await redrawnPieces(context, target, gridPrompt(context, target, contrast))).logits) }),
  };
  const other = tuned && needsTuning(wanted) ? await tuned(context, target, references, single) : undefined;
  if (other?.lowResLogits && wanted.has('tuned')) maps.tuned = limited(other.lowResLogits);
  let judgement: Judgement | undefined;
  if (other && trained && wanted.has('likelier')) {
    const judged = (result: MethodResult): Promise<Judgement> => judge(context, asked, { method: 'prosam', result });
    judgement = await judged(trained);
    const { lowResLogits } = (await judged(other)).score < judgement.score ? trained : other;
    if (lowResLogits) maps.likelier = limited(lowResLogits);
  }
  context.lap('decode');
  return { maps, ...(trained && { trained }), ...(judgement && { judgement }) };
}

function limited(values: Float32Array): Float32Array {
  return values.map((value) => Math.max(-MASK_PROMPT_LIMIT, Math.min(MASK_PROMPT_LIMIT, value)));
}
