/**
 * Full-size networks and gradients against expected outputs, with weights from a hash, in the files a user would have:
 *   npm run golden:full-size -- DIR [MODEL ...] [--large] [--engine auto|node-gpu|node|wasm|none] [--device DEVICE]
 * DIR holds shapes.json and expected.json, of all models or of some. Every model is written as its authors publish it (torch.save, Hugging Face's names, shards,
 * half precision), opened as a user's file is, and recognised by nothing but its contents.
 * --large: SAM ViT-L and ViT-H, SAM 2.1 small and large too: shapes, parameters and one run (5 GB of disk, 8 GB of memory, minutes).
 * --engine: what differentiates; without one the gradients are skipped. Not part of `npm test`.
 * --device: cpu (the default), cuda, webgpu, ..., or wasm. GPUs may miss the bounds a little: see `slackOf`.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Checkpoint } from '../../src/core/checkpoint/checkpoint.ts';
import { messageOf } from '../../src/core/common/errors.ts';
import { chooseEngine, ENGINE_CHOICES } from '../../test/golden/choose-engine.ts';
import type { Form } from './full-size-form.ts';
import { FORMS, openAs, type ExpectedModel } from './full-size-forms.ts';
import { checkLarge, LARGE_MODELS } from './full-size-large.ts';
import type { FullSizeEngines } from './full-size-engines.ts';
import { RUNS } from './full-size-runs.ts';
import { runAsUser } from './full-size-user.ts';
import { hashedWeights } from '../../test/golden/hash-weights.ts';
import { runtimeNamed, RUNTIMES, slackOf } from '../../test/golden/runtimes.ts';
import type { Tensor } from '../../src/core/onnx/session.ts';

interface ExpectedOutput {
  shape: number[];
  atol: number;
  abs_sum: number;
  min: number;
  max: number;
  first16: number[];
  stride: number;
  strided: number[];
}
type Expected = Record<string, { parameters: number; outputs: Record<string, ExpectedOutput> }>;
export type Shapes = Record<string, { parameters: number; tensors: Record<string, number[]> }>;

/** The step that goes through the command line. */
const AS_USER = 'as-user';

/** Tolerance of the sums of magnitudes, as a share; rounded weights have a bound of their own. */
const SUM_TOLERANCE = 1e-4;

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

interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

function compareOutputs(
  title: string,
  outputs: Record<string, Tensor>,
  expected: Record<string, ExpectedOutput>,
  form: Form,
  totals: Totals,
  slack: number,
): void {
  for (const [output, rule] of Object.entries(expected)) {
    const actual = outputs[output];
    if (actual === undefined) {
      totals.skipped++;
      console.log(`not yet: ${title} ${output}`);
      continue;
    }
    const { maxDiff, sumError } = deviation(actual, rule);
    const bound = slack * (form.rounded === undefined ? rule.atol : form.rounded * Math.max(Math.abs(rule.min), Math.abs(rule.max)));
    const ok = maxDiff <= bound && sumError < slack * (form.rounded ?? SUM_TOLERANCE) && actual.shape.join() === rule.shape.join();
    totals[ok ? 'passed' : 'failed']++;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${title} ${output} ${maxDiff.toExponential(2)} ${bound.toExponential(2)}`);
  }
}

async function check(dir: string, only: readonly string[], large: boolean, engines: FullSizeEngines): Promise<boolean> {
  const shapes = JSON.parse(readFileSync(join(dir, 'shapes.json'), 'utf8')) as Shapes;
  const expected = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as Expected;
  const temporary = mkdtempSync(join(tmpdir(), 'prosam-full-size-'));
  const weightsOf = (model: string) =>
    hashedWeights((shapes[model === 'prompt_encoder_resnet50' ? 'prompt_encoder' : model] as Shapes[string]).tensors);
  const given = (model: string): boolean => model in expected && (only.length === 0 || only.includes(model));
  const written = new Map<string, string>();
  const open = async (model: ExpectedModel, form: Form): Promise<Checkpoint> => {
    const key = `${model} ${form.name}`;
    const path = written.get(key) ?? form.write(temporary, weightsOf(model), weightsOf);
    written.set(key, path);
    return openAs(model, path, (expected[model] as Expected[string]).parameters);
  };
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  try {
    for (const [name, forms] of Object.entries(FORMS) as [ExpectedModel, readonly Form[]][]) {
      if (!given(name)) continue;
      for (const form of forms) {
        const started = performance.now();
        const title = `${name} (${form.name})`;
        const file = await open(name, form);
        const others = (model: ExpectedModel): Promise<Checkpoint> => open(model, FORMS[model][0]);
        const outputs = await RUNS[name](file, others, engines);
        compareOutputs(title, outputs, (expected[name] as Expected[string]).outputs, form, totals, slackOf(engines.runtime.device));
        console.log(`     ${title} took ${((performance.now() - started) / 1000).toFixed(1)} s`);
      }
    }
    if (only.length === 0 || only.includes(AS_USER)) {
      const folder = join(temporary, 'user');
      mkdirSync(folder);
      for (const { title, model, outputs } of await runAsUser(folder, weightsOf, (model) => model in expected, engines.runtime)) {
        const { outputs: all } = expected[model] as Expected[string];
        const compared = Object.fromEntries(Object.entries(all).filter(([output]) => output in outputs));
        compareOutputs(title, outputs, compared, FORMS[model][0], totals, slackOf(engines.runtime.device));
      }
    }
    for (const model of LARGE_MODELS) {
      if (!(model in shapes) || (only.length > 0 ? !only.includes(model) : !large)) continue;
      totals[await checkLarge(model, temporary, shapes[model] as Shapes[string], engines.runtime)]++;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped; peak memory ${peakMegabytes()} MB`);
  return totals.failed === 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      engine: { type: 'string', default: 'auto' },
      device: { type: 'string', default: 'cpu' },
      large: { type: 'boolean', default: false },
    },
    allowPositionals: true,
  });
  const [dir, ...only] = positionals;
  if (dir === undefined || !existsSync(join(dir, 'expected.json')))
    throw new Error(`expected a folder with expected.json, got ${dir ?? 'nothing'}`);
  const inFolder = JSON.parse(readFileSync(join(dir, 'expected.json'), 'utf8')) as Expected;
  const known = [...Object.keys(FORMS).filter((name) => name in inFolder), AS_USER, ...LARGE_MODELS];
  const unknown = only.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`expected models among ${known.join(', ')}, got ${unknown.join(', ')}`);
  const runtime = await runtimeNamed(values.device);
  const engine = await chooseEngine(values.engine);
  console.log(`training engine: ${engine?.about ?? 'none'}; networks: ONNX Runtime on ${runtime.device}`);
  return (await check(dir, only, values.large, { runtime, engine })) ? 0 : 1;
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(
    `${messageOf(error)}\nusage: npm run golden:full-size -- DIR [MODEL ...] [--large] [--engine ${ENGINE_CHOICES}] [--device ${RUNTIMES.join('|')}]`,
  );
  return 2;
});
