/** A model folder's manifest.json: what the networks are, where their weights lie, and which belong together. */
import * as z from 'zod';
import { ProsamError } from '../common/errors.ts';
import type { Normalisation } from '../image/preprocess.ts';
import { ownBackboneSchema, promptEncoderConfigSchema, samBackboneSchema, samTapsSchema } from './config-schema.ts';
import { methodsSchema, missingFeatures } from './methods-section.ts';
import { fileName, isSplit, samSectionSchema, splitSamSectionSchema } from './sam-section.ts';

/** On this system or another: a manifest may be read where it was not written. */
function isAbsolutePath(path: string): boolean {
  return /^(\/|[A-Za-z]:[\\/]|\\\\)/.test(path) && !path.includes('\0');
}

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lowercase hexadecimal digits');

/** Metadata key of a weight file that describes itself: the manifest's section of the same name as JSON, without its file. */
export const PLAN_KEY = 'prompt_encoder';

/** Facts about a trained prompt encoder besides its weights. */
const promptEncoderPlanSchema = z.strictObject({
  config: promptEncoderConfigSchema,
  distribution: z.enum(['student_t', 'student_t_printed', 'gaussian', 'heavy_tailed', 'deterministic']),
  nu: z.number().positive(),
  /** Constant factor on the noise it was trained with; 1 where absent. */
  noise_scale: z.number().positive().optional(),
  label_reduction: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('nearest') }),
    z.strictObject({ kind: z.literal('any') }),
    z.strictObject({ kind: z.literal('area'), threshold: z.number().min(0).max(1), inclusive: z.boolean().optional() }),
  ]),
  /** Hashes of the frozen weights it was trained against. */
  trained_against: z.strictObject({ sam: sha256, backbone: sha256.optional() }),
});

const ownBackboneSection = z.strictObject({ file: fileName, config: ownBackboneSchema });

const manifestSchema = z.strictObject({
  format: z.literal('prosam-model/1'),
  name: z.string().min(1).max(100),
  about: z.string().max(10_000).optional(),
  license: z.string().min(1).max(1000),
  /** sha256 of every weight file; of a sharded checkpoint its list and every shard. */
  files: z.record(fileName, sha256),
  /** Absolute paths of weight files that stay where they are; all others lie in the model's folder. */
  locations: z.record(fileName, z.string().min(1).max(4096).refine(isAbsolutePath, 'must be an absolute path')).optional(),
  sam: samSectionSchema,
  backbone: z.union([samBackboneSchema, ownBackboneSection]),
  prompt_encoder: promptEncoderPlanSchema.extend({ file: fileName }).optional(),
  /** Features that the methods without training compare; where absent, what measured best. */
  methods: methodsSchema.optional(),
  /** Inputs and outputs of one prediction, to prove an installation. */
  known_answer: fileName.optional(),
  /** Training of each part, in words. */
  trained: z.record(z.string(), z.string()).optional(),
  /** Origin of parts that others trained, in words. */
  upstream: z.record(z.string(), z.string()).optional(),
});
/** The same with SAM's encoder and decoder apart. */
const splitManifestSchema = manifestSchema.extend({ sam: splitSamSectionSchema, backbone: z.union([samTapsSchema, ownBackboneSection]) });

export type Manifest = z.output<typeof manifestSchema>;
export type PromptEncoderPlan = z.output<typeof promptEncoderPlanSchema>;

export function normalisationOf(manifest: Manifest): Normalisation {
  return { mean: manifest.sam.mean, std: manifest.sam.std };
}

/** @throws MODEL_INVALID with every problem found; PROMPT_ENCODER_MISMATCH */
export function parseManifest(text: string, label: string): Manifest {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ProsamError('MODEL_INVALID', `${label}: expected JSON, got text that does not parse. Restore the file.`, { cause });
  }
  const result = (isSplit(json) ? splitManifestSchema : manifestSchema).safeParse(withLicense(json));
  if (!result.success) {
    const problems = z.prettifyError({ issues: plainIssues(result.error.issues) });
    throw new ProsamError('MODEL_INVALID', `${label} does not describe a model:\n${problems}\nCorrect the manifest.`);
  }
  const manifest = withInclusiveCells(result.data);
  checkConsistency(manifest, label);
  return manifest;
}

/** Cells of a reference are counted inclusively, unless said otherwise, where taps are the backbone: no such model was trained the other way. */
function withInclusiveCells(manifest: Manifest): Manifest {
  const { backbone, prompt_encoder: encoder } = manifest;
  if (!('midTaps' in backbone) || encoder?.label_reduction.kind !== 'area') return manifest;
  return { ...manifest, prompt_encoder: { ...encoder, label_reduction: { inclusive: true, ...encoder.label_reduction } } };
}

/** Manifests of 0.1.0 spell it licence. */
function withLicense(json: unknown): unknown {
  if (typeof json !== 'object' || json === null || !('licence' in json) || 'license' in json) return json;
  const { licence, ...rest } = json;
  return { ...rest, license: licence };
}

/** Issues of a value that fits none of several forms: those of the form it comes closest to. */
function plainIssues(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] {
  return issues.flatMap((issue) => {
    const [closest] = issue.code === 'invalid_union' ? issue.errors.toSorted((a, b) => a.length - b.length) : [];
    return closest === undefined ? [issue] : plainIssues(closest).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });
}

function checkConsistency(manifest: Manifest, label: string): void {
  const { sam, backbone, prompt_encoder: encoder, files } = manifest;
  const ownBackbone = 'file' in backbone ? backbone.file : undefined;
  for (const file of [sam.file, ownBackbone, encoder?.file, manifest.known_answer]) {
    if (file !== undefined && !Object.hasOwn(files, file)) {
      throw new ProsamError('MODEL_INVALID', `${label} names ${file} but gives no sha256 for it under "files". Add it.`);
    }
  }
  if (sam.resize === 'aligned' && ownBackbone === undefined) {
    throw new ProsamError(
      'MODEL_INVALID',
      `${label}: the resize "aligned" starts from a backbone's input, but SAM is its own backbone. Use "stretch".`,
    );
  }
  const missing = missingFeatures(manifest);
  if (missing.length > 0) throw new ProsamError('MODEL_INVALID', `${label}: ${missing.join('; ')}. Correct the manifest.`);
  if (encoder !== undefined) checkBelongsTo(encoder, manifest, label);
}

/** Was the prompt encoder trained against these frozen parts? @throws MODEL_INVALID, PROMPT_ENCODER_MISMATCH */
function checkBelongsTo(encoder: PromptEncoderPlan, { sam, backbone, files }: Manifest, label: string): void {
  const ownBackbone = 'file' in backbone ? backbone.file : undefined;
  if (encoder.config.dim !== sam.config.outChans) {
    throw new ProsamError(
      'MODEL_INVALID',
      `${label}: prompt_encoder.config.dim is ${encoder.config.dim}, SAM's out_chans is ${sam.config.outChans}. They must be equal.`,
    );
  }
  const pairs = [
    ['SAM', encoder.trained_against.sam, files[sam.file]],
    ['backbone', encoder.trained_against.backbone, ownBackbone === undefined ? undefined : files[ownBackbone]],
  ] as const;
  for (const [part, wanted, present] of pairs) {
    if (wanted === present) continue;
    throw new ProsamError(
      'PROMPT_ENCODER_MISMATCH',
      `${label}: the prompt encoder was trained against the ${part} with sha256 ${wanted ?? '(none)'}, but this model has ${present ?? '(none)'}. ` +
        `Use the ${part} it was trained against, or train a prompt encoder for this one.`,
    );
  }
}

/** The section of a prompt encoder that stands alone, as its weight file carries it. @throws CHECKPOINT_INVALID, MODEL_INVALID, PROMPT_ENCODER_MISMATCH */
export function parsePromptEncoderPlan(text: string, manifest: Manifest, label: string): PromptEncoderPlan {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ProsamError(
      'CHECKPOINT_INVALID',
      `${label}: expected JSON under prompt_encoder in its metadata, got text that does not parse.`,
      { cause },
    );
  }
  const result = promptEncoderPlanSchema.safeParse(json);
  if (!result.success)
    throw new ProsamError(
      'CHECKPOINT_INVALID',
      `${label}: prompt_encoder in its metadata does not describe one:\n${z.prettifyError(result.error)}`,
    );
  checkBelongsTo(result.data, manifest, label);
  return result.data;
}
