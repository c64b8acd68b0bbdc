/** `prosam setup`: what cannot come from npm alone. */
import { parseArgs } from 'node:util';
import { setupTraining } from '../training/setup/setup-training.ts';
import { TENSORFLOW_VERSION } from '../training/setup/wheels.ts';
import type { Terminal } from './terminal.ts';
import { EXIT, UsageError } from './usage.ts';

export const SETUP_HELP = `prosam setup: make a training engine ready

  prosam setup training [--gpu] [--wheel FILE]... [--cache DIR] [--json]

Puts TensorFlow ${TENSORFLOW_VERSION} under the installed @tensorflow/tfjs-node: fetches its library with pip, checks it, compiles the
package's addon against it and lets it compute a gradient. Wants Linux on x64, Python 3 with pip, and g++. Repeating it is
safe; after npm ci it takes seconds, because the library is kept. Without it models train on the wasm engine: small ones only.

  --gpu                 for NVIDIA GPUs: @tensorflow/tfjs-node-gpu, TensorFlow with CUDA and NVIDIA's libraries (3.3 GB)
  --wheel FILE          a wheel that is here already, for machines without a network; repeat it for several
  --cache DIR           where the library is kept (default: $XDG_CACHE_HOME/prosam or ~/.cache/prosam)
  --json                one JSON line with the result on stdout

pip's own settings hold, such as PIP_INDEX_URL for a mirror and PIP_FIND_LINKS for a folder of wheels; CXX names another compiler.

Examples:
  npm install --ignore-scripts @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-node@4.22.0 node-api-headers
  prosam setup training
  prosam setup training --wheel tensorflow_cpu-${TENSORFLOW_VERSION}-cp312-cp312-manylinux_2_27_x86_64.whl
`;

/** -> exit code */
export async function setup(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      gpu: { type: 'boolean' },
      wheel: { type: 'string', multiple: true },
      cache: { type: 'string' },
      json: { type: 'boolean' },
    },
  });
  if (positionals.length !== 1 || positionals[0] !== 'training')
    throw new UsageError(`wanted prosam setup training, got ${JSON.stringify(positionals.join(' '))}.`);
  const started = performance.now();
  const result = await setupTraining({
    gpu: values.gpu ?? false,
    wheels: values.wheel ?? [],
    ...(values.cache !== undefined && { cacheDir: values.cache }),
    ...(signal && { signal }),
    onProgress: warn,
  });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const what = `${result.package} ${result.version} on libtensorflow ${result.libtensorflow}, ${result.device.toUpperCase()}`;
  if (values.json) print(JSON.stringify({ ...result, seconds }));
  else print(`${result.changed ? 'ready' : 'already set up'}: ${what}; self-test passed (${seconds} s)`);
  if (values.gpu && result.device === 'cpu')
    warn('TensorFlow finds no usable GPU here and would compute on the CPU: nvidia-smi shows whether the driver runs.');
  return EXIT.ok;
}
