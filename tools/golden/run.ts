/**
 * Runs every case of a golden directory, or the photo model's known answers (test/golden/small-data):
 *   npm run golden -- DIR [--engine auto|node-gpu|node|wasm|none] [--networks onnx|tfjs] [--device DEVICE]
 * --engine: what differentiates. Without one (none, or none is installed) the cases of training are skipped.
 * --networks: what runs the networks' forward cases, ONNX Runtime or the training engine.
 * --device: what ONNX Runtime runs on: cpu (the default), cuda, webgpu, ..., or wasm, which is onnxruntime-web in Node.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/core/common/errors.ts';
import { casesFor, kindOf, runnerOf } from '../../test/golden/cases.ts';
import { chooseEngine, ENGINE_CHOICES } from '../../test/golden/choose-engine.ts';
import { compare } from '../../test/golden/compare.ts';
import { runtimeNamed, RUNTIMES, slackOf } from '../../test/golden/runtimes.ts';
import { sam2TrainingCases } from '../../test/golden/sam2-training-cases.ts';
import { trainingCases } from '../../test/golden/training-cases.ts';
import { isSmall, runSmall } from '../../test/golden/small-run.ts';
import { GoldenCase, openGoldenSet, type Engines } from '../../test/golden/golden-set.ts';

export interface GoldenTotals {
  passed: number;
  failed: number;
  skipped: number;
}

/** only: names of the cases to run. @default all */
export async function runGolden(
  dir: string,
  print: (line: string) => void,
  engines: Engines = {},
  only?: readonly string[],
): Promise<GoldenTotals> {
  if (isSmall(dir)) return runSmall(dir, print, engines);
  const set = openGoldenSet(dir, engines);
  const cases = casesFor(engines);
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const entry of set.manifest.cases) {
    if (only?.includes(entry.name) === false) continue;
    const kind = kindOf(entry);
    const runner = runnerOf(cases, kind);
    const reason = engines.tf === undefined && (kind in trainingCases || kind in sam2TrainingCases) ? ' needs a training engine' : '';
    if (runner === undefined) {
      totals.skipped += Object.keys(entry.expected).length;
      print(`not yet: ${entry.name}${reason}`);
      continue;
    }
    const golden = new GoldenCase(set, entry);
    const actual = await Promise.resolve(golden)
      .then(runner)
      .catch((error: unknown) => error as Error);
    for (const [output, rule] of Object.entries(entry.expected)) {
      if (actual instanceof Error) {
        totals.failed++;
        print(`FAIL ${entry.name} ${output} ${actual.message}`);
        continue;
      }
      const values = actual[output];
      if (values === undefined) {
        totals.skipped++;
        print(`not yet: ${entry.name} ${output}${reason}`);
        continue;
      }
      const { ok, maxDiff, bound } = compare(values, golden.expected(output), rule, engines.slack);
      totals[ok ? 'passed' : 'failed']++;
      print(`${ok ? 'ok  ' : 'FAIL'} ${entry.name} ${output} ${maxDiff.toExponential(2)} ${bound}`);
    }
  }
  return totals;
}

const USAGE = `usage: npm run golden -- DIR [--engine ${ENGINE_CHOICES}] [--networks onnx|tfjs] [--device ${RUNTIMES.join('|')}]`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      engine: { type: 'string', default: 'auto' },
      networks: { type: 'string', default: 'onnx' },
      device: { type: 'string', default: 'cpu' },
    },
    allowPositionals: true,
  });
  const [dir] = positionals;
  const { networks } = values;
  if (dir === undefined || positionals.length > 1 || (!isSmall(dir) && !existsSync(join(dir, 'manifest.json'))))
    throw new Error(
      `expected one folder with manifest.json or the photo model's check.safetensors, got ${positionals.join(' ') || 'nothing'}`,
    );
  if (networks !== 'onnx' && networks !== 'tfjs') throw new Error(`--networks: expected onnx or tfjs, got ${networks}`);
  const runtime = await runtimeNamed(values.device);
  const engine = await chooseEngine(values.engine);
  if (networks === 'tfjs' && engine === undefined) throw new Error('--networks tfjs needs a training engine, and there is none');
  console.log(
    `training engine: ${engine?.about ?? 'none'}; networks: ${networks === 'tfjs' ? 'the same' : `ONNX Runtime on ${values.device}`}`,
  );
  const print = (line: string): void => {
    console.log(line);
  };
  const { passed, failed, skipped } = await runGolden(dir, print, {
    ...(engine && { tf: engine.tf }),
    networks,
    runtime,
    slack: slackOf(values.device),
  });
  const why = engine === undefined && skipped > 0 ? ' (without a training engine)' : '';
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped${why}`);
  return failed > 0 ? 1 : 0;
}

if (import.meta.main) {
  process.exitCode = await main().catch((error: unknown) => {
    console.error(`${messageOf(error)}\n${USAGE}`);
    return 2;
  });
}
