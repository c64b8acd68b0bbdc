/**
 * Cost of the full-size networks, ours against the same written plainly in PyTorch:
 *   npm run bench:inference -- [--rounds N] [--threads N] [--images N] [--only encoder,parts,decoder,predict,many] [--json FILE]
 *                              [--python PYTHON | --cache DIR] [--model sam-vit-b|sam2.1-tiny|small] [--models DIR]
 * --model sam-vit-b (the default): SAM ViT-B at 1024, a deep-stem ResNet-50 at 512 and the paper's prompt encoder, with weights from a
 * hash; --model sam2.1-tiny: SAM 2.1 tiny and DINOv2-S, SAM 2 in PyTorch by Meta's own package; --model small: the built-in photo model,
 * both sides with its weights, images of 1024 x 1024, which both bring to 512. Entries are processes of
 * their own, ours started as an engine's worker is, and take turns; the first turn is not timed, its outputs are compared.
 * "PyTorch" is the published code run as anyone would; "PyTorch, tuned" has attention in one piece, draws no mask that is not
 * requested, keeps freed memory and lets no thread spin. Ratios are to the former. PyTorch is set up in a virtual environment of its
 * own (--cache keeps it elsewhere, --python names an existing one). --images: number of images one engine encodes while its memory
 * is watched. Numbers are medians; on a busy machine the shortest time and the CPU time tell more.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { mappedFromBytes, WORKER_FLAGS, workerEnvironment } from '../../src/core/runtime/worker/memory.ts';
import { modelFolder } from '../../src/core/runtime/node/open-engine.ts';
import { midShape } from '../../src/core/onnx/model-graphs.ts';
import { FULL_SIZES, fullSizeModel, type FullSize } from './full-size-model.ts';
import { writeInputs, type Grids } from './inference-inputs.ts';
import { startLineProcess, type LineProcess } from './line-process.ts';
import type { ManyAnswer } from './many-encodes.ts';
import { median } from './median.ts';
import { PYTORCH_ENVIRONMENT, pythonWithPytorch } from './pytorch/environment.ts';

type Groups = Readonly<Record<string, readonly string[]>>;

const GROUPS: Groups = {
  encoder: ['encoder'],
  parts: ['backbone', 'reference', 'similarity', 'target'],
  decoder: ['decoder1', 'decoder5', 'decoder10'],
  predict: ['predict', 'both'],
};
/** SAM is the backbone. */
const SMALL_GROUPS: Groups = {
  encoder: ['encoder'],
  parts: ['reference', 'similarity', 'target'],
  decoder: ['decoder1', 'decoder5', 'decoder8'],
  predict: ['predict', 'both', 'click'],
};

const TITLES: Readonly<Record<string, string>> = {
  encoder: 'image encoder',
  backbone: 'backbone',
  reference: 'prompt encoder, reference part',
  similarity: 'similarity',
  target: 'prompt encoder, target part',
  decoder1: 'mask decoder, 1 prompt set',
  decoder5: 'mask decoder, 5 prompt sets on one image',
  decoder8: 'mask decoder, 8 prompt sets on one image',
  decoder10: 'mask decoder, 10 prompt sets on one image',
  predict: 'whole prediction, reference known',
  both: 'whole prediction, reference new',
  click: 'click on a known image, three masks',
};

/** Time as a share of PyTorch's, and memory, where something is wanted. */
const WANTED: Readonly<Record<string, Readonly<Record<string, { time: number; memory?: number }>>>> = {
  'sam-vit-b': {
    'encoder fp32': { time: 0.65 },
    'encoder int8': { time: 0.4 },
    'decoder1 fp32': { time: 0.5 },
    'decoder5 fp32': { time: 0.5 },
    'decoder10 fp32': { time: 0.5 },
    'predict fp32': { time: 0.65, memory: 0.5 },
  },
  'sam2.1-tiny': {
    'encoder fp32': { time: 0.65, memory: 0.5 },
    'encoder int8': { time: 0.45 },
    'decoder5 fp32': { time: 0.5 },
    'predict fp32': { time: 0.65 },
  },
  small: Object.fromEntries(
    ['encoder', 'decoder1', 'decoder5', 'decoder8', 'predict', 'click'].map((stage) => [`${stage} fp32`, { time: 0.7 }]),
  ),
};
/** Image sizes of the small model. */
const SMALL_GRIDS: Grids = { grid: 32, samGrid: 32 };

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(Math.min(8, availableParallelism())) },
    images: { type: 'string', default: '20' },
    only: { type: 'string', default: 'encoder,parts,decoder,predict,many' },
    json: { type: 'string' },
    python: { type: 'string' },
    cache: { type: 'string' },
    model: { type: 'string', default: 'sam-vit-b' },
    models: { type: 'string' },
  },
});
const size = [...Object.keys(FULL_SIZES), 'small'].find((name): name is FullSize | 'small' => name === values.model);
if (size === undefined) throw new Error(`--model: expected one of ${Object.keys(FULL_SIZES).join(', ')}, small, got ${values.model}`);
const only = values.only.split(',');

interface Answer {
  about: string;
  milliseconds: number;
  cpuMilliseconds: number;
  peakBytes: number;
}

interface Contestant {
  name: string;
  process: LineProcess<Answer>;
}

interface Row {
  stage: string;
  contestant: string;
  milliseconds: number;
  /** The shortest of all. */
  fastest: number;
  cpuMilliseconds: number;
  /** Peak memory of the process, which has run this group of stages and nothing else. */
  peakBytes: number;
  /** Shares of PyTorch's. */
  time?: number;
  fastestTime?: number;
  cpuTime?: number;
  memory?: number;
  /** Largest difference to PyTorch's outputs, and as a share of their largest magnitude. */
  maxAbs?: number;
  maxRelative?: number;
}

const PYTORCH = 'PyTorch';

function floatsOf(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function difference(ours: Float32Array, theirs: Float32Array): { maxAbs: number; maxRelative: number } {
  if (ours.length !== theirs.length) throw new Error(`outputs of ${ours.length} and of ${theirs.length} values cannot be compared`);
  let [maxAbs, largest] = [0, 0];
  for (let i = 0; i < theirs.length; i++) {
    maxAbs = Math.max(maxAbs, Math.abs((ours[i] as number) - (theirs[i] as number)));
    largest = Math.max(largest, Math.abs(theirs[i] as number));
  }
  return { maxAbs, maxRelative: maxAbs / largest };
}

/** All contestants at all stages in turn, once untimed. */
async function measure(stages: readonly string[], contestants: readonly Contestant[], folder: string): Promise<Row[]> {
  const rounds = Number(values.rounds);
  const responses = new Map<string, Answer[]>();
  const outOf = (stage: string, name: string): string => join(folder, `${stage} ${name}.f32`);
  try {
    for (let round = 0; round <= rounds; round++)
      for (const stage of stages)
        for (const { name, process } of contestants) {
          const response = await process.ask(JSON.stringify({ stage, ...(round === 0 && { out: outOf(stage, name) }) }));
          const key = `${stage} ${name}`;
          responses.set(key, round === 0 ? [] : [...(responses.get(key) ?? []), response]);
        }
  } finally {
    await Promise.all(contestants.map(({ process }) => process.end()));
  }
  const rows = stages.flatMap((stage) =>
    contestants.map(({ name }): Row => {
      const timed = responses.get(`${stage} ${name}`) as Answer[];
      return {
        stage,
        contestant: name,
        milliseconds: median(timed.map((response) => response.milliseconds)),
        fastest: Math.min(...timed.map((response) => response.milliseconds)),
        cpuMilliseconds: median(timed.map((response) => response.cpuMilliseconds)),
        peakBytes: Math.max(...timed.map((response) => response.peakBytes)),
        ...(name !== PYTORCH && difference(floatsOf(outOf(stage, name)), floatsOf(outOf(stage, PYTORCH)))),
      };
    }),
  );
  return rows.map((row) => {
    const base = rows.find(({ stage, contestant }) => stage === row.stage && contestant === PYTORCH) as Row;
    const share = (key: 'milliseconds' | 'fastest' | 'cpuMilliseconds' | 'peakBytes'): number => row[key] / base[key];
    return row === base
      ? row
      : {
          ...row,
          time: share('milliseconds'),
          fastestTime: share('fastest'),
          cpuTime: share('cpuMilliseconds'),
          memory: share('peakBytes'),
        };
  });
}

function print({ stage, contestant, milliseconds, fastest, cpuMilliseconds, peakBytes, ...shares }: Row): void {
  const { time = 1, fastestTime = 1, cpuTime = 1, memory = 1, maxAbs, maxRelative } = shares;
  const wanted = WANTED[values.model]?.[`${stage} ${contestant}`];
  const figures = `${milliseconds.toFixed(0).padStart(7)} ms (best ${fastest.toFixed(0)}) ${cpuMilliseconds.toFixed(0).padStart(7)} ms CPU ${(peakBytes / 1e9).toFixed(2)} GB`;
  const ratios =
    contestant === PYTORCH
      ? ''
      : ` | ${time.toFixed(2)} of its time (best ${fastestTime.toFixed(2)}), ${cpuTime.toFixed(2)} of its CPU, ${memory.toFixed(2)} of its memory`;
  const off = maxAbs === undefined ? '' : ` | off by ${maxAbs.toExponential(0)} (${(maxRelative as number).toExponential(0)})`;
  const goal = wanted ? ` | wanted: time ${wanted.time}${wanted.memory === undefined ? '' : `, memory ${wanted.memory}`}` : '';
  console.log(`${(TITLES[stage] as string).padEnd(42)} ${contestant.padEnd(14)} ${figures}${ratios}${off}${goal}`);
}

/** Starts a script as an engine starts its worker process. */
function startLikeWorker<T>(mappedFrom: number, ...script: string[]): LineProcess<T> {
  return startLineProcess(process.execPath, [...WORKER_FLAGS, ...script], workerEnvironment(mappedFrom));
}

async function manyEncodes(models: string, mappedFrom: number): Promise<ManyAnswer> {
  const child = startLikeWorker<ManyAnswer>(mappedFrom, 'tools/bench/many-encodes.ts', models, values.threads, values.images);
  const response = await child.ask('');
  await child.end();
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  console.log(
    `${response.targets} targets with one reference, runs: ${Object.entries(response.runs)
      .map(([name, runs]) => `${name} ${runs}`)
      .join(', ')}`,
  );
  const growth = response.lateBytes / response.earlyBytes - 1;
  console.log(
    `memory after ${response.early} pictures ${megabytes(response.earlyBytes)}, after ${response.targets} ${megabytes(response.lateBytes)}: ` +
      `${(100 * growth).toFixed(1)} % more | wanted: at most 5 %`,
  );
  return response;
}

const folder = mkdtempSync(join(tmpdir(), 'prosam-bench-'));
try {
  const small = size === 'small';
  const models = values.models ?? (small ? modelFolder(size) : join(folder, 'model'));
  const inputs = join(folder, 'inputs.safetensors');
  writeInputs(inputs, small ? SMALL_GRIDS : { grid: midShape((await fullSizeModel(models, size)).manifest)[2] as number });
  const mappedFrom = await mappedFromBytes(models);
  const [ourScript, theirScript] = small ? ['small-stages.ts', 'small.py'] : ['inference-stages.ts', 'inference.py'];
  const { threads } = values;
  const rows: Row[] = [];
  const groups = Object.entries(small ? SMALL_GROUPS : GROUPS).filter(([name]) => only.includes(name));
  const python = groups.length === 0 ? '' : pythonWithPytorch({ ...values, sam2: size.startsWith('sam2') });
  console.log(
    `${cpus()[0]?.model ?? 'unknown processor'}, ${threads} threads, ${process.platform} ${process.arch}, Node ${process.version}, load ${(loadavg()[0] as number).toFixed(1)}`,
  );
  for (const [name, stages] of groups) {
    const ours = (precision: string): Contestant => ({
      name: precision,
      process: startLikeWorker(mappedFrom, `tools/bench/${ourScript}`, models, inputs, threads, precision),
    });
    const theirs = (title: string, attention: string, environment: Readonly<Record<string, string>>): Contestant => ({
      name: title,
      process: startLineProcess(python, [`tools/bench/pytorch/${theirScript}`, models, inputs, threads, attention], environment),
    });
    const contestants = [ours('fp32'), theirs(PYTORCH, 'own', {})];
    if (name === 'encoder' || name === 'predict') contestants.push(ours('int8'));
    if (name !== 'parts') contestants.push(theirs(`${PYTORCH}, tuned`, 'sdpa', PYTORCH_ENVIRONMENT));
    const measured = await measure(stages, contestants, folder);
    for (const row of measured) print(row);
    rows.push(...measured);
  }
  const many = only.includes('many') ? await manyEncodes(models, mappedFrom) : undefined;
  if (values.json !== undefined)
    writeFileSync(
      values.json,
      JSON.stringify({ machine: cpus()[0]?.model, threads: Number(threads), rows, ...(many && { many }) }, null, 1),
    );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
