import { expect, it } from 'vitest';
import { defineNetwork, emitWithFile } from '../../../../src/core/onnx/emit.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';

const offersMore = defineNetwork('offers more than is asked for', { x: [1, 2] }, (ops, _, { x }) => {
  ops.sin(ops.mul(x, ops.constant([7.5], [1])));
  return { y: ops.exp(x) };
});

it('leaves out what leads to no output, its constants too', async () => {
  const emitted = emitWithFile(offersMore, undefined);
  const text = Buffer.from(emitted.bytes).toString('latin1');
  expect([text.includes('Exp'), text.includes('Sin'), text.includes('Mul')]).toEqual([true, false, false]);
  expect(Buffer.from(emitted.bytes).includes(Buffer.from(Float32Array.of(7.5).buffer))).toBe(false);

  const session = await nodeRuntime().load(emitted);
  try {
    const { y } = await session.run({ x: { data: Float32Array.of(0, 1), shape: [1, 2] } });
    expect(Array.from(y?.data ?? [])).toEqual([1, expect.closeTo(Math.E, 5)]);
  } finally {
    await session.close();
  }
});
