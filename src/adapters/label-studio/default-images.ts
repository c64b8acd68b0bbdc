/** Images as far as they can be had without Label Studio's own interface: plain http(s) addresses and data: URIs. */
import { ProsamError } from '../../core/common/errors.ts';
import type { ImageSources } from '../http/images/image-input.ts';
import type { FetchImage } from './types.ts';

export function createDefaultImages(images: ImageSources): FetchImage {
  return async (_task, value, _connection, options) => {
    if (/^(https?:\/\/|data:)/i.test(value)) return images.read({ url: value }, options);
    throw new ProsamError(
      'URL_REFUSED',
      `The address is refused: ${JSON.stringify(value.slice(0, 60))} is neither http(s) nor a data: URI. Give access to Label Studio's own files.`,
    );
  };
}
