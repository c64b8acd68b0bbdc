/** Types that users write in their own code: in `prosam`, `prosam/web` and `prosam/types`. The rest of the signatures is in `prosam/types`. */
export type { ErrorCode } from './common/errors.ts';
export type {
  Concept,
  Engine,
  ImageInput,
  LearnedValues,
  MaskPrediction,
  Method,
  PixelImage,
  Prediction,
  PredictOptions,
  Reference,
  Refinement,
  RefinePrompts,
} from './engine/types.ts';
export type { Annotation } from './mask/annotation.ts';
export type { BinaryMask } from './mask/label-reduction.ts';
export type { CocoRle } from './mask/rle.ts';
