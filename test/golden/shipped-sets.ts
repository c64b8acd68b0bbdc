/** Golden sets that the project ships, and how many of their outputs there are. */
export interface ShippedSet {
  dir: string;
  /** Folder of the same set where the project was made; there it is run too. @default nowhere */
  beside?: string;
  /** Outputs that are computed. */
  outputs: number;
  /** Those of them that need nothing differentiated. */
  withoutEngine: number;
  /** Lines about outputs that no network here makes. */
  notComputed: readonly string[];
  /** Cases that stand for all where every network is compiled for seconds, and the number of their outputs; none where no network runs. */
  few: { cases: readonly string[]; outputs: number };
}

export const SHIPPED_SETS: readonly ShippedSet[] = [
  {
    dir: 'test/golden/data',
    beside: '../shared/golden',
    outputs: 378,
    withoutEngine: 166,
    notComputed: [],
    few: { cases: ['attention_block', 'backbone_dinov2', 'sam_mask_decoder_nshot'], outputs: 7 },
  },
  {
    dir: 'test/golden/sam2-data',
    beside: '../shared/golden-sam2',
    outputs: 133,
    withoutEngine: 123,
    // The neck's second level is one linear map with the decoder's conv_s1.
    notComputed: ['not yet: sam2_image_encoder fpn_1', 'not yet: sam2_image_encoder_eps fpn_1'],
    few: { cases: ['sam2_image_encoder_eps', 'sam2_mask_decoder_b'], outputs: 19 },
  },
  {
    // Made by transformers: DINOv2 with registers, DINOv3.
    dir: 'test/golden/dino-data',
    outputs: 20,
    withoutEngine: 20,
    notComputed: [],
    few: { cases: ['backbone_dinov2_registers_b', 'backbone_dinov3_b'], outputs: 10 },
  },
  {
    dir: 'test/golden/training-free-data/persam',
    beside: '../shared/golden-training-free/persam',
    outputs: 218,
    withoutEngine: 218,
    notComputed: [],
    few: { cases: ['persam_2'], outputs: 16 },
  },
  {
    dir: 'test/golden/training-free-data/matcher',
    beside: '../shared/golden-training-free/matcher',
    outputs: 147,
    withoutEngine: 147,
    notComputed: [],
    few: { cases: [], outputs: 0 },
  },
  {
    dir: 'test/golden/training-free-data/gfsam',
    beside: '../shared/golden-training-free/gfsam',
    outputs: 199,
    withoutEngine: 199,
    notComputed: [],
    few: { cases: [], outputs: 0 },
  },
  {
    dir: 'test/golden/training-free-data/extras',
    beside: '../shared/golden-training-free/extras',
    outputs: 22,
    withoutEngine: 22,
    notComputed: [],
    few: { cases: [], outputs: 0 },
  },
];

/** Those of networks, which other devices compute too. */
export const NETWORK_SETS = SHIPPED_SETS.filter(({ few }) => few.outputs > 0);
