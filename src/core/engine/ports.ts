/** Ports of the engine: Node and browsers bring their own implementations. */
import type { MaskFile } from '../mask/annotation.ts';
import type { MaskChoice } from '../mask/mask-choice.ts';
import type { BinaryMask } from '../mask/label-reduction.ts';
import type { Notice } from '../common/notice.ts';
import type { Raster } from '../image/pillow-resize.ts';
import type { ImageReading } from '../image/values/reading.ts';
import type { ImageInput } from './types.ts';

/** An image that has been found but not necessarily decoded. */
export interface LoadedImage {
  /** sha256 of the content. */
  key: string;
  /** Upright 8-bit RGB, and what a caller should know about the way it was read. */
  decode(): Promise<Raster & { notices?: readonly Notice[] }>;
}

export interface ImageSource {
  /** reading: values and page of image files; pixels are what they are. @throws FILE_NOT_FOUND, IMAGE_TOO_LARGE, OPTION_INVALID */
  load(input: ImageInput, reading?: ImageReading): Promise<LoadedImage>;
  /** The marked pixels of a mask file, 0 / 1. choice: the value or colour that is marked. @throws IMAGE_*, ANNOTATION_INVALID */
  loadMask(file: MaskFile, choice?: MaskChoice): Promise<BinaryMask>;
}
