/** A model folder with weights from a hash, of any size: for tests of how long and on which process something computes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { samConfigJson } from '../../../../src/core/checkpoint/config-json.ts';
import { parseManifest } from '../../../../src/core/checkpoint/manifest.ts';
import { hashFile } from '../../../../src/core/checkpoint/hash-cache.ts';
import { gridBlocks, type SamConfig, type VitConfig } from '../../../../src/core/networks/config.ts';
import { tensorsNeeded } from '../../../../src/core/onnx/emit.ts';
import { decodePointsGraph, decodePromptsGraph, imageEncoderGraph } from '../../../../src/core/onnx/model-graphs.ts';
import { writeHashedWeights } from '../../../golden/hash-weights.ts';

const ENCODER: VitConfig = {
  ...{ kind: 'vit', patchSize: 16, embedDim: 96, depth: 2, numHeads: 3, globalAttnIndexes: [0, 1], windowSize: 8, mlpRatio: 4 },
};

/** One encoder run takes about half a second on one core, in 4 MB of weights: few channels, and every patch attends to every other. */
export const SLOW_SAM: SamConfig = {
  ...{ imageSize: 1024, encoder: ENCODER, outChans: 64, maskInChans: 16, decoderDepth: 2, decoderMlpDim: 192, decoderHeads: 4 },
  ...{ numMultimaskOutputs: 3, iouHeadDepth: 3, iouHeadHiddenDim: 64 },
};

/** With more blocks it takes longer. */
export function slowSam(depth: number, imageSize: number = SLOW_SAM.imageSize): SamConfig {
  return { ...SLOW_SAM, imageSize, encoder: { ...ENCODER, depth, globalAttnIndexes: Array.from({ length: depth }, (_, i) => i) } };
}

/** SAM is its own backbone, without a prompt encoder. -> the folder */
export async function writeHashedModel(folder: string, config: SamConfig): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = 'sam.safetensors';
  const manifest = (sha256: string): string =>
    JSON.stringify({
      ...{ format: 'prosam-model/1', name: 'hashed', license: 'Apache-2.0', files: { [file]: sha256 } },
      sam: {
        ...{ file, resize: 'stretch', mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
        config: samConfigJson(config),
      },
      backbone: { kind: 'sam', mid_blocks: [gridBlocks(config) - 1] },
    });
  const parts = parseManifest(manifest('0'.repeat(64)), 'hashed model');
  const graphs = [imageEncoderGraph(parts), decodePromptsGraph(parts), decodePointsGraph(parts, false), decodePointsGraph(parts, true)];
  const path = join(folder, file);
  writeHashedWeights(path, Object.fromEntries(tensorsNeeded(...graphs)));
  writeFileSync(join(folder, 'manifest.json'), manifest(await hashFile(path)));
  return folder;
}
