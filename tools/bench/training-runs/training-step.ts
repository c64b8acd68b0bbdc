/**
 * Takes one full-size training step for every line on its standard input and answers with a line of JSON; for training.ts:
 *   training-step.ts INPUTS CHUNK [ENGINE]
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { SAM_VIT_B, PROMPT_ENCODER } from '../../../src/core/networks/config.ts';
import { loadTrainingEngine, type TrainingEngineName } from '../../../src/training/tfjs/engine.ts';
import { adamWState } from '../../../src/core/common/adamw.ts';
import { createPromptDecoder } from '../../../src/training/step/prompt-decoder.ts';
import { trainingStep } from '../../../src/training/step/training-step.ts';
import { gradientNorm, update } from '../../../src/training/step/training-step.ts';
import type { FloatTensor } from '../../../src/core/checkpoint/read-tensors.ts';
import { DISTRIBUTION, readStepInputs } from './training-inputs.ts';
import { GRADIENT_STRIDE, type StepResult } from './step-process.ts';

const [file, chunk, engineName = 'auto'] = process.argv.slice(2) as [string, string, ('auto' | TrainingEngineName)?];
const { tf, about } = await loadTrainingEngine(engineName);
const { sam, parameters, batch, noise } = await readStepInputs(file);
const decoder = createPromptDecoder(tf, (name) => sam.get(name) as FloatTensor, SAM_VIT_B);
const optimizer = adamWState(parameters);
const settings = { encoder: PROMPT_ENCODER, distribution: DISTRIBUTION, chunk: Number(chunk) };

/** Most memory this process has held; what its parent held before it began does not count. */
function peakBytes(): number {
  const line = process.platform === 'linux' ? /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) : null;
  return 1024 * Number(line?.[1] ?? process.resourceUsage().maxRSS);
}

createInterface({ input: process.stdin }).on('line', () => {
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  const { loss, gradients } = trainingStep(tf, decoder, settings, parameters, batch, noise);
  update(parameters, gradients, gradientNorm(gradients), optimizer, undefined, { lr: 1e-4, weightDecay: 1e-6 });
  const [milliseconds, { user, system }] = [performance.now() - started, process.cpuUsage(cpu)];
  const response: StepResult = {
    about,
    milliseconds,
    cpuMilliseconds: (user + system) / 1000,
    peakBytes: peakBytes(),
    loss,
    gradients: Object.fromEntries([...gradients].map(([name, data]) => [name, [...data.filter((_, i) => i % GRADIENT_STRIDE === 0)]])),
  };
  console.log(JSON.stringify(response));
});
