/** The published sizes of SAM 2, whose heads, windows and global blocks no shape tells. */
import {
  SAM2_HIERA_BASE_PLUS,
  SAM2_HIERA_LARGE,
  SAM2_HIERA_SMALL,
  SAM2_HIERA_TINY,
  type HieraConfig,
  type SamConfig,
} from '../networks/config.ts';

export interface PublishedHiera {
  size: 'tiny' | 'small' | 'base+' | 'large';
  config: SamConfig;
  encoder: HieraConfig;
}

const published = (size: PublishedHiera['size'], config: SamConfig): PublishedHiera => ({
  size,
  config,
  encoder: config.encoder as HieraConfig,
});

export const PUBLISHED_HIERAS: readonly PublishedHiera[] = [
  published('tiny', SAM2_HIERA_TINY),
  published('small', SAM2_HIERA_SMALL),
  published('base+', SAM2_HIERA_BASE_PLUS),
  published('large', SAM2_HIERA_LARGE),
];

/** The published size of this width and these blocks, if it is one. */
export function publishedHiera({ embedDim, stages }: Pick<HieraConfig, 'embedDim' | 'stages'>): PublishedHiera | undefined {
  return PUBLISHED_HIERAS.find(({ encoder }) => encoder.embedDim === embedDim && encoder.stages.join() === stages.join());
}
