/** Tables of `prosam setup` and its sub-commands. */
import { CUDA_MEGABYTES, CUDA_VERSION, MIN_DRIVER, PROVIDER_VERSION } from '../../setup/cuda-wheels.ts';
import { downloadCommand } from '../../setup/setup-cuda.ts';
import { TENSORFLOW_VERSION } from '../../training/setup/wheels.ts';
import { command, options, type GroupSpec } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

const EXIT_CODES = { 0: 'ready', 2: 'failed', 130: 'interrupted' } as const;
const PIP =
  "pip's own settings hold, such as PIP_INDEX_URL for a mirror and PIP_FIND_LINKS for a folder of wheels; CXX names another compiler.";
const json = options({ json: { type: 'flag', about: 'prints one JSON line with the result on stdout' } });

export const SETUP_TRAINING = command({
  name: 'setup training',
  summary: `TensorFlow ${TENSORFLOW_VERSION} under the installed @tensorflow/tfjs-node`,
  usage: ['[--gpu] [--wheel FILE]... [--cache DIR] [--json]'],
  intro: [
    "Fetches TensorFlow's library with pip, checks it, compiles the package's addon against it and lets it compute a gradient. Needs Linux on x64, Python 3 with pip, and g++. Repeating it is safe; after npm ci it takes seconds, because the library is kept. Without it models train on the wasm engine: small ones only.",
  ],
  options: {
    gpu: {
      type: 'flag',
      about: "for NVIDIA GPUs: @tensorflow/tfjs-node-gpu, TensorFlow with CUDA and NVIDIA's libraries (3.3 GB)",
    },
    wheel: {
      ...{ type: 'text', repeat: true, value: 'FILE' },
      about: 'a wheel that is on this machine, for machines without a network; repeat it for several',
    },
    cache: { type: 'text', value: 'DIR', about: 'folder of the library', otherwise: '$XDG_CACHE_HOME/prosam or ~/.cache/prosam' },
    ...json,
  },
  notes: [PIP],
  exitCodes: EXIT_CODES,
  examples: [
    'npm install --ignore-scripts @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs@4.22.0 @tensorflow/tfjs-node@4.22.0 node-api-headers',
    'prosam setup training',
    `prosam setup training --wheel tensorflow_cpu-${TENSORFLOW_VERSION}-cp312-cp312-manylinux_2_27_x86_64.whl`,
  ],
});

export const SETUP_CUDA = command({
  name: 'setup cuda',
  summary: 'predictions on NVIDIA GPUs',
  usage: ['[--from FOLDER|WHEEL]... [--python PYTHON] [--json]'],
  intro: [
    `Fetches ONNX Runtime ${PROVIDER_VERSION}'s CUDA provider and NVIDIA's libraries of CUDA ${CUDA_VERSION} with pip (${(CUDA_MEGABYTES / 1000).toFixed(1)} GB), checks them and puts them into a folder of yours: $PROSAM_CUDA_DIR, or $XDG_DATA_HOME/prosam (~/.local/share/prosam). Needs Linux on x64, Python 3 with pip, and NVIDIA's driver ${MIN_DRIVER} or newer. Neither the CUDA toolkit nor administrator's rights are needed, npm ci does not undo it, and repeating it is safe.`,
  ],
  options: {
    from: {
      ...{ type: 'text', repeat: true, value: 'FOLDER|WHEEL' },
      about: 'wheels that are on this machine, for machines without a network; nothing is fetched then',
    },
    python: { type: 'text', about: 'the Python that has pip', otherwise: 'python3' },
    ...json,
  },
  notes: [
    PIP,
    `CUDA on a machine without a network: run this on any machine with one, copy the folder, then prosam setup cuda --from cuda-wheels\n  ${downloadCommand()}`,
  ],
  exitCodes: EXIT_CODES,
  examples: ['prosam setup cuda && prosam doctor', 'prosam setup cuda --from cuda-wheels'],
});

export const SETUP: GroupSpec = {
  name: 'setup',
  summary: SUMMARIES.setup,
  commands: [SETUP_TRAINING, SETUP_CUDA],
  notes: [PIP],
  exitCodes: EXIT_CODES,
  examples: ['prosam setup training', ...SETUP_CUDA.examples],
};
