/**
 * SAM 2.1 tiny at full size, weights from a hash, on one device against another; for check-gpu.ts:
 *   sam2.ts predict DEVICE   image encoder and mask decoder against the CPU's
 *   sam2.ts train ENGINE     one training step against the engine wasm's
 * Prints one line for everything compared and ends with "N passed, M failed, 0 skipped". Exit code: 0 all passed, 1 not.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { knownImage } from '../../src/cli/models/add.ts';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import type { FloatTensor } from '../../src/core/checkpoint/read-tensors.ts';
import { normal, seededRandom } from '../../src/core/common/random.ts';
import { FEATURE_MAPS, measureAgreement } from '../../src/core/models/compare-precision.ts';
import { withNetworks } from '../../src/core/models/verify-model.ts';
import { PROMPT_ENCODER, SAM2_HIERA_TINY, type PromptEncoderConfig } from '../../src/core/networks/config.ts';
import { samFeaturesOf } from '../../src/core/onnx/networks.ts';
import type { Device } from '../../src/core/runtime/devices/devices.ts';
import { loadTrainingEngine, type TrainingEngineName } from '../../src/training/tfjs/engine.ts';
import { openPromptDecoder } from '../../src/training/step/open-decoder.ts';
import { initialParameters } from '../../src/training/step/parameters.ts';
import { chunkFor } from '../../src/training/step/prompt-decoder.ts';
import { drawStep, trainingStep, type TrainingBatch } from '../../src/training/step/training-step.ts';
import { writeHashedModel } from '../../test/unit/core/runtime/hashed-model.ts';

/** Far above what the order of sums changes, far below what a lost map or a wrong operator does. */
const MIN_COSINE = 0.9999;
const MIN_IOU = 0.97;
/** Largest difference of a gradient, as a share of its largest value. */
const MAX_DEVIATION = 0.01;
const SEED = 321;
const SAMPLES = 2;

const found: boolean[] = [];
function compared(what: string, value: number, passed: boolean): void {
  found.push(passed);
  console.log(`${passed ? 'ok  ' : 'FAIL'} ${what} ${value.toPrecision(6)}`);
}

async function predict(folder: string, device: Device): Promise<void> {
  await withNetworks(folder, {}, (_, exact) =>
    withNetworks(folder, { device }, async (model, other) => {
      const picture = knownImage(11);
      const agreement = await measureAgreement(model, exact, other, [[picture]]);
      for (const name of FEATURE_MAPS) {
        const cosine = agreement[name]?.cosine ?? NaN;
        compared(`${name}, cosine`, cosine, cosine >= MIN_COSINE);
      }
      compared('mask for a box, IoU', agreement.maskIou.worst, agreement.maskIou.worst >= MIN_IOU);
      const image = await exact.encodeSam(picture.image);
      const random = seededRandom(SEED);
      const { dim, numPrompts } = PROMPT_ENCODER;
      const prompts = { data: Float32Array.from({ length: numPrompts * dim }, () => normal(random)), shape: [1, numPrompts, dim] };
      const [a, b] = [await exact.decodePrompts(image, prompts), await other.decodePrompts(image, prompts)];
      const off = deviation(b.logits.data, a.logits.data);
      compared('logits of prompt vectors, deviation', off, off <= MAX_DEVIATION);
    }),
  );
}

async function train(folder: string, name: TrainingEngineName): Promise<void> {
  const random = seededRandom(SEED);
  const { batch, encoder } = await withNetworks(folder, {}, async (_, networks) => {
    const features = await networks.encode(knownImage(11).image);
    const { mid } = features;
    const [, midChannels, rows, columns] = mid.shape as [number, number, number, number];
    const disc = (side: number): Float32Array =>
      Float32Array.from({ length: side * side }, (_v, i) =>
        Math.hypot((i % side) - side / 2, Math.floor(i / side) - side / 2) < side / 4 ? 1 : 0,
      );
    const cells = [1, 1, rows, columns];
    const given: TrainingBatch = {
      ...{ referenceMid: mid, targetMid: mid, referenceMask: { data: disc(rows), shape: cells } },
      pseudo: { data: Float32Array.from({ length: rows * columns }, random), shape: cells },
      image: samFeaturesOf(features),
      truth: { data: disc(SAM2_HIERA_TINY.imageSize), shape: [1, SAM2_HIERA_TINY.imageSize, SAM2_HIERA_TINY.imageSize] },
    };
    const config: PromptEncoderConfig = { ...PROMPT_ENCODER, midChannels };
    return { batch: given, encoder: config };
  });
  const parameters = initialParameters(encoder, random);
  const distribution = { kind: 'student_t', nu: 5, n: encoder.dim } as const;
  const { noise, channelFactors } = drawStep(encoder, distribution, SAMPLES, 1, random);
  const model = await openModel(folder);
  const settings = { encoder, distribution, chunk: chunkFor(SAM2_HIERA_TINY) };
  const stepOn = async (engine: TrainingEngineName) => {
    const { tf, about } = await loadTrainingEngine(engine);
    const decoder = await openPromptDecoder(tf, model);
    const started = performance.now();
    const { loss, gradients } = trainingStep(
      tf,
      decoder,
      settings,
      parameters,
      { ...batch, ...(channelFactors && { channelFactors }) },
      noise,
    );
    console.log(`${about}: ${((performance.now() - started) / 1000).toFixed(1)} s, at most ${peakMegabytes()} MB so far`);
    decoder.dispose();
    return { loss, gradients };
  };
  const own = await stepOn(name);
  const exact = await stepOn('wasm');
  const off = Math.abs(own.loss / exact.loss - 1);
  compared('loss, deviation', off, off <= 1e-4);
  for (const [parameter, wanted] of exact.gradients) {
    if (parameter.endsWith('in_proj_bias')) continue; // the keys' bias has no slope but rounding
    const share = deviation(own.gradients.get(parameter) as Float32Array, wanted);
    compared(`slope of ${parameter}, deviation`, share, share <= MAX_DEVIATION);
  }
}

/** Largest difference as a share of the largest value. */
function deviation(actual: FloatTensor['data'], expected: FloatTensor['data']): number {
  const most = (values: FloatTensor['data']): number => values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const off = most(expected.map((value, i) => value - (actual[i] as number)));
  return off / most(expected);
}

function peakMegabytes(): number {
  const line = process.platform === 'linux' ? /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) : null;
  return Math.round(Number(line?.[1] ?? process.resourceUsage().maxRSS) / 1024);
}

const [what, where] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'prosam-sam2-full-'));
try {
  await writeHashedModel(folder, SAM2_HIERA_TINY);
  if (what === 'predict') await predict(folder, where as Device);
  else if (what === 'train') await train(folder, where as TrainingEngineName);
  else throw new Error('usage: sam2.ts predict DEVICE | train ENGINE');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const failed = found.filter((passed) => !passed).length;
console.log(`${found.length - failed} passed, ${failed} failed, 0 skipped`);
process.exitCode = failed === 0 ? 0 : 1;
