/** ONNX Runtime's complaints in the words of people who want to use a device. */

const MAX_CHARACTERS = 300;

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/driver version is insufficient/, "NVIDIA's driver is too old for this CUDA: install 580 or newer"],
  [/no CUDA-capable device/, 'nvidia-smi shows whether the driver sees the GPU, and CUDA_VISIBLE_DEVICES may hide it'],
  [/out of memory/, 'another program holds the memory of the GPU (nvidia-smi lists them), or the model needs a larger one'],
  [/no kernel image is available/, 'the GPU is older than those CUDA is built for'],
  [/assigned to the default CPU EP/, 'it lacks an operation this model needs'],
  [
    /Failed to get a WebGPU adapter/,
    'install the driver of the GPU with its Vulkan part (Debian, Ubuntu: mesa-vulkan-drivers 24 or newer)',
  ],
];

/** One line without the place in ONNX Runtime's own sources, and what to do where that is known. */
export function explainFailure(message: string): string {
  const line = message.replace(/\s+/g, ' ').trim();
  const cuda = /\b(?:CUDA|CUDNN|CUBLAS) failure \d+: [^;]*/.exec(line)?.[0].trim();
  const reason = (cuda ?? line.replace(/^\/\S+:\d+ .* was false\. /, '')).replace(/\.$/, '').slice(0, MAX_CHARACTERS);
  const [, advice] = ADVICE.find(([pattern]) => pattern.test(line)) ?? [];
  return advice === undefined ? reason : `${reason} (${advice})`;
}
