/**
 * The config.json that Hugging Face's transformers keeps beside SAM 2's weights: facts that stand in no shape. Keys that equal their
 * defaults, those of the tiny size, may be absent (transformers, `Sam2Config` and `Sam2HieraDetConfig`).
 */
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';
import { MAX_CONFIG_BYTES, TRANSFORMERS_CONFIG } from '../checkpoint/names/sam2.ts';
import { messageOf, ProsamError } from '../common/errors.ts';
import { SAM2_HIERA_TINY, type HieraConfig, type StabilityRule } from '../networks/config.ts';

/** Facts about a SAM 2 as its config.json gives them. */
export interface Sam2Facts {
  /** Path of the file. */
  path: string;
  /** Absent where the file says nothing of the trunk. */
  trunk?: Pick<HieraConfig, 'embedDim' | 'numHeads' | 'stages' | 'globalAttBlocks' | 'windowSpec'>;
  /** Side of the square input in pixels. */
  imageSize?: number;
  decoderHeads?: number;
  stability: Partial<StabilityRule>;
}

const whole = z.int().min(0).max(1_000_000);
const four = z.tuple([whole, whole, whole, whole]);
/** One number, or height and width. */
const side = z.union([whole, z.array(whole).length(2)]);
/** The one value that is computed for, twice. */
const both = (value: number) => z.tuple([z.literal(value), z.literal(value)]).optional();

const TINY = SAM2_HIERA_TINY.encoder as HieraConfig;
const stagesFrom = (first: number): [number, number, number, number] => [first, 2 * first, 4 * first, 8 * first];

const trunkSchema = z.object({
  hidden_size: whole.default(TINY.embedDim),
  image_size: side.nullish(),
  blocks_per_stage: four.default([...TINY.stages]),
  embed_dim_per_stage: four.default(stagesFrom(TINY.embedDim)),
  num_attention_heads_per_stage: four.default(stagesFrom(TINY.numHeads)),
  window_size_per_stage: four.default([...TINY.windowSpec]),
  global_attention_blocks: z
    .array(whole)
    .max(1000)
    .default([...TINY.globalAttBlocks]),
  patch_stride: both(4),
  patch_padding: both(3),
  query_stride: both(2),
  num_query_pool_stages: z.literal(3).optional(),
  hidden_act: z.literal('gelu').optional(),
});

const configSchema = z.object({
  vision_config: z
    .object({
      backbone_config: trunkSchema.optional(),
      fpn_top_down_levels: z.tuple([z.literal(2), z.literal(3)]).optional(),
      num_feature_levels: z.literal(3).optional(),
    })
    .optional(),
  prompt_encoder_config: z.object({ image_size: side.nullish() }).optional(),
  mask_decoder_config: z
    .object({
      num_attention_heads: whole.optional(),
      dynamic_multimask_via_stability: z.boolean().optional(),
      dynamic_multimask_stability_delta: z.number().optional(),
      dynamic_multimask_stability_thresh: z.number().optional(),
    })
    .optional(),
});

const typeSchema = z.object({ model_type: z.string().optional() });
const MODEL_TYPES: readonly (string | undefined)[] = ['sam2', 'sam2_video'];

/**
 * Facts from the config.json beside a SAM 2's weight file; undefined where there is none, or one of something else.
 * @throws CHECKPOINT_INVALID for one that cannot be read, CHECKPOINT_MISMATCH for one of a SAM 2 that is not computed here
 */
export async function sam2FactsBeside(weights: string): Promise<Sam2Facts | undefined> {
  const path = join(dirname(weights), TRANSFORMERS_CONFIG);
  const info = await stat(path).catch(() => undefined);
  if (!info?.isFile()) return undefined;
  if (info.size > MAX_CONFIG_BYTES)
    throw new ProsamError(
      'CHECKPOINT_INVALID',
      `${path}: expected at most ${MAX_CONFIG_BYTES} bytes, got ${info.size}. Move it away from the weights.`,
    );
  return parseSam2Facts(await readFile(path, 'utf8'), path);
}

/** path: of the file, for messages. @throws CHECKPOINT_INVALID, CHECKPOINT_MISMATCH */
export function parseSam2Facts(text: string, path: string): Sam2Facts | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ProsamError('CHECKPOINT_INVALID', `${path}: expected JSON, got text that does not parse (${messageOf(cause)}). Restore the file or move it away.`, { cause }); // prettier-ignore
  }
  const type = typeSchema.safeParse(json);
  if (!type.success || !MODEL_TYPES.includes(type.data.model_type)) return undefined;
  const result = configSchema.safeParse(json);
  if (!result.success)
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${path}: expected the configuration of a SAM 2 that is computed here, got another:\n${z.prettifyError(result.error)}\nUse a SAM 2 of the published build.`,
    );
  return factsOf(result.data, path);
}

function factsOf(
  { vision_config: vision, prompt_encoder_config: prompts, mask_decoder_config: decoder }: z.output<typeof configSchema>,
  path: string,
): Sam2Facts {
  const trunk = vision?.backbone_config;
  const sides = new Set([trunk?.image_size, prompts?.image_size].flatMap((one) => one ?? []));
  if (sides.size > 1)
    throw new ProsamError('CHECKPOINT_MISMATCH', `${path}: expected one image side, got ${[...sides].join(' and ')}. Correct the file.`);
  const [imageSize] = sides;
  const { num_attention_heads: decoderHeads, dynamic_multimask_stability_delta: delta } = decoder ?? {};
  // Switched off, token 0 is taken whatever its stability.
  const thresh = decoder?.dynamic_multimask_via_stability === false ? 0 : decoder?.dynamic_multimask_stability_thresh;
  return {
    path,
    ...(trunk && { trunk: trunkOf(trunk, path) }),
    ...(imageSize !== undefined && { imageSize }),
    ...(decoderHeads !== undefined && { decoderHeads }),
    stability: {
      ...(delta !== undefined && { dynamicMultimaskStabilityDelta: delta }),
      ...(thresh !== undefined && { dynamicMultimaskStabilityThresh: thresh }),
    },
  };
}

function trunkOf(trunk: z.output<typeof trunkSchema>, path: string): NonNullable<Sam2Facts['trunk']> {
  const { hidden_size: embedDim, embed_dim_per_stage: widths, num_attention_heads_per_stage: heads } = trunk;
  const doubles = (given: readonly number[], first: number): boolean => given.join() === stagesFrom(first).join();
  if (!doubles(widths, embedDim) || !doubles(heads, heads[0]))
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${path}: expected widths and heads that double from stage to stage, got embed_dim_per_stage ${widths.join(', ')} for hidden_size ${embedDim} ` +
        `and num_attention_heads_per_stage ${heads.join(', ')}. Use a SAM 2 of the published build.`,
    );
  return {
    embedDim,
    numHeads: heads[0],
    stages: trunk.blocks_per_stage,
    globalAttBlocks: trunk.global_attention_blocks,
    windowSpec: trunk.window_size_per_stage,
  };
}
