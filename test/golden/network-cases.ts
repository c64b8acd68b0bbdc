/** Cases of the frozen networks: SAM and the backbones. */
import { ownBackboneSchema, samConfigSchema } from '../../src/core/checkpoint/config-schema.ts';
import { backboneTensors } from '../../src/core/checkpoint/names/backbone.ts';
import { backboneFinal, backboneTrunk, type OwnBackboneConfig } from '../../src/core/networks/backbone.ts';
import { gridSize, type SamConfig } from '../../src/core/networks/config.ts';
import { samImageEncoder } from '../../src/core/networks/sam-image-encoder.ts';
import { samMaskDecoder } from '../../src/core/networks/sam-mask-decoder.ts';
import { POINT_KINDS, samDensePositions, samMaskEmbedding, samPointEmbeddings } from '../../src/core/networks/sam-prompt-encoder.ts';
import type { CaseRunners } from './cases.ts';
import { execute, valuesOf, type Build } from './execute.ts';
import type { GoldenCase } from './golden-set.ts';

export function samConfigOf(golden: GoldenCase): SamConfig {
  return samConfigSchema.parse(golden.set.manifest.weights['sam']?.config);
}

/** The case's backbone: its name among the weights, and its configuration at the size of the case's images. */
export function backboneOf(golden: GoldenCase, imageName: string): { name: string; config: OwnBackboneConfig } {
  const name = golden.entry.weights.find((weights) => weights.startsWith('backbone_')) as string;
  const imageSize = golden.floats(imageName).shape[2];
  return { name, config: ownBackboneSchema.parse({ ...golden.set.manifest.weights[name]?.config, image_size: imageSize }) };
}

/** SAM's point list as coordinates and one-hot kinds; labels 0 negative, 1 positive; corners of a box follow, else a padding point. */
function pointInputs(golden: GoldenCase, withPoints: boolean, withBoxes: boolean): { xy: number[]; kinds: number[]; shape: number[] } {
  const batch = golden.floats('points').shape[0] as number;
  const perSet = golden.floats('points').shape[1] as number;
  const xy: number[] = [];
  const kinds: number[] = [];
  const push = (x: number, y: number, kind: (typeof POINT_KINDS)[number]): void => {
    xy.push(x, y);
    kinds.push(...POINT_KINDS.map((name) => (name === kind ? 1 : 0)));
  };
  const points = golden.floats('points').data;
  const labels = golden.floats('labels').data;
  const boxes = golden.floats('boxes').data;
  for (let b = 0; b < batch; b++) {
    for (let i = 0; withPoints && i < perSet; i++) {
      const at = b * perSet + i;
      const kind = { '-1': 'padding', 0: 'negative', 1: 'positive' }[labels[at] as -1 | 0 | 1] as 'padding';
      push(points[2 * at] as number, points[2 * at + 1] as number, kind);
    }
    if (withBoxes) {
      push(boxes[4 * b] as number, boxes[4 * b + 1] as number, 'boxTopLeft');
      push(boxes[4 * b + 2] as number, boxes[4 * b + 3] as number, 'boxBottomRight');
    } else {
      push(0, 0, 'padding');
    }
  }
  return { xy, kinds, shape: [batch, xy.length / 2 / batch] };
}

async function promptEncoderCase(golden: GoldenCase): Promise<Record<string, ArrayLike<number>>> {
  const config = samConfigOf(golden);
  const out: Record<string, ArrayLike<number>> = {};
  const variants = { sparse_points: [true, false], sparse_boxes: [false, true], sparse_points_and_boxes: [true, true] } as const;
  for (const [name, [withPoints, withBoxes]] of Object.entries(variants)) {
    const { xy, kinds, shape } = pointInputs(golden, withPoints, withBoxes);
    const inputs = {
      xy: { data: Float32Array.from(xy), shape: [...shape, 2] },
      kinds: { data: Float32Array.from(kinds), shape: [...shape, POINT_KINDS.length] },
    };
    const result = await execute(golden.set, 'sam', inputs, (ops, weights, i) => ({
      sparse: samPointEmbeddings(ops, weights, config, i['xy'] as never, i['kinds'] as never),
    }));
    out[name] = (result['sparse'] as { data: Float32Array }).data;
  }
  const dense = await execute(golden.set, 'sam', { mask: golden.floats('mask') }, (ops, weights, i) => ({
    dense_mask: samMaskEmbedding(ops, weights, config, i['mask'] as never),
  }));
  return { ...out, ...valuesOf(dense) };
}

async function decoderCase(golden: GoldenCase): Promise<Record<string, ArrayLike<number>>> {
  const config = samConfigOf(golden);
  const inputs = { embedding: golden.floats('image_embeddings'), prompts: golden.floats('prompts') };
  const decode = (choice: 'single' | 'multi') =>
    execute(golden.set, 'sam', inputs, (ops, weights, i) => ({
      ...samMaskDecoder(ops, weights, config, { embedding: i['embedding'] as never, prompts: i['prompts'] as never }, choice),
    }));
  const single = valuesOf(await decode('single'));
  const multi = valuesOf(await decode('multi'));
  return {
    low_res_logits: single['logits'] as Float32Array,
    iou: single['iou'] as Float32Array,
    multimask_logits: multi['logits'] as Float32Array,
    multimask_iou: multi['iou'] as Float32Array,
  };
}

async function severalReferencesCase(golden: GoldenCase): Promise<Record<string, ArrayLike<number>>> {
  const config = samConfigOf(golden);
  const inputs = { embedding: golden.floats('image_embeddings'), a: golden.floats('prompts_a'), b: golden.floats('prompts_b') };
  const { logits, iou } = valuesOf(
    await execute(golden.set, 'sam', inputs, (ops, weights, i) => {
      const prompts = ops.concat([i['a'] as never, i['b'] as never], 1);
      return { ...samMaskDecoder(ops, weights, config, { embedding: i['embedding'] as never, prompts }, 'single') };
    }),
  );
  return { low_res_logits: logits as Float32Array, iou: iou as Float32Array };
}

async function backboneCase(golden: GoldenCase): Promise<Record<string, ArrayLike<number>>> {
  const { name, config } = backboneOf(golden, 'image');
  const inputs = { image: golden.floats('image'), ...(golden.has('mask') && { mask: golden.floats('mask') }) };
  const build: Build = (ops, weights, i) => {
    const { f2, f3, mid, state } = backboneTrunk(ops, weights, config, i['image'] as never);
    const masked = i['mask'] && { masked: backboneFinal(ops, weights, config, state, i['mask']) };
    return { f2, f3, mid, f4: backboneFinal(ops, weights, config, state), ...masked };
  };
  return valuesOf(await execute(golden.set, name, inputs, build, (tensors, label) => backboneTensors(tensors, label).tensors));
}

export const networkCases: CaseRunners = {
  sam_image_encoder: async (golden) => {
    const config = samConfigOf(golden);
    const outputs = await execute(golden.set, 'sam', { image: golden.floats('image') }, (ops, weights, i) => {
      const { patches, blocks, embedding } = samImageEncoder(ops, weights, config, i['image'] as never);
      return {
        after_patch_and_pos: patches as never,
        embedding,
        ...Object.fromEntries(blocks.map((block, n) => [`after_block_${n}`, block])),
      };
    });
    return valuesOf(outputs);
  },
  sam_dense_pe: async (golden) => {
    const config = samConfigOf(golden);
    const grid = gridSize(config);
    const outputs = await execute(golden.set, 'sam', {}, (ops, weights) => {
      const cells = samDensePositions(ops, weights, config); // [1, g * g, c]
      return { dense_pe: ops.reshape(ops.transpose(cells, [0, 2, 1]), [1, config.outChans, grid, grid]) };
    });
    return valuesOf(outputs);
  },
  sam_prompt_encoder: promptEncoderCase,
  sam_mask_decoder: decoderCase,
  sam_mask_decoder_nshot: severalReferencesCase,
  backbone_resnet_deep: backboneCase,
  backbone_resnet_plain: backboneCase,
  backbone_vgg: backboneCase,
  backbone_dinov2: backboneCase,
  backbone_dinov2_registers: backboneCase,
  backbone_dinov3: backboneCase,
};
