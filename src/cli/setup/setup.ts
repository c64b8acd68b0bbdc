/** `prosam setup`: what cannot come from npm alone. */
import { parseArgs } from 'node:util';
import { probeDevice } from '../../core/runtime/devices/probe-device.ts';
import { CUDA_MEGABYTES, CUDA_VERSION, LEAST_DRIVER, PROVIDER_VERSION } from '../../setup/cuda-wheels.ts';
import { downloadCommand, setupCuda } from '../../setup/setup-cuda.ts';
import { setupTraining } from '../../training/setup/setup-training.ts';
import { TENSORFLOW_VERSION } from '../../training/setup/wheels.ts';
import type { Terminal } from '../common/terminal.ts';
import { EXIT, UsageError } from '../common/usage.ts';

export const SETUP_HELP = `prosam setup: make a training engine or CUDA ready

  prosam setup training [--gpu] [--wheel FILE]... [--cache DIR] [--json]
  prosam setup cuda [--from FOLDER|WHEEL]... [--python PYTHON] [--json]

training: puts TensorFlow ${TENSORFLOW_VERSION} under the installed @tensorflow/tfjs-node: fetches its library with pip, checks it, compiles the
package's addon against it and lets it compute a gradient. Wants Linux on x64, Python 3 with pip, and g++. Repeating it is
safe; after npm ci it takes seconds, because the library is kept. Without it models train on the wasm engine: small ones only.

  --gpu                 for NVIDIA GPUs: @tensorflow/tfjs-node-gpu, TensorFlow with CUDA and NVIDIA's libraries (3.3 GB)
  --wheel FILE          a wheel that is here already, for machines without a network; repeat it for several
  --cache DIR           where the library is kept (default: $XDG_CACHE_HOME/prosam or ~/.cache/prosam)

cuda: predictions on NVIDIA GPUs. Fetches ONNX Runtime ${PROVIDER_VERSION}'s CUDA provider and NVIDIA's libraries of CUDA ${CUDA_VERSION} with pip
(${(CUDA_MEGABYTES / 1000).toFixed(1)} GB), checks them and puts them into a folder of yours: $PROSAM_CUDA_DIR, or $XDG_DATA_HOME/prosam (~/.local/share/prosam).
Wants Linux on x64, Python 3 with pip, and NVIDIA's driver ${LEAST_DRIVER} or newer. Neither the CUDA toolkit nor administrator's rights
are needed, npm ci does not undo it, and repeating it is safe.

  --from FOLDER|WHEEL   wheels that are here already, for machines without a network; nothing is fetched then
  --python PYTHON       the Python that has pip (default: python3)

  --json                one JSON line with the result on stdout

pip's own settings hold, such as PIP_INDEX_URL for a mirror and PIP_FIND_LINKS for a folder of wheels; CXX names another compiler.

Examples:
  npm install --ignore-scripts @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-node@4.22.0 node-api-headers
  prosam setup training
  prosam setup training --wheel tensorflow_cpu-${TENSORFLOW_VERSION}-cp312-cp312-manylinux_2_27_x86_64.whl
  prosam setup cuda && prosam doctor

CUDA on a machine without a network: run this on any machine with one, take the folder over, then prosam setup cuda --from cuda-wheels
  ${downloadCommand()}
`;

/** -> exit code */
export async function setup(args: readonly string[], terminal: Terminal): Promise<number> {
  const [subject, ...rest] = args;
  if (subject === 'training') return training(rest, terminal);
  if (subject === 'cuda') return cuda(rest, terminal);
  throw new UsageError(`expected prosam setup training or prosam setup cuda, got ${JSON.stringify(args.join(' '))}.`);
}

async function training(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      gpu: { type: 'boolean' },
      wheel: { type: 'string', multiple: true },
      cache: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  const started = performance.now();
  const result = await setupTraining({
    gpu: values.gpu ?? false,
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
  const { values } = parseArgs({
    args: [...args],
    options: { from: { type: 'string', multiple: true }, python: { type: 'string' }, json: { type: 'boolean' } },
  });
  const started = performance.now();
  const result = await setupCuda({
    ...(values.from && { from: values.from }),
    ...(values.python !== undefined && { python: values.python }),
    ...(signal && { signal }),
    onProgress: warn,
  });
  warn('trying the device');
  const answer = await probeDevice('cuda');
  const seconds = secondsSince(started);
  if (values.json) print(JSON.stringify({ ...result, probe: answer, seconds }));
  else
    print(
      `${result.changed ? 'ready' : 'already set up'}: CUDA ${CUDA_VERSION} for ONNX Runtime ${result.onnxruntime} in ${result.folder} (${seconds} s)`,
    );
  if ('failed' in answer) warn(`It cannot be used here yet: ${answer.failed}.`);
  else warn(`The GPU takes ${answer.figures.deviceMs.toPrecision(3)} ms where the CPU takes ${answer.figures.cpuMs.toPrecision(3)} ms.`);
  return EXIT.ok;
}

function secondsSince(started: number): number {
  return Math.round((performance.now() - started) / 100) / 10;
}
