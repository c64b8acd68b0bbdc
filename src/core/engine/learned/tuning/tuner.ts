/**
 * Tuning of the prompt encoder to one label: the weights that draw its coarse mask take a few dozen steps on cells of the accepted masks, in
 * seconds. No gradient goes through SAM's decoder, which is where training spends its time; what the prompts are made of stays.
 */
import type { PromptEncoderPlan } from '../../../checkpoint/manifest.ts';
import type { FloatTensor } from '../../../checkpoint/read-tensors.ts';
import { adamWState, adamWStep } from '../../../common/adamw.ts';
import type { ByteCache } from '../../../common/byte-cache.ts';
import { fnv1a } from '../../../common/fnv.ts';
import { createLruMap } from '../../../common/lru-map.ts';
import { seededRandom } from '../../../common/random.ts';
import { COARSE_WEIGHTS, type CoarseWeight } from '../../../networks/coarse-gradients.ts';
import type { Networks } from '../../../onnx/networks.ts';
import type { Tensor } from '../../../onnx/session.ts';
import type { MethodContext, RunMethod } from '../../methods/method.ts';
import { createDistributionReader, createProsamMethod, type EncodedReference } from '../../methods/prosam.ts';
import { changed, changeOf, type CoarseTensors } from './change.ts';
import { drawExamples, type PseudoMask } from './examples.ts';
import type { View } from './views.ts';

/** Tuning of one prompt encoder. */
export interface Tuner {
  plan: PromptEncoderPlan;
  /** views: of each image, of two or more. -> what changes in the weights, as `changeOf` writes it */
  tune(context: MethodContext, views: readonly (readonly View[])[]): Promise<number[]>;
  /** Method 'prosam' with the change. @throws OPTION_INVALID */
  method(change: readonly number[]): RunMethod;
  /** Forgets the changed encoders that are kept open. */
  clear(): void;
}

/** Steps, and the rate of the first, which falls to 0 along half a cosine. More steps learned the images by heart (docs/decisions/032). */
const [STEPS, RATE] = [60, 1e-3];
/** Decay of the moving average of the weights that is kept, after as many steps. */
const [DECAY, WARM_UP] = [0.95, 5];
const SEED = 1;
/** Changed encoders kept open: each holds 7 MB of weights. */
const MAX_OPEN = 16;

interface TunedEncoder {
  plan: PromptEncoderPlan;
  weights: ReadonlyMap<string, FloatTensor>;
}

/** Undefined for an encoder without a coarse mask. */
export function createTuner(
  { plan, weights }: TunedEncoder,
  networks: Pick<Networks, 'promptEncoder' | 'similarity' | 'maskedHigh'>,
  codes: ByteCache<EncodedReference>,
): Tuner | undefined {
  if (plan.config.dense !== 'coarse') return undefined;
  const before: CoarseTensors = new Map(COARSE_WEIGHTS.map((name) => [name, weights.get(name) as FloatTensor]));
  const pseudo = pseudoMasks(networks, plan);
  const open = createLruMap<string, RunMethod>({ max: MAX_OPEN });
  return {
    plan,
    async tune(context, views) {
      const now = copyOf(before);
      const average = copyOf(before);
      const stages = networks.promptEncoder(plan.config, now);
      const state = adamWState(now);
      const random = seededRandom(SEED);
      for (let step = 0; step < STEPS; step++) {
        const gradients = await stages.coarseGradients(await drawExamples(views, pseudo, random));
        const byName = new Map(COARSE_WEIGHTS.map((name) => [name, gradients[name].data]));
        adamWStep(now, byName, state, (RATE * (1 + Math.cos((Math.PI * step) / STEPS))) / 2, { weightDecay: 0 });
        follow(average, now, Math.min(DECAY, step / (step + WARM_UP)));
        context.checkpoint();
      }
      return changeOf(before, average);
    },
    method(change) {
      const id = `tuned ${fnv1a(new BigUint64Array(Float64Array.from(change).buffer))}`;
      const known = open.get(id);
      if (known) return known;
      const stages = networks.promptEncoder(plan.config, new Map<string, FloatTensor>([...weights, ...changed(before, change)]));
      const method = createProsamMethod(plan, createDistributionReader(plan, stages, codes, id));
      open.set(id, method);
      return method;
    },
    clear: () => open.clear(),
  };
}

function copyOf(tensors: CoarseTensors): Map<CoarseWeight, FloatTensor> {
  return new Map([...tensors].map(([name, { data, shape }]) => [name, { data: data.slice(), shape }]));
}

function follow(average: CoarseTensors, now: CoarseTensors, decay: number): void {
  for (const [name, { data }] of average) {
    const values = (now.get(name) as FloatTensor).data;
    for (let i = 0; i < data.length; i++) data[i] = decay * (data[i] as number) + (1 - decay) * (values[i] as number);
  }
}

/** Each pair's computed once, and kept as long as both views are. */
function pseudoMasks(networks: Pick<Networks, 'similarity' | 'maskedHigh'>, { config }: PromptEncoderPlan): PseudoMask {
  const known = new WeakMap<View, { high: Tensor; maps: WeakMap<View, ArrayLike<number>> }>();
  const first = async ({ maps, marks }: View) => ({
    high: await networks.maskedHigh(maps, marks),
    maps: new WeakMap<View, ArrayLike<number>>(),
  });
  return async (reference, target) => {
    const seen = known.get(reference) ?? (await first(reference));
    known.set(reference, seen);
    const { high, maps } = seen;
    const found = maps.get(target) ?? (await networks.similarity(high, reference.marks, target.maps.high, config.pseudoNorm)).data;
    maps.set(target, found);
    return found;
  };
}
