/** Configuration of the prompt encoder that a run trains: the model's own settings where it has one, the paper's otherwise. */
import type { Manifest } from '../../core/checkpoint/manifest.ts';
import type { Model } from '../../core/checkpoint/model-folder.ts';
import { PROMPT_ENCODER } from '../../core/networks/config.ts';
import type { Shape } from '../../core/networks/ops.ts';
import { outputShapes } from '../../core/onnx/emit.ts';
import { backboneTrunkGraph, imageEncoderGraph } from '../../core/onnx/model-graphs.ts';
import type { TrainSettings } from '../train-options.ts';

export type EncoderPlan = NonNullable<Manifest['prompt_encoder']>;

export const ENCODER_FILE = 'prompt-encoder.safetensors';

type PlanSettings = Pick<TrainSettings, 'distribution' | 'nu' | 'noiseScale' | 'labelReduction' | 'dropout' | 'stackedHeads' | 'dense'>;

export function encoderPlan(model: Model, settings: PlanSettings): EncoderPlan {
  const { manifest } = model;
  const { backbone, files, sam } = manifest;
  const trunk = outputShapes('file' in backbone ? backboneTrunkGraph(manifest) : imageEncoderGraph(manifest));
  const own = manifest.prompt_encoder;
  const config = own?.config ?? { ...PROMPT_ENCODER, midChannels: (trunk['mid'] as Shape)[1] as number, dim: sam.config.outChans };
  return {
    file: ENCODER_FILE,
    config: {
      ...config,
      dropout2d: settings.dropout ?? config.dropout2d,
      probabilistic: settings.distribution !== 'deterministic',
      stackedHeads: settings.stackedHeads,
      ...(settings.dense && { dense: settings.dense }),
    },
    distribution: settings.distribution,
    nu: settings.nu,
    noise_scale: settings.noiseScale,
    label_reduction: settings.labelReduction ?? own?.label_reduction ?? { kind: 'nearest' },
    trained_against: {
      sam: files[sam.file] as string,
      ...('file' in backbone && { backbone: files[backbone.file] }),
    },
  };
}
