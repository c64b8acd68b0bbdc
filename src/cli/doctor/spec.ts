/** Table of `prosam doctor`. */
import { EXTERNAL_OPTION, MODEL_OPTION, RUNTIME_OPTIONS } from '../common/engine-options.ts';
import { command } from '../common/spec.ts';
import { SUMMARIES } from '../common/summaries.ts';

export const DOCTOR = command({
  name: 'doctor',
  summary: SUMMARIES.doctor,
  usage: ['[--model NAME|PATH] [--device DEVICE] [--threads N] [--external URL|COMMAND] [--timeout SECONDS] [--json]'],
  options: {
    ...MODEL_OPTION,
    device: { ...RUNTIME_OPTIONS.device, about: 'device of the timed predictions' },
    threads: { ...RUNTIME_OPTIONS.threads, otherwise: 'all cores' },
    external: {
      ...EXTERNAL_OPTION.external,
      about: 'asks such a system everything it has to answer: an address, or a command line in quotes',
    },
    timeout: { type: 'whole', min: 1, value: 'SECONDS', about: 'limit for the timed predictions together', default: 300 },
    json: { type: 'flag', about: 'prints one JSON document on stdout' },
  },
  notes: [
    "auto uses the first device that computes the CPU's numbers and is faster than the CPU: on Linux CUDA, then WebGPU; on Windows CUDA, DirectML, WebGPU; on macOS CoreML, WebGPU. Each device is probed in a separate process, so a broken driver only rules itself out.",
    'TensorRT is used only by name: it builds its engines for minutes whenever a model is opened, needs the libraries of TensorRT 10 for the same CUDA where the system finds them, and then runs beside CUDA.',
  ],
  exitCodes: { 0: 'predictions work', 1: 'something that was asked for does not work', 2: 'a wrong option' },
  examples: [
    'prosam doctor',
    'prosam doctor --device cuda              # what is missing for the GPU',
    'prosam doctor --model models/vit-b --threads 8',
    'prosam doctor --external http://127.0.0.1:8700',
    'prosam doctor --json > doctor.json       # to attach to a report',
  ],
});
