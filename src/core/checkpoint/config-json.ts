/** The way back: configurations of `model/config.ts` as `config-schema.ts` reads them. */
import type { SamConfig } from '../networks/config.ts';
import type { Manifest } from './manifest.ts';

/** Keys in snake_case, as in the networks' own code; values as they are. */
export function snakeKeys(config: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]): [string, unknown] => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

/** The encoder's numbers beside the decoder's; a ViT goes unnamed, as in manifests written before there was another encoder. */
export function samConfigJson({ imageSize, encoder, sam2, ...decoder }: SamConfig): Record<string, unknown> {
  const { kind, ...numbers } = encoder;
  return snakeKeys({ ...(kind !== 'vit' && { imageEncoder: kind }), imageSize, ...numbers, ...sam2, ...decoder });
}

/** A manifest in memory as it stands in a file. */
export function manifestJson(manifest: Manifest): Record<string, unknown> {
  const { sam, backbone, prompt_encoder: encoder } = manifest;
  return {
    ...manifest,
    sam: { ...sam, config: samConfigJson(sam.config) },
    backbone: 'file' in backbone ? { ...backbone, config: snakeKeys(backbone.config) } : snakeKeys(backbone),
    ...(encoder && { prompt_encoder: { ...encoder, config: snakeKeys(encoder.config) } }),
  };
}
