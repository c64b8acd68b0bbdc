/** Ports of the engine: Node and browsers bring their own implementations. */
import type { MaskFile } from '../mask/annotation.ts';
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
  /** A mask file as one value per pixel. */
  loadGrey(file: MaskFile): Promise<Raster>;
}
