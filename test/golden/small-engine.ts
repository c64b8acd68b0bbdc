/** Known answers of the photo model by the engine's own way, from pictures to masks, and of one training step on its features. */
import { reduceLabels } from '../../src/core/mask/label-reduction.ts';
import type { Model } from '../../src/core/checkpoint/model-folder.ts';
import { methodsOf } from '../../src/core/engine/methods/available.ts';
import { callContext } from '../../src/core/engine/call-context.ts';
import type { RunMethod } from '../../src/core/engine/methods/method.ts';
import { createCodeCache, createDistributionReader } from '../../src/core/engine/methods/prosam.ts';
import { decodeSamPrompts } from '../../src/core/engine/methods/sam-prompts.ts';
import { geometryOf, gridOf } from '../../src/core/image/geometry.ts';
import { preprocessOf, type BackboneFeatures, type Networks, type SamFeatures } from '../../src/core/onnx/networks.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';
import { openPromptDecoder } from '../../src/training/step/open-decoder.ts';
import { trainingStep, type StepResult } from '../../src/training/step/training-step.ts';
import type { Tf } from '../../src/training/tfjs/tfjs-ops.ts';
import { maskAt, pixelsOf, pointsOf, tensorOf, type KnownTensors } from './small-model.ts';

interface Seen {
  reference: SamFeatures & BackboneFeatures;
  target: SamFeatures & BackboneFeatures;
  cells: Float32Array;
  pseudo: Tensor;
}

async function seenBy(model: Model, networks: Networks, known: KnownTensors): Promise<Seen> {
  const encoder = model.manifest.prompt_encoder as NonNullable<Model['manifest']['prompt_encoder']>;
  const reference = await networks.encode(pixelsOf(known, 'in.reference'));
  const target = await networks.encode(pixelsOf(known, 'in.target'));
  const side = model.manifest.sam.config.imageSize;
  const mask = { data: maskAt(known, 'in.reference_mask_256', side), width: side, height: side };
  const grid = gridOf(geometryOf(preprocessOf(model)), { mid: reference.mid, width: side, height: side });
  const cells = reduceLabels(mask, grid, encoder.label_reduction);
  const high = await networks.maskedHigh(reference, cells);
  return { reference, target, cells, pseudo: await networks.similarity(high, cells, target.high, encoder.config.pseudoNorm) };
}

type Outputs = Map<string, ArrayLike<number>>;

/** The image encoder and one click on its maps: what stands for all where every network is compiled for seconds. */
export async function fewEngineOutputs(model: Model, networks: Networks, known: KnownTensors): Promise<Outputs> {
  const target = await networks.encode(pixelsOf(known, 'in.target'));
  const out: Outputs = new Map([['target_embedding', target.embedding.data]]);
  await decoderOf(model, networks, known, target, out)('point', 'point');
  return out;
}

/** Outputs under the names of the known answer, without `out.`. */
export async function engineOutputs(model: Model, networks: Networks, known: KnownTensors): Promise<Outputs> {
  const seen = await seenBy(model, networks, known);
  const { target } = seen;
  const out: Outputs = new Map<string, ArrayLike<number>>([
    ['target_embedding', target.embedding.data],
    ['reference_cells', seen.cells],
    ['pseudo_mask', seen.pseudo.data],
  ]);
  const decoded = decoderOf(model, networks, known, target, out);
  const box = await decoded('box', 'box');
  await decoded('point', 'point');
  const points = await decoded('points', 'points');
  await decoded('refined', 'points', box);
  await decoded('boxed', 'boxed', points);

  const code = await networks.encodeReference(seen.reference.mid, seen.cells);
  const { mu, logSigma, coarse } = await networks.promptDistribution(target.mid, seen.pseudo, code);
  out
    .set('mu', mu.data)
    .set('log_sigma', logSigma?.data ?? [])
    .set('coarse', coarse?.data ?? []);
  const plan = model.manifest.prompt_encoder as NonNullable<Model['manifest']['prompt_encoder']>;
  const methods = methodsOf({ plan, read: createDistributionReader(plan, networks, createCodeCache(2 ** 26), 'own') });
  const geometry = geometryOf(preprocessOf(model));
  const side = model.manifest.sam.config.imageSize;
  const image = { ...target, key: '', width: side, height: side };
  const context = callContext(undefined, { networks, geometry });
  const place = { key: '', width: side, height: side };
  const mask = { data: maskAt(known, 'in.reference_mask_256', side), width: side, height: side };
  const prepared = {
    ...place,
    features: { ...seen.reference, ...place },
    mask,
    cells: seen.cells,
    sam: () => Promise.reject(new Error('no method here asks')),
  };
  for (const [name, method, dense] of [
    ['prosam', 'prosam', 'model'],
    ['prosam_without_coarse', 'prosam', 'none'],
    ['coarse_only', 'coarse', 'model'],
    ['pseudo_only', 'pseudo', 'model'],
  ] as const) {
    const run = methods.get(method) as RunMethod;
    const { lowResLogits, samIou } = await run(context, image, [prepared], { samples: 0, dense });
    out.set(`${name}.low_res_logits first`, lowResLogits as Float32Array).set(`${name}.iou first`, [samIou as number]);
  }
  return out;
}

/** Decodes a case's points and puts what comes out under its name. */
function decoderOf(model: Model, networks: Networks, known: KnownTensors, target: SamFeatures & BackboneFeatures, out: Outputs) {
  const side = model.manifest.sam.config.imageSize;
  const image = { ...target, key: '', width: side, height: side };
  const geometry = geometryOf(preprocessOf(model));
  return async (name: string, from: string, previous?: Float32Array): Promise<Float32Array> => {
    // Places in an image are half a pixel to the right of those in the network's input; the padding token is the engine's affair.
    const prompts = pointsOf(known, from).rows.filter(({ kind }) => kind !== 'padding');
    const placed = prompts.map(({ x, y, kind }) => ({ x: x + 0.5, y: y + 0.5, kind }));
    const { all, single } = await decodeSamPrompts(networks, geometry, image, placed, previous);
    out.set(
      `${name}.low_res_logits`,
      all.flatMap(({ logits }) => Array.from(logits)),
    );
    out.set(
      `${name}.iou`,
      all.map(({ iou }) => iou),
    );
    return single.logits;
  };
}

const SAMPLES = 2;

/** One training step with the known noise, the decoder frozen and nothing dropped. */
export async function stepOutputs(model: Model, networks: Networks, known: KnownTensors, tf: Tf): Promise<StepResult> {
  const encoder = model.manifest.prompt_encoder as NonNullable<Model['manifest']['prompt_encoder']>;
  const { reference, target, cells, pseudo } = await seenBy(model, networks, known);
  const side = model.manifest.sam.config.imageSize;
  const truth = { data: Float32Array.from(maskAt(known, 'truth.target_mask_256', side)), shape: [1, side, side] };
  const decoder = await openPromptDecoder(tf, model);
  try {
    return trainingStep(
      tf,
      decoder,
      { encoder: encoder.config, distribution: { kind: 'gaussian', nu: encoder.nu, n: encoder.config.dim }, chunk: SAMPLES },
      model.promptEncoder ?? new Map(),
      {
        ...{ referenceMid: reference.mid, referenceMask: { data: cells, shape: pseudo.shape }, targetMid: target.mid, pseudo, truth },
        image: target,
      },
      {
        eps: Float32Array.from(tensorOf(known, 'in.train.noise').data),
        delta: new Float32Array(SAMPLES * encoder.config.numPrompts).fill(1),
      },
    );
  } finally {
    decoder.dispose();
  }
}
