/** Facts about an engine: its model, its device, and what it can do. */
import type { Model } from '../checkpoint/model-folder.ts';
import type { PreprocessConfig } from '../image/preprocess.ts';
import type { Networks } from '../onnx/networks.ts';
import type { EngineInfo, TriedDevice } from './types.ts';

interface InfoParts {
  model: Model;
  networks: Networks;
  preprocess: PreprocessConfig;
  /** Side of the square that the networks see. */
  side: number;
  devices: readonly TriedDevice[] | undefined;
  threads: EngineInfo['threads'] | undefined;
}

/** methods: in the order they are listed. */
export function engineInfo({ model, networks, preprocess, side, devices, threads }: InfoParts, methods: EngineInfo['methods']): EngineInfo {
  const { license, prompt_encoder: encoder } = model.manifest;
  return {
    ...{ model: model.id, license, device: networks.device },
    ...(devices && { devices }),
    precision: networks.precision,
    threads: threads ?? { count: 0, by: 'default' },
    methods,
    promptsPerReference: encoder?.config.numPrompts ?? 0,
    input: { side, resize: preprocess.resize },
  };
}
