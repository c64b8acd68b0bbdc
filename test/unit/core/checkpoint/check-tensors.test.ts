import { describe, expect, test } from 'vitest';
import { checkTensors } from '../../../../src/core/checkpoint/check-tensors.ts';
import type { Dtype } from '../../../../src/core/checkpoint/formats/safetensors.ts';
import { expectCode } from '../expect-error.ts';

type Found = [name: string, shape: number[], dtype?: Dtype][];

const needed = new Map([
  ['conv.weight', [8, 3, 3, 3]],
  ['conv.bias', [8]],
  ['scale', []],
]);
const found = (...list: Found) => new Map(list.map(([name, shape, dtype]) => [name, { shape, ...(dtype && { dtype }) }]));
const whole: Found = [
  ['conv.weight', [8, 3, 3, 3], 'F16'],
  ['conv.bias', [8], 'F32'],
  ['scale', []],
];

describe('checkTensors', () => {
  test('accepts what fits, in F32, F16 or values already read', () => {
    checkTensors(needed, found(...whole), 'file');
  });

  test('accepts tensors that are known never to be read', () => {
    const unused = [
      'num_batches_tracked',
      'layer1.0.bn1.num_batches_tracked',
      'fc.weight',
      'classifier.6.bias',
      'pre_logits.fc1.weight',
      'head.fc.weight',
      'mask_token',
      'norm.weight',
      'image_encoder.norm_head.bias',
      'image_encoder.head.weight',
      'image_encoder.layers.1.blocks.0.attn.attention_bias_idxs',
    ];
    checkTensors(needed, found(...whole, ...unused.map((name): Found[number] => [name, [1], 'I64'])), 'file');
  });

  test('lists every difference in one error: missing, shape, type and what does not belong', () => {
    const { message } = expectCode('CHECKPOINT_MISMATCH', () => {
      checkTensors(
        needed,
        found(['conv.weight', [8, 3, 7, 7]], ['scale', [], 'F64'], ['extra.norm.weight', [2]]),
        'model@1: sam.safetensors',
      );
    });
    expect(message.split('\n')).toEqual([
      "model@1: sam.safetensors does not fit the configuration in the model's manifest:",
      '  shape: conv.weight should be [8, 3, 3, 3], is [8, 3, 7, 7]',
      '  missing: conv.bias [8]',
      '  dtype: scale should be F32 or F16 or BF16, is F64 (prosam models add converts those)',
      '  not part of this network: extra.norm.weight',
      'Correct the configuration or use the checkpoint it describes.',
    ]);
  });

  test('tells shapes apart that read alike', () => {
    for (const shape of [[0], [1], [1, 1]]) {
      expectCode('CHECKPOINT_MISMATCH', () => checkTensors(new Map([['scale', []]]), found(['scale', shape]), 'file'), 'scale');
    }
    expectCode('CHECKPOINT_MISMATCH', () => checkTensors(new Map([['w', [12]]]), found(['w', [1, 2]]), 'file'), 'w');
  });

  test('shows the first twenty differences and counts the rest', () => {
    const many = new Map(Array.from({ length: 25 }, (_, i) => [`blocks.${i}.weight`, [4]]));
    const { message } = expectCode('CHECKPOINT_MISMATCH', () => checkTensors(many, new Map(), 'file'), 'and 5 more');
    expect(message.match(/missing/g)?.length).toBe(20);
  });
});
