/**
 * Full-size networks against expected outputs, with weights from a hash:
 *   npm run golden:full-size -- DIR [MODEL ...]
 * DIR holds shapes.json and expected.json. Takes minutes and a gigabyte or two of memory; not part of `npm test`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkTensors } from '../../src/core/checkpoint/check-tensors.ts';
import { openWeightFile, type WeightFile } from '../../src/core/checkpoint/weight-file.ts';
import { resizeMap, resizeNearest } from '../../src/core/mask/resize-map.ts';
import { backboneFinal, backboneTrunk, type OwnBackboneConfig } from '../../src/core/model/backbone.ts';
import { DINOV2_VIT_B14, PROMPT_ENCODER, RESNET50_DEEP, RESNET50_PLAIN, SAM_VIT_B, VGG16_BN } from '../../src/core/model/config.ts';
import { pseudoMask } from '../../src/core/model/pseudo-mask.ts';
import { samImageEncoder } from '../../src/core/model/sam-image-encoder.ts';
import { samMaskDecoder } from '../../src/core/model/sam-mask-decoder.ts';
import { samDensePositions } from '../../src/core/model/sam-prompt-encoder.ts';
import { encodeReference, encodeTarget } from '../../src/core/model/variational-prompt-encoder.ts';
import { emitWithFile, tensorsNeeded, type NetworkDefinition } from '../../src/core/runtime/emit.ts';
import { markedCells } from '../../src/core/runtime/marked-cells.ts';
import { nodeRuntime } from '../../src/core/runtime/node.ts';
import type { Tensor } from '../../src/core/runtime/runtime.ts';
import { hashedImage, hashedNoise, transposed, writeHashedWeights } from './hash-weights.ts';

interface ExpectedOutput {
  shape: number[];
  atol: number;
  abs_sum: number;
  first16: number[];
  stride: number;
  strided: number[];
}
type Expected = Record<string, { parameters: number; outputs: Record<string, ExpectedOutput> }>;
type Shapes = Record<string, { parameters: number; tensors: Record<string, number[]> }>;
type Named = Record<string, Tensor>;

async function run(definition: NetworkDefinition, file: WeightFile | undefined, inputs: Named): Promise<Named> {
  const session = await nodeRuntime().load(emitWithFile(definition, file));
  try {
    return await session.run(inputs);
  } finally {
    await session.close();
  }
}

const imageInput = (side: number): Named => ({ image: { data: hashedImage(side), shape: [1, 3, side, side] } });

async function sam(file: WeightFile): Promise<Named> {
  const config = SAM_VIT_B;
  const encoder: NetworkDefinition = {
    name: 'sam image encoder',
    inputs: { image: [1, 3, config.imageSize, config.imageSize] },
    build: (ops, weights, i) => ({ embedding: samImageEncoder(ops, weights, config, i['image'] as never).embedding }),
  };
  const decoder: NetworkDefinition = {
    name: 'sam mask decoder',
    inputs: { embedding: [1, 256, 64, 64], prompts: ['B', 'm', 256] },
    build: (ops, weights, i) => ({
      ...samMaskDecoder(ops, weights, config, { embedding: i['embedding'] as never, prompts: i['prompts'] as never }, 'single'),
      positions: ops.reshape(ops.transpose(samDensePositions(ops, weights, config), [0, 2, 1]), [1, 256, 64, 64]),
    }),
  };
  const { embedding } = (await run(encoder, file, imageInput(config.imageSize))) as { embedding: Tensor };
  const prompts = { data: hashedNoise('prompts', 50 * 256), shape: [1, 50, 256] };
  const { logits, iou, positions } = (await run(decoder, file, { embedding, prompts })) as Record<'logits' | 'iou' | 'positions', Tensor>;
  const upsampled = resizeMap({ data: logits.data, width: 256, height: 256 }, 512, 512, 'aligned');
  return {
    image_embedding: embedding,
    dense_pe: positions,
    low_res_logits: logits,
    iou,
    upsampled_512: { data: upsampled.data, shape: [1, 1, 512, 512] },
  };
}

const backbone =
  (config: OwnBackboneConfig) =>
  async (file: WeightFile): Promise<Named> => {
    const definition: NetworkDefinition = {
      name: config.kind,
      inputs: { image: [1, 3, config.imageSize, config.imageSize] },
      build: (ops, weights, i) => {
        const { f2, f3, state } = backboneTrunk(ops, weights, config, i['image'] as never);
        return { f2, f3, f4: backboneFinal(ops, weights, config, state) };
      },
    };
    checkTensors(tensorsNeeded(definition), file.tensors, config.kind);
    return run(definition, file, imageInput(config.imageSize));
  };

/** The whole prompt encoder on the deep-stem ResNet-50; a disc is marked, the target is the transposed image. */
async function promptEncoder(file: WeightFile, weightsFor: (model: string) => Promise<WeightFile>): Promise<Named> {
  const config = RESNET50_DEEP;
  const side = config.imageSize;
  const trunk: NetworkDefinition = {
    name: 'trunk',
    inputs: { image: [1, 3, side, side] },
    build: (ops, weights, i) => {
      const { mid, state } = backboneTrunk(ops, weights, config, i['image'] as never);
      return { mid, state };
    },
  };
  const final: NetworkDefinition = {
    name: 'final stage',
    inputs: { state: [1, 1024, 64, 64], mask: [1, 1, 64, 64] },
    build: (ops, weights, i) => ({ high: backboneFinal(ops, weights, config, i['state'] as never, i['mask']) }),
  };
  const resnet = await weightsFor('resnet50_deep');
  const pixels = hashedImage(side);
  const reference = (await run(trunk, resnet, { image: { data: pixels, shape: [1, 3, side, side] } })) as Record<'mid' | 'state', Tensor>;
  const target = (await run(trunk, resnet, { image: { data: transposed(pixels, side), shape: [1, 3, side, side] } })) as Record<
    'mid' | 'state',
    Tensor
  >;
  const disc = Float32Array.from({ length: side * side }, (_, i) => {
    const [x, y] = [i % side, Math.floor(i / side)];
    return ((2 * y - side) ** 2 + (2 * x - side) ** 2) * 4 < side ** 2 ? 1 : 0;
  });
  const cells = { data: resizeNearest(disc, { width: side, height: side }, { width: 64, height: 64 }), shape: [1, 1, 64, 64] };
  const everything = { data: new Float32Array(64 * 64).fill(1), shape: [1, 1, 64, 64] };
  const referenceHigh = (await run(final, resnet, { state: reference.state, mask: cells }))['high'] as Tensor;
  const targetHigh = (await run(final, resnet, { state: target.state, mask: everything }))['high'] as Tensor;

  const match: NetworkDefinition = {
    name: 'pseudo mask',
    inputs: { cells: ['n', 2048], target: [1, 2048, 64, 64], floor: [1] },
    build: (ops, _, i) => ({ pseudo: pseudoMask(ops, i['cells'] as never, i['target'] as never, i['floor'] as never, 'none') }),
  };
  const marked = markedCells(referenceHigh, cells.data);
  const { pseudo } = (await run(match, undefined, { ...marked, target: targetHigh })) as { pseudo: Tensor };
  const encoder: NetworkDefinition = {
    name: 'prompt encoder',
    inputs: { referenceMid: [1, 1536, 64, 64], targetMid: [1, 1536, 64, 64], mask: [1, 1, 64, 64], pseudo: [1, 1, 64, 64] },
    build: <T>(ops: never, weights: never, i: Readonly<Record<string, T>>) => {
      const code = encodeReference<T>(ops, weights, PROMPT_ENCODER, { mid: i['referenceMid'] as T, mask: i['mask'] as T });
      const out = encodeTarget<T>(ops, weights, PROMPT_ENCODER, { ...code, mid: i['targetMid'] as T, pseudo: i['pseudo'] as T });
      return { F_r: code.enhanced, F_t: out.enhanced, mu: out.mu, log_sigma: out.logSigma as T };
    },
  };
  const outputs = await run(encoder, file, { referenceMid: reference.mid, targetMid: target.mid, mask: cells, pseudo });
  return { pseudo, ...outputs };
}

type ModelRun = (file: WeightFile, weightsFor: (model: string) => Promise<WeightFile>) => Promise<Named>;
const MODELS: Record<string, { shapes: string; run: ModelRun }> = {
  resnet50_deep: { shapes: 'resnet50_deep', run: backbone(RESNET50_DEEP) },
  resnet50_plain: { shapes: 'resnet50_plain', run: backbone(RESNET50_PLAIN) },
  vgg16_bn: { shapes: 'vgg16_bn', run: backbone(VGG16_BN) },
  dinov2_vit_b14: { shapes: 'dinov2_vit_b14', run: backbone(DINOV2_VIT_B14) },
  prompt_encoder_resnet50: { shapes: 'prompt_encoder', run: promptEncoder },
  sam_vit_b: { shapes: 'sam_vit_b', run: sam },
};

/** Largest deviation over the listed values; the sum of magnitudes guards all the others. */
function deviation(actual: Tensor, expected: ExpectedOutput): { maxDiff: number; sumError: number } {
  let maxDiff = 0;
  expected.first16.forEach((value, i) => (maxDiff = Math.max(maxDiff, Math.abs(value - (actual.data[i] as number)))));
  expected.strided.forEach((value, i) => (maxDiff = Math.max(maxDiff, Math.abs(value - (actual.data[i * expected.stride] as number)))));
  const sum = actual.data.reduce((total, value) => total + Math.abs(value), 0);
  return { maxDiff, sumError: Math.abs(sum - expected.abs_sum) / expected.abs_sum };
}

async function main(dir: string, only: readonly string[]): Promise<boolean> {
  const shapes = JSON.parse(readFileSync(join(dir, 'shapes.json'), 'utf8')) as Shapes;
  const expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as Expected;
  const temporary = mkdtempSync(join(tmpdir(), 'prosam-full-size-'));
  const weightsFor = async (model: string): Promise<WeightFile> => {
    const path = join(temporary, `${model}.safetensors`);
    if (!existsSync(path)) writeHashedWeights(path, (shapes[model] as Shapes[string]).tensors);
    return openWeightFile(path);
  };
  const totals = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const [name, model] of Object.entries(MODELS)) {
      if (only.length > 0 && !only.includes(name)) continue;
      const started = performance.now();
      const outputs = await model.run(await weightsFor(model.shapes), weightsFor);
      for (const [output, rule] of Object.entries((expected[name] as Expected[string]).outputs)) {
        const actual = outputs[output];
        if (actual === undefined) {
          totals.skipped++;
          console.log(`not yet: ${name} ${output}`);
          continue;
        }
        const { maxDiff, sumError } = deviation(actual, rule);
        const ok = maxDiff <= rule.atol && sumError < 1e-4 && actual.shape.join() === rule.shape.join();
        totals[ok ? 'passed' : 'failed']++;
        console.log(`${ok ? 'ok  ' : 'FAIL'} ${name} ${output} ${maxDiff.toExponential(2)} ${rule.atol.toExponential(2)}`);
      }
      console.log(`     ${name} took ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  return totals.failed === 0;
}

const [dir, ...only] = process.argv.slice(2);
if (dir === undefined || !existsSync(join(dir, 'expected.json'))) {
  console.error(`usage: npm run golden:full-size -- DIR [MODEL ...]    (wanted a folder with expected.json, got ${dir ?? 'nothing'})`);
  process.exitCode = 2;
} else if (!(await main(dir, only))) process.exitCode = 1;
