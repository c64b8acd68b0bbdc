/** The side of SAM's square input where it is given, and whether the configuration can be computed at all. */
import * as z from 'zod';
import { ProsamError } from '../common/errors.ts';
import { samConfigJson } from '../checkpoint/config-json.ts';
import { samConfigSchema } from '../checkpoint/config-schema.ts';
import { GRID_STRIDE, type SamConfig } from '../networks/config.ts';
import { PATCH_STRIDE } from '../networks/hiera.ts';

/**
 * A configuration at another image side, which SAM 2 alone can have: its position tables are spread over any.
 * side: in pixels. @default the configuration's own
 * @throws OPTION_INVALID, and CHECKPOINT_MISMATCH for a configuration that is not computed here
 */
export function atImageSize(config: SamConfig, side: number | undefined, label: string): SamConfig {
  const { encoder, imageSize } = config;
  if (encoder.kind !== 'hiera') {
    if (side === undefined || side === imageSize) return config;
    throw new ProsamError('OPTION_INVALID', `image size: expected ${imageSize}, the only one ${label} was made for, got ${side}.`);
  }
  const [coarsest, windows] = [2 * GRID_STRIDE, PATCH_STRIDE * encoder.windowSpec[0]];
  if (side !== undefined && (side % coarsest !== 0 || side % windows !== 0))
    throw new ProsamError(
      'OPTION_INVALID',
      `image size: expected a multiple of ${[...new Set([coarsest, windows])].join(' and of ')}, got ${side}.`,
    );
  const sized = { ...config, imageSize: side ?? imageSize };
  const result = samConfigSchema.safeParse(samConfigJson(sized));
  if (result.success) return sized;
  const problems = z.prettifyError(result.error);
  if (side !== undefined && samConfigSchema.safeParse(samConfigJson(config)).success)
    throw new ProsamError('OPTION_INVALID', `image size: expected one that ${label} can be computed at, got ${side}:\n${problems}`);
  throw new ProsamError(
    'CHECKPOINT_MISMATCH',
    `${label}: expected a SAM 2 that is computed here, got another:\n${problems}\nCheck the config.json beside it.`,
  );
}
