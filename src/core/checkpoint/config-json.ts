/** The way back: configurations of `networks/config.ts` as `config-schema.ts` and `sam-section.ts` read them. */
import type { SamBackboneConfig, SamConfig } from '../networks/config.ts';
import type { Manifest } from './manifest.ts';
import { splitConfigJson } from './sam-section.ts';

/** Keys in snake_case, as in the networks' own code; values as they are. */
export function snakeKeys(config: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]): [string, unknown] => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

/** The encoder's numbers beside the decoder's; a ViT goes unnamed, as in manifests written before there was another encoder. */
export function samConfigJson({ imageSize, encoder, sam2, ...decoder }: SamConfig): Record<string, unknown> {
  const { kind, ...numbers } = encoder;
  const more = sam2 && { predObjScores: sam2.predObjScores, ...sam2.stability };
  return snakeKeys({ ...(kind !== 'vit' && { imageEncoder: kind }), imageSize, ...numbers, ...more, ...decoder });
}

/** SAM's section of a manifest, in the layout that its encoder has. */
export function samSectionJson({ config, ...rest }: Manifest['sam']): Record<string, unknown> {
  const { encoder } = config;
  return { ...rest, ...(encoder.kind === 'efficientnet-lite2' ? splitConfigJson(config, encoder) : { config: samConfigJson(config) }) };
}

/** SAM as its own backbone. */
export function samBackboneJson(backbone: SamBackboneConfig): Record<string, unknown> {
  if ('midBlocks' in backbone) return snakeKeys(backbone);
  const named = (taps: readonly number[]): string[] => taps.map((tap) => `tap${tap}`);
  return { kind: backbone.kind, mid: named(backbone.midTaps), high: named(backbone.highTaps) };
}

/** A manifest in memory as it stands in a file. */
export function manifestJson(manifest: Manifest): Record<string, unknown> {
  const { sam, backbone, prompt_encoder: encoder } = manifest;
  return {
    ...manifest,
    sam: samSectionJson(sam),
    backbone: 'file' in backbone ? { ...backbone, config: snakeKeys(backbone.config) } : samBackboneJson(backbone),
    ...(encoder && { prompt_encoder: { ...encoder, config: snakeKeys(encoder.config) } }),
  };
}
