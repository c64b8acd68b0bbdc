import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { manifestJson, samConfigJson } from '../../../../src/core/checkpoint/config-json.ts';
import { parseManifest } from '../../../../src/core/checkpoint/manifest.ts';
import { MOBILE_SAM, VGG16 } from '../../../../src/core/networks/config.ts';
import { DINOV2_VIT_B14 } from '../../../../src/core/networks/dino/config.ts';

type Json = Record<string, unknown>;
// 0.1.0, which wrote the built-in model, spelled it licence.
const TEXT = readFileSync('models/tiny/manifest.json', 'utf8').replace('"licence"', '"license"');

/** What a manifest turns into in a file, after having been read from one. */
const again = (json: Json): unknown => JSON.parse(JSON.stringify(manifestJson(parseManifest(JSON.stringify(json), 'manifest.json'))));

describe('a manifest goes through the memory and back', () => {
  test('the built-in model’s comes back as it was', () => {
    expect(again(JSON.parse(TEXT) as Json)).toEqual(JSON.parse(TEXT));
  });

  test('with TinyViT under SAM, a VGG without batch norm, a ViT beside', () => {
    const hash = 'a'.repeat(64);
    const tiny = JSON.parse(TEXT) as { sam: Json } & Json;
    const { kind, imageSize, ...vgg } = VGG16;
    const { batchNorm, ...numbers } = vgg;
    for (const config of [
      { kind, image_size: imageSize, ...numbers, batch_norm: batchNorm },
      {
        ...{ kind: DINOV2_VIT_B14.kind, image_size: 518, patch_size: 14, embed_dim: 768, depth: 12, num_heads: 12, mlp_ratio: 4 },
        ...{ num_register_tokens: 0, stage_ends: [6, 10, 12] },
      },
    ]) {
      const json = {
        ...tiny,
        files: { ...(tiny['files'] as Json), 'backbone.safetensors': hash },
        sam: { ...tiny.sam, config: samConfigJson(MOBILE_SAM) },
        backbone: { file: 'backbone.safetensors', config },
        prompt_encoder: undefined, // it was trained against another SAM
      };
      expect(again(json)).toEqual(JSON.parse(JSON.stringify(json)));
    }
  });
});
