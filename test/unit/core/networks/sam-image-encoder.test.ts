/** The image encoder piece by piece, as a full-size one works, against the same in one piece. */
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../../../src/core/checkpoint/open-checkpoint.ts';
import { samConfigSchema } from '../../../../src/core/checkpoint/config-schema.ts';
import { samImageEncoder } from '../../../../src/core/networks/sam-image-encoder.ts';
import { defineNetwork, emitWithFile } from '../../../../src/core/onnx/emit.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';
import { hashedImage } from '../../../golden/hash-weights.ts';
import { openGoldenSet } from '../../../golden/golden-set.ts';

const { weights } = openGoldenSet('test/golden/data').manifest;
const config = samConfigSchema.parse(weights['sam']?.config);
const side = config.imageSize;

async function embedding(piece?: number): Promise<Float32Array> {
  const definition = defineNetwork('encoder', { image: [1, 3, side, side] }, (ops, given, { image }) => ({
    embedding: samImageEncoder(ops, given, config, image, piece === undefined ? {} : { piece }).embedding,
  }));
  const checkpoint = await openCheckpoint(`test/golden/data/${weights['sam']?.file ?? ''}`);
  const session = await nodeRuntime().load(emitWithFile(definition, checkpoint));
  const outputs = await session.run({ image: { data: hashedImage(side), shape: [1, 3, side, side] } });
  await session.close();
  return (outputs['embedding'] as { data: Float32Array }).data;
}

describe('the image encoder in pieces', () => {
  const whole = embedding();

  it.each([1, 256, 2048, 20_000])('gives the same where %i values are made at once', async (piece) => {
    const wanted = await whole;
    const got = await embedding(piece);
    expect(got.length).toBe(wanted.length);
    expect(Math.max(...got.map((value, i) => Math.abs(value - (wanted[i] as number))))).toBeLessThan(1e-4);
  });
});
