/** A model folder with weights from a hash, of any size: for tests of how long and on which process something computes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseManifest } from '../../../src/core/checkpoint/manifest.ts';
import { hashFile } from '../../../src/core/checkpoint/model-folder.ts';
import type { SamConfig } from '../../../src/core/model/config.ts';
import { tensorsNeeded } from '../../../src/core/runtime/emit.ts';
import { decodePointsGraph, decodePromptsGraph, imageEncoderGraph } from '../../../src/core/runtime/model-graphs.ts';
import { writeHashedWeights } from '../../golden/hash-weights.ts';

/** One encoder run takes about half a second on one core, in 4 MB of weights: few channels, and every patch attends to every other. */
export const SLOW_SAM: SamConfig = {
  ...{ imageSize: 1024, patchSize: 16, embedDim: 96, depth: 2, numHeads: 3, globalAttnIndexes: [0, 1], windowSize: 8, mlpRatio: 4 },
  ...{ outChans: 64, maskInChans: 16, decoderDepth: 2, decoderMlpDim: 192, decoderHeads: 4, numMultimaskOutputs: 3 },
  ...{ iouHeadDepth: 3, iouHeadHiddenDim: 64 },
};

/** SAM is its own backbone, without a prompt encoder. -> the folder */
export async function writeHashedModel(folder: string, config: SamConfig): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = 'sam.safetensors';
  const snake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const manifest = (sha256: string): string =>
    JSON.stringify({
      ...{ format: 'prosam-model/1', name: 'hashed', licence: 'Apache-2.0', files: { [file]: sha256 } },
      sam: {
        ...{ file, resize: 'stretch', mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] },
        config: Object.fromEntries(Object.entries(config).map(([key, value]) => [snake(key), value])),
      },
      backbone: { kind: 'sam', mid_blocks: [config.depth - 1] },
    });
  const parts = parseManifest(manifest('0'.repeat(64)), 'hashed model');
  const graphs = [imageEncoderGraph(parts), decodePromptsGraph(parts), decodePointsGraph(parts, false), decodePointsGraph(parts, true)];
  const path = join(folder, file);
  writeHashedWeights(path, Object.fromEntries(tensorsNeeded(...graphs)));
  writeFileSync(join(folder, 'manifest.json'), manifest(await hashFile(path)));
  return folder;
}
