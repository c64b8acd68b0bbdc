/** The manifest's section on the methods that need no training: which features of the backbone they compare, and how. */
import * as z from 'zod';
import type { SamBackboneConfig, SamConfig } from '../networks/config.ts';
import { efficientNetBlocks } from '../networks/efficientnet.ts';

/** Methods that compare features, each by a plan of its own. */
export const MATCHING_METHODS = ['nearest', 'persam', 'gf-sam'] as const;
export type MatchingMethod = (typeof MATCHING_METHODS)[number];

/**
 * - 'cells': the largest cosine to a marked reference cell, less the largest to any other
 * - 'averages': the cosine to the average direction of the marked cells, less that to the average of all others
 */
export const COMPARISONS = ['cells', 'averages'] as const;
export type Comparison = (typeof COMPARISONS)[number];

const MAX_FEATURES = 64;
const planSchema = z.strictObject({
  /** Whole maps (`mid`, `high`), or the maps that `mid` is made of (`tap2`, `block7`); each is scaled to length 1 in every cell. */
  features: z
    .array(z.string().regex(/^(mid|high|tap\d|block\d{1,4})$/, 'must be mid, high, or a map of mid such as tap2 or block7'))
    .min(1)
    .max(MAX_FEATURES),
  compare: z.enum(COMPARISONS).default('cells'),
});

export const methodsSchema = z.strictObject({
  nearest: planSchema.optional(),
  persam: planSchema.optional(),
  'gf-sam': planSchema.omit({ compare: true }).optional(),
});

/** Channels of one of the backbone's maps, up to the last where there is no `to`. */
export interface FeaturePart {
  map: 'mid' | 'high';
  from: number;
  to?: number;
}

/** Parts of the features that count alike, and how cells are compared. */
export interface Matching {
  parts: readonly FeaturePart[];
  compare: Comparison;
}

/** Sections of a manifest that plans are resolved against. */
interface Sections {
  sam: { config: SamConfig };
  backbone: SamBackboneConfig | { file: string };
  methods?: z.output<typeof methodsSchema> | undefined;
}

/** Plans of a model: its own, or what measured best (tools/bench/methods.ts). */
export function matchingOf(manifest: Sections): Record<MatchingMethod, Matching> {
  const maps = mapsOfMid(manifest);
  const taps = 'midTaps' in manifest.backbone;
  const whole: FeaturePart[] = [{ map: 'mid', from: 0 }];
  const standard: Record<MatchingMethod, Matching> = {
    nearest: taps ? { parts: [...maps.values()], compare: 'cells' } : { parts: whole, compare: 'averages' },
    persam: { parts: whole, compare: 'cells' },
    'gf-sam': { parts: taps ? [...maps.values()] : whole, compare: 'cells' },
  };
  const matching = (method: MatchingMethod): Matching => {
    const plan = manifest.methods?.[method];
    if (plan === undefined) return standard[method];
    const compare = 'compare' in plan ? plan.compare : standard[method].compare;
    return { compare, parts: plan.features.map((name) => maps.get(name) ?? { map: name as FeaturePart['map'], from: 0 }) };
  };
  return { nearest: matching('nearest'), persam: matching('persam'), 'gf-sam': matching('gf-sam') };
}

/** Features that the plans name and the backbone does not give, as sentences. */
export function missingFeatures(manifest: Sections): string[] {
  const known = ['mid', 'high', ...mapsOfMid(manifest).keys()];
  return MATCHING_METHODS.flatMap((method) =>
    (manifest.methods?.[method]?.features ?? [])
      .filter((name) => !known.includes(name))
      .map((name) => `methods.${method}.features names ${name}, the backbone gives ${known.join(', ')}`),
  );
}

/** The maps that `mid` is made of, by name; none are told apart in a backbone with weights of its own. */
function mapsOfMid({ sam, backbone }: Sections): Map<string, FeaturePart> {
  const maps = new Map<string, FeaturePart>();
  const { encoder } = sam.config;
  let from = 0;
  const add = (name: string, channels: number): void => {
    maps.set(name, { map: 'mid', from, to: (from += channels) });
  };
  if ('midTaps' in backbone && encoder.kind === 'efficientnet-lite2')
    for (const tap of backbone.midTaps) add(`tap${tap}`, efficientNetBlocks()[encoder.taps[tap] as number]?.channels ?? 0);
  if ('midBlocks' in backbone) for (const block of backbone.midBlocks) add(`block${block}`, blockWidth(encoder, block));
  return maps;
}

/** Channels of a block on the embedding's grid. */
function blockWidth(encoder: SamConfig['encoder'], block: number): number {
  switch (encoder.kind) {
    case 'vit':
      return encoder.embedDim;
    case 'tiny_vit':
      return block < encoder.depths[2] ? encoder.embedDims[2] : encoder.embedDims[3];
    case 'hiera':
      return 4 * encoder.embedDim;
    case 'efficientnet-lite2':
      return 0; // its maps are taps
  }
}
