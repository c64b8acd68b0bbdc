/** One step of a run: the pairs that are due, their loss and gradients, new weights. */
import { ProsamError } from '../../core/common/errors.ts';
import { randomFor } from './seeds.ts';
import type { OpenRun } from '../loop/open-run.ts';
import { withAbsentTarget } from '../batches/absent-targets.ts';
import { batchOf, type PreparedPair } from '../batches/pairs.ts';
import { rehearsedAnswers, rehearsedBatch } from '../batches/rehearsal.ts';
import { chunkFor } from './prompt-decoder.ts';
import type { StepRow } from '../report/training-report.ts';
import { learningRate } from './schedule.ts';
import type { TrainSettings } from '../train-options.ts';
import type { StepEvent } from '../loop/training-events.ts';
import { encoderGradients } from './encoder-gradients.ts';
import { keepLoss } from './keep-loss.ts';
import { meanCosine } from './mean-cosine.ts';
import { drawStep, gradientNorm, trainingStep, update, type StepResult } from './training-step.ts';
import type { Episode } from '../types.ts';

/** Pairs a step on which the answers of the start are kept. */
const REHEARSED = 2;

/** Changes the weights in place and counts the step. kept: step of the last checkpoint. @throws LOSS_NOT_FINITE, the weights unchanged */
export async function oneStep(settings: TrainSettings, run: OpenRun, kept: number): Promise<StepEvent> {
  const { state, plan, features, stepsPerEpoch } = run;
  const { progress, parameters } = state;
  const epoch = Math.floor(progress.step / stepsPerEpoch);
  const first = (progress.step % stepsPerEpoch) * settings.batch;
  const frozenBefore = features.spent.milliseconds;
  const started = performance.now();
  const episodes = run.episodesOf(epoch).slice(first, first + settings.batch);
  const random = randomFor(settings.seed, 'step', progress.step);
  const labels = settings.dataset.labels.bind(settings.dataset);
  const pairs: PreparedPair[] = [];
  for (const own of episodes) {
    const isAbsent = settings.absent > 0 && random() < settings.absent;
    const episode = isAbsent ? await withAbsentTarget(own, run.episodesOf(epoch), labels, random) : own;
    pairs.push(await run.pairs(episode, random, 'training'));
  }
  const distribution = { kind: settings.distribution, nu: settings.nu, n: plan.config.dim, scale: settings.noiseScale };
  const { noise, channelFactors } = drawStep(plan.config, distribution, settings.samples, pairs.length, random);
  const result = trainingStep(
    run.tf,
    run.decoder,
    { encoder: plan.config, distribution, chunk: chunkFor(run.model.manifest.sam.config) },
    parameters,
    batchOf(pairs, features.square, channelFactors),
    noise,
  );
  const held = await keptAnswers(settings, run, episodes);
  held?.gradients.forEach((values, name) => addTo(result.gradients, name, values));
  const norm = gradientNorm(result.gradients);
  if (!Number.isFinite(result.loss) || !Number.isFinite(norm)) throw notFinite(progress.step + 1, result.loss, norm, episodes, kept);
  const lr = learningRate({ ...settings, kind: settings.schedule, minLr: 0, restartFactor: 1 }, progress.step / stepsPerEpoch);
  update(parameters, result.gradients, norm, state.optimizer, state.average, { ...settings, lr });
  progress.step++;

  const milliseconds = performance.now() - started;
  const row: StepRow = {
    ...{ step: progress.step, epoch, loss: result.loss, bce: result.bce, dice: result.dice },
    ...(result.coarse !== undefined && { coarse: result.coarse }),
    ...(held && { keep: held.loss }),
    muCosine: meanCosine(result.mu, plan.config.numPrompts, plan.config.dim),
    ...sigmaOf(result, plan.config.probabilistic),
    lr,
    imagesPerSecond: (1000 * pairs.length) / milliseconds,
  };
  return { type: 'step', row, gradientNorm: norm, frozenShare: (features.spent.milliseconds - frozenBefore) / milliseconds };
}

/** Distance from the starting encoder's answers on rehearsed pairs, and its weighted gradients; undefined where nothing is kept. */
async function keptAnswers(
  { seed }: TrainSettings,
  { keep, rehearse, state, plan, tf }: OpenRun,
  episodes: readonly Episode[],
): Promise<{ loss: number; gradients: Map<string, Float32Array> } | undefined> {
  if (rehearse === undefined) return undefined;
  const random = randomFor(seed, 'rehearsal', state.progress.step);
  const images = episodes.flatMap(({ reference, target }) => [reference, target]);
  const pairs = [];
  for (let i = 0; i < REHEARSED; i++) pairs.push(await rehearse(images, random));
  let loss = 0;
  const start = rehearsedAnswers(pairs);
  const gradients = encoderGradients(tf, plan.config, rehearsedBatch(pairs), state.parameters, (now) => {
    const found = keepLoss(now, start, pairs.length);
    loss = found.loss;
    const scaled = (values: Float32Array): Float32Array => values.map((value) => keep * value);
    return {
      mu: scaled(found.mu),
      logSigma: new Float32Array(now.logSigma.length),
      ...(found.coarse && { coarse: scaled(found.coarse) }),
    };
  });
  return { loss, gradients };
}

function addTo(sums: Map<string, Float32Array>, name: string, values: Float32Array): void {
  const sum = sums.get(name) as Float32Array;
  values.forEach((value, i) => (sum[i] = (sum[i] as number) + value));
}

function notFinite(step: number, loss: number, norm: number, episodes: readonly Episode[], kept: number): ProsamError {
  const images = episodes.map(({ classId, reference, target }) => `${reference.key} -> ${target.key} (class ${classId})`).join(', ');
  const left = kept === 0 ? 'There is no checkpoint yet.' : `The checkpoint of step ${kept} is kept as it was.`;
  return new ProsamError(
    'LOSS_NOT_FINITE',
    `step ${step}: expected a finite loss, got ${loss} with a gradient of norm ${norm} on the pairs ${images}. ${left} ` +
      'The same draws would end the same way: begin a run with a lower learning rate or a bound on the gradient, or look at these images.',
  );
}

function sigmaOf({ logSigma }: StepResult, probabilistic: boolean): Pick<StepRow, 'sigmaMean' | 'sigmaMin' | 'sigmaMax'> {
  if (!probabilistic) return { sigmaMean: NaN };
  let [sum, low, high] = [0, Infinity, 0];
  for (const value of logSigma) {
    const sigma = Math.exp(value);
    sum += sigma;
    low = Math.min(low, sigma);
    high = Math.max(high, sigma);
  }
  return { sigmaMean: sum / logSigma.length, sigmaMin: low, sigmaMax: high };
}
