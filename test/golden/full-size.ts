/**
 * Full-size networks and gradients against expected outputs, with weights from a hash:
 *   npm run golden:full-size -- DIR [MODEL ...] [--engine auto|node-gpu|node|wasm|none]
 * DIR holds shapes.json and expected.json. --engine: what differentiates; without one the gradients are skipped.
 * Takes a minute or two and two gigabytes of memory; not part of `npm test`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/core/errors.ts';
import { checkTensors } from '../../src/core/checkpoint/check-tensors.ts';
import type { Checkpoint } from '../../src/core/checkpoint/checkpoint.ts';
import { openCheckpoint } from '../../src/core/checkpoint/open-checkpoint.ts';
import { resizeMap } from '../../src/core/mask/resize-map.ts';
import { backboneFinal, backboneTrunk, type OwnBackboneConfig } from '../../src/core/model/backbone.ts';
import { DINOV2_VIT_B14, RESNET50_DEEP, RESNET50_PLAIN, SAM_VIT_B, VGG16_BN } from '../../src/core/model/config.ts';
import { samImageEncoder } from '../../src/core/model/sam-image-encoder.ts';
import { samMaskDecoder } from '../../src/core/model/sam-mask-decoder.ts';
import { samDensePositions } from '../../src/core/model/sam-prompt-encoder.ts';
import { tensorsNeeded, type NetworkDefinition } from '../../src/core/runtime/emit.ts';
import type { Tensor } from '../../src/core/runtime/runtime.ts';
import type { TrainingEngine } from '../../src/training/engine.ts';
import { chooseEngine, ENGINE_CHOICES } from './choose-engine.ts';
import { executeOnnx } from './execute.ts';
import { promptEncoder } from './full-size-prompt-encoder.ts';
import { hashedImage, hashedNoise, writeHashedWeights } from './hash-weights.ts';

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

const imageInput = (side: number): Named => ({ image: { data: hashedImage(side), shape: [1, 3, side, side] } });

async function sam(file: Checkpoint): Promise<Named> {
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
  const { embedding } = (await executeOnnx(encoder, file, imageInput(config.imageSize))) as { embedding: Tensor };
  const prompts = { data: hashedNoise('prompts', 50 * 256), shape: [1, 50, 256] };
  const { logits, iou, positions } = (await executeOnnx(decoder, file, { embedding, prompts })) as Record<
    'logits' | 'iou' | 'positions',
    Tensor
  >;
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
  async (file: Checkpoint): Promise<Named> => {
    const definition: NetworkDefinition = {
      name: config.kind,
      inputs: { image: [1, 3, config.imageSize, config.imageSize] },
      build: (ops, weights, i) => {
        const { f2, f3, state } = backboneTrunk(ops, weights, config, i['image'] as never);
        return { f2, f3, f4: backboneFinal(ops, weights, config, state) };
      },
    };
    checkTensors(tensorsNeeded(definition), file.tensors, config.kind);
    return executeOnnx(definition, file, imageInput(config.imageSize));
  };

/** `weightsFor` gives other models' weights. */
type ModelRun = (file: Checkpoint, weightsFor: (model: string) => Promise<Checkpoint>, engine?: TrainingEngine) => Promise<Named>;
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

/** Most memory this process has held. maxRSS is in kilobytes. */
function peakMegabytes(): number {
  return Math.round(process.resourceUsage().maxRSS / 1024);
}

async function check(dir: string, only: readonly string[], engine: TrainingEngine | undefined): Promise<boolean> {
  const shapes = JSON.parse(readFileSync(join(dir, 'shapes.json'), 'utf8')) as Shapes;
  const expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as Expected;
  const temporary = mkdtempSync(join(tmpdir(), 'prosam-full-size-'));
  const weightsFor = async (model: string): Promise<Checkpoint> => {
    const path = join(temporary, `${model}.safetensors`);
    if (!existsSync(path)) writeHashedWeights(path, (shapes[model] as Shapes[string]).tensors);
    return openCheckpoint(path);
  };
  const totals = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const [name, model] of Object.entries(MODELS)) {
      if (only.length > 0 && !only.includes(name)) continue;
      const started = performance.now();
      const outputs = await model.run(await weightsFor(model.shapes), weightsFor, engine);
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
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped; peak memory ${peakMegabytes()} MB`);
  return totals.failed === 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ options: { engine: { type: 'string', default: 'auto' } }, allowPositionals: true });
  const [dir, ...only] = positionals;
  if (dir === undefined || !existsSync(join(dir, 'expected.json')))
    throw new Error(`wanted a folder with expected.json, got ${dir ?? 'nothing'}`);
  const unknown = only.filter((name) => !(name in MODELS));
  if (unknown.length > 0) throw new Error(`wanted models among ${Object.keys(MODELS).join(', ')}, got ${unknown.join(', ')}`);
  const engine = await chooseEngine(values.engine);
  console.log(`training engine: ${engine?.about ?? 'none'}`);
  return (await check(dir, only, engine)) ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(`${messageOf(error)}\nusage: npm run golden:full-size -- DIR [MODEL ...] [--engine ${ENGINE_CHOICES}]`);
  return 2;
});
