/** `prosam models verify`: compares the files of a model with their hashes, and its outputs with those recorded when it was added. */
import { hashFile } from '../../core/checkpoint/hash-cache.ts';
import { inspectModel, type ModelFacts } from '../../core/models/inspect.ts';
import { modelFolder } from '../../core/checkpoint/model-paths.ts';
import type { Device } from '../../core/runtime/devices/devices.ts';
import { compareKnownAnswer, makeKnownAnswer, type StageAgreement } from '../../core/models/known-answer.ts';
import { parseKnownAnswer, readKnownAnswer, withNetworks } from '../../core/models/verify-model.ts';
import { hashProgress, knownImage } from './add.ts';
import { agreementLines, agreementOf } from './agreement.ts';
import { bytesText } from '../common/progress.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { MODELS_VERIFY } from './spec.ts';
import { textTable } from '../common/text-table.ts';

/** Tolerance on another processor, as a share of the values' size: another order of summation moves the seventh digit. */
const SAME_ARITHMETIC = 1e-3;
/** Tolerance on another device: a GPU may multiply with ten bits of mantissa (TF32). */
const OTHER_DEVICE = 1e-2;

interface FileCheck {
  name: string;
  path: string;
  bytes: number | undefined;
  state: 'same' | 'changed' | 'gone';
}

interface Comparison {
  what: string;
  stages: StageAgreement[];
  /** Largest `relative` that passes. */
  tolerance: number;
  passed: boolean;
}

/** Resolves to the exit code. */
export async function verifyModel(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(MODELS_VERIFY, args);
  const [name] = positionals as [string];
  const { device, threads = 0, precision, data, pairs } = values;
  if (data !== undefined && precision === 'fp32')
    throw new UsageError('models verify: --data belongs to --precision fp16 or int8, which it is measured on.');
  if (precision === 'int8' && device !== undefined && device !== 'cpu')
    throw new UsageError(`models verify: int8 runs on the CPU, not on ${device}. Use --precision fp16 there.`);
  const facts = await inspectModel(modelFolder(name));
  const files = await checkFiles(facts, signal);
  const sound = files.every(({ state }) => state === 'same');
  const comparisons = sound ? await compare(facts, device, threads, signal) : [];
  const agreement =
    sound && precision !== 'fp32'
      ? await agreementOf(facts.folder, precision, { device: device ?? 'cpu', threads, data, pairs, signal })
      : undefined;
  const passed = sound && comparisons.every((one) => one.passed) && agreement?.passed !== false;
  if (values.json) print(JSON.stringify({ name, passed, files, comparisons, ...(agreement && { agreement }) }, null, 2));
  else for (const line of [...reportLines(name, files, comparisons), ...(agreement ? agreementLines(agreement) : [])]) print(line);
  if (sound && facts.manifest.known_answer === undefined) warn(`${name} has no known answer to compare with: only its files are proved.`);
  return passed ? EXIT.ok : EXIT.someFailed;
}

/** Reads every file again, whether or not its hash is cached. */
async function checkFiles({ files }: ModelFacts, signal: AbortSignal | undefined): Promise<FileCheck[]> {
  const progress = hashProgress();
  const checks: FileCheck[] = [];
  try {
    for (const { name, path, bytes, sha256 } of files) {
      const got = bytes === undefined ? undefined : await hashFile(path, { signal, onBytes: (count) => progress.read(path, count) });
      checks.push({ name, path, bytes, state: got === undefined ? 'gone' : got === sha256 ? 'same' : 'changed' });
    }
  } finally {
    progress.clear();
  }
  return checks;
}

async function compare(
  { folder, manifest }: ModelFacts,
  device: Device | 'auto' | undefined,
  threads: number,
  signal?: AbortSignal,
): Promise<Comparison[]> {
  const found: Comparison[] = [];
  const add = (what: string, stages: StageAgreement[], tolerance: number): void => {
    found.push({ what, stages, tolerance, passed: stages.every(({ relative }) => relative <= tolerance) });
  };
  const onCpu = await withNetworks(folder, { threads }, async (model, networks) => {
    const { known_answer: file } = manifest;
    if (file !== undefined)
      add(
        'the CPU against the known answer',
        await compareKnownAnswer(model, networks, await readKnownAnswer(folder, file)),
        SAME_ARITHMETIC,
      );
    return device === undefined || device === 'cpu' ? undefined : makeKnownAnswer(model, networks, knownImage());
  });
  signal?.throwIfAborted();
  if (onCpu === undefined || device === undefined) return found;
  const known = parseKnownAnswer(onCpu, 'the answer of the CPU');
  await withNetworks(folder, { device, threads }, async (model, networks) => {
    add(`${networks.device} against the CPU`, await compareKnownAnswer(model, networks, known), OTHER_DEVICE);
  });
  return found;
}

function reportLines(name: string, files: readonly FileCheck[], comparisons: readonly Comparison[]): string[] {
  const rows = files.map((file) => [file.name, file.bytes === undefined ? '-' : bytesText(file.bytes), file.state, file.path]);
  const wrong = files.filter(({ state }) => state !== 'same');
  return [
    textTable({ head: ['file', 'size', 'hash', 'place'], rows }),
    ...comparisons.flatMap(({ what, stages, tolerance, passed }) => [
      '',
      textTable({
        caption: `${what}: ${passed ? 'agrees' : 'DISAGREES'} (differences up to ${100 * tolerance} % of the values' size pass)`,
        head: ['stage', 'values', 'largest difference', 'difference in %'],
        rows: stages.map((one) => [one.stage, String(one.values), one.largestDifference.toExponential(1), (100 * one.relative).toFixed(5)]),
      }),
    ]),
    ...(wrong.length > 0 ? [`${name}: ${wrong.map((file) => `${file.path} is ${file.state}`).join('; ')}. Fetch or add it again.`] : []),
  ];
}
