/** Ports of the engine: Node and browsers bring their own implementations. */
import type { MaskFile } from '../mask/annotation.ts';
import type { MaskChoice } from '../mask/mask-choice.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import type { Raster } from '../image/pillow-resize.ts';
import type { ImageInput } from './types.ts';

/** An image that has been found but not necessarily decoded. */
export interface LoadedImage {
  /** sha256 of the content. */
  key: string;
  /** Upright 8-bit RGB. */
  decode(): Promise<Raster>;
}

export interface ImageSource {
  /** @throws FILE_NOT_FOUND, IMAGE_TOO_LARGE */
  load(input: ImageInput): Promise<LoadedImage>;
  /** The marked pixels of a mask file, 0 / 1. choice: the value or colour that is marked. @throws IMAGE_*, ANNOTATION_INVALID */
  loadMask(file: MaskFile, choice?: MaskChoice): Promise<BinaryMask>;
}
