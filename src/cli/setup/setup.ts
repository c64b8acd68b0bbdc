/** `prosam setup`: parts that npm alone cannot install. */
import { probeDevice } from '../../core/runtime/devices/probe-device.ts';
import { CUDA_VERSION } from '../../setup/cuda-wheels.ts';
import { setupCuda } from '../../setup/setup-cuda.ts';
import { setupTraining } from '../../training/setup/setup-training.ts';
import { EXIT, type Run, type Terminal } from '../common/command.ts';
import { runGroup } from '../common/group.ts';
import { parseCommand } from '../common/parse.ts';
import { SETUP, SETUP_CUDA, SETUP_TRAINING } from './spec.ts';

/** Resolves to the exit code. */
export const setup: Run = (args, terminal) =>
  runGroup(SETUP, { training: () => Promise.resolve(training), cuda: () => Promise.resolve(cuda) }, args, terminal);

async function training(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(SETUP_TRAINING, args);
  const started = performance.now();
  const result = await setupTraining({
    gpu: values.gpu,
    wheels: values.wheel ?? [],
    ...(values.cache !== undefined && { cacheDir: values.cache }),
    ...(signal && { signal }),
    onProgress: warn,
  });
  const seconds = secondsSince(started);
  const what = `${result.package} ${result.version} on libtensorflow ${result.libtensorflow}, ${result.device.toUpperCase()}`;
  if (values.json) print(JSON.stringify({ ...result, seconds }));
  else print(`${result.changed ? 'ready' : 'already set up'}: ${what}; self-test passed (${seconds} s)`);
  if (values.gpu && result.device === 'cpu')
    warn('TensorFlow finds no usable GPU here and would compute on the CPU: nvidia-smi shows whether the driver runs.');
  return EXIT.ok;
}

async function cuda(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(SETUP_CUDA, args);
  const started = performance.now();
  const result = await setupCuda({
    ...(values.from && { from: values.from }),
    ...(values.python !== undefined && { python: values.python }),
    ...(signal && { signal }),
    onProgress: warn,
  });
  warn('trying the device');
  const response = await probeDevice('cuda');
  const seconds = secondsSince(started);
  if (values.json) print(JSON.stringify({ ...result, probe: response, seconds }));
  else
    print(
      `${result.changed ? 'ready' : 'already set up'}: CUDA ${CUDA_VERSION} for ONNX Runtime ${result.onnxruntime} in ${result.folder} (${seconds} s)`,
    );
  if ('failed' in response) warn(`It cannot be used here yet: ${response.failed}.`);
  else
    warn(`The GPU takes ${response.metrics.deviceMs.toPrecision(3)} ms where the CPU takes ${response.metrics.cpuMs.toPrecision(3)} ms.`);
  return EXIT.ok;
}

function secondsSince(started: number): number {
  return Math.round((performance.now() - started) / 100) / 10;
}
