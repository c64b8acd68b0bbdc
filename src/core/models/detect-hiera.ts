/**
 * Detects SAM 2's image encoder. Names and shapes tell its widths, blocks and position tables; heads, windows, global blocks and the
 * image's side stand in no shape: they are those of a published size, or of the config.json beside the weights.
 */
import { ProsamError } from '../common/errors.ts';
import type { CheckpointTensors } from '../checkpoint/checkpoint.ts';
import { countBlocks, shapesOf } from '../checkpoint/tensor-shapes.ts';
import type { HieraConfig, Sam2Config, SamConfig, StabilityRule } from '../networks/config.ts';
import { publishedHiera, PUBLISHED_HIERAS } from './published-hiera.ts';
import type { Sam2Facts } from './transformers-config.ts';

const TRUNK = 'image_encoder.trunk';
const OBJECT_SCORE = 'mask_decoder.pred_obj_score_head.layers.0.weight';

/** Numbers that shapes tell. */
type Shaped = Pick<HieraConfig, 'embedDim' | 'stages' | 'windowPosEmbedBkgSpatialSize' | 'mlpRatio'> & { firstWindow: number };

/** @throws CHECKPOINT_MISMATCH */
export function describeHiera(
  tensors: CheckpointTensors,
  label: string,
  facts: Sam2Facts | undefined,
): Pick<SamConfig, 'imageSize' | 'encoder' | 'sam2'> & { encoder: HieraConfig; sam2: Sam2Config } {
  const { firstWindow, ...shaped } = shapedNumbers(tensors, label);
  const published = publishedHiera(shaped);
  if (facts?.trunk) checkBelongs(shaped, facts.trunk, label, facts.path);
  const told = facts?.trunk ?? published?.encoder;
  if (told === undefined) throw unknownSize(shaped, label);
  const { numHeads, windowSpec, globalAttBlocks } = told;
  if (windowSpec[0] !== firstWindow)
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected windows of ${windowSpec[0]} cells in the first stage${facts?.trunk ? `, as ${facts.path} says` : ''}, got a table for ${firstWindow}. ` +
        'Use the config.json that belongs to these weights.',
    );
  const usual = (published ?? PUBLISHED_HIERAS[0])?.config as SamConfig & { sam2: { stability: StabilityRule } };
  return {
    imageSize: facts?.imageSize ?? usual.imageSize,
    encoder: { kind: 'hiera', ...shaped, numHeads, windowSpec, globalAttBlocks },
    sam2: { stability: { ...usual.sam2.stability, ...facts?.stability }, predObjScores: tensors.has(OBJECT_SCORE) },
  };
}

function shapedNumbers(tensors: CheckpointTensors, label: string): Shaped {
  const shape = shapesOf(tensors, label);
  const embedDim = shape(`${TRUNK}.patch_embed.proj.weight`, 4)[0] as number;
  const [, , rows, columns] = shape(`${TRUNK}.pos_embed`, 4) as [number, number, number, number];
  const [, , firstWindow] = shape(`${TRUNK}.pos_embed_window`, 4) as [number, number, number];
  const hidden = shape(`${TRUNK}.blocks.0.mlp.layers.0.weight`, 2)[0] as number;
  return {
    embedDim,
    stages: stagesOf(tensors, label),
    windowPosEmbedBkgSpatialSize: [rows, columns],
    mlpRatio: hidden / embedDim,
    firstWindow,
  };
}

/** Blocks of every stage: the first of each but the first stage has a projection of its own, to the next width. */
function stagesOf(tensors: CheckpointTensors, label: string): HieraConfig['stages'] {
  const depth = countBlocks(tensors, `${TRUNK}.blocks`);
  const starts = Array.from({ length: depth }, (_, i) => i).filter((i) => tensors.has(`${TRUNK}.blocks.${i}.proj.weight`));
  if (starts.length !== 3 || starts[0] === 0)
    throw new ProsamError(
      'CHECKPOINT_MISMATCH',
      `${label}: expected a Hiera of four stages, the last three of which start with a projection, got ${depth} blocks with projections ` +
        `at ${starts.join(', ') || 'none'}. Use a SAM 2 or SAM 2.1 checkpoint.`,
    );
  const [second, third, fourth] = starts as [number, number, number];
  return [second, third - second, fourth - third, depth - fourth];
}

/** @throws CHECKPOINT_MISMATCH where the config.json is that of other weights */
function checkBelongs(
  { embedDim, stages }: Pick<HieraConfig, 'embedDim' | 'stages'>,
  told: NonNullable<Sam2Facts['trunk']>,
  label: string,
  path: string,
): void {
  if (told.embedDim === embedDim && told.stages.join() === stages.join()) return;
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected the trunk that ${path} describes (${inWords(told)}), got ${inWords({ embedDim, stages })}. ` +
      'Put the config.json that belongs to these weights beside them, or move that one away.',
  );
}

function unknownSize(shaped: Pick<HieraConfig, 'embedDim' | 'stages'>, label: string): ProsamError {
  const known = PUBLISHED_HIERAS.map(({ size, encoder }) => `${size}: ${inWords(encoder)}`).join('; ');
  return new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected a published size of SAM 2 (${known}), got a Hiera of ${inWords(shaped)}. Its heads, windows, global blocks and ` +
      'image side stand in no shape: put its config.json of Hugging Face (or a manifest.json of a model folder) beside the weights.',
  );
}

function inWords({ embedDim, stages }: Pick<HieraConfig, 'embedDim' | 'stages'>): string {
  return `width ${embedDim}, blocks ${stages.join('-')}`;
}
