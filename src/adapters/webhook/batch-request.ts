/** Stored form of a batch: its request without the images, and each image as it can be read again later. */
import { ProsamError } from '../../core/common/errors.ts';
import type { BatchRecord } from '../../service/ports/batches.ts';
import type { Service } from '../../service/types.ts';
import { readAs, type ImageInputJson, type ImageSources } from '../http/images/image-input.ts';
import type { Files } from './request-annotations.ts';
import { MAX_INLINE_IMAGES, type JobBody } from './schemas.ts';

/** Plain JSON; written and read by this file alone. */
export type StoredRequest = Omit<JobBody, 'project' | 'images'> & { client?: string };

/** An image whose bytes do not stay with the request. */
export type StoredImage = Exclude<ImageInputJson, { base64: string } | { file: string }>;

export function storedRequest({ labels, options, encoderVersion, format, tolerance, holes, callback }: JobBody): StoredRequest {
  return {
    ...{ format, tolerance, holes },
    ...(labels && { labels }),
    ...(options && { options }),
    ...(encoderVersion !== undefined && { encoderVersion }),
    ...(callback && { callback }),
  };
}

/** The request of a stored batch; 0.1.0 named its prompt encoder `version`. */
export function requestOf({ request }: Pick<BatchRecord, 'request'>): StoredRequest {
  const { version: encoderVersion, ...rest } = request as StoredRequest & { version?: string };
  return { ...(encoderVersion !== undefined && { encoderVersion }), ...rest };
}

/** Images made known to the service at the same time. */
const LANES = 2;

/** Bytes that came with the request become images the project knows; addresses and paths are read when their turn comes. */
export async function storedImages(
  body: JobBody,
  { service, images }: { service: Pick<Service, 'predictions'>; images: ImageSources },
  { files, client, signal }: { files: Files; client?: string; signal: AbortSignal },
): Promise<StoredImage[]> {
  const inline = body.images.filter(carriesBytes).length;
  if (inline > MAX_INLINE_IMAGES) {
    throw new ProsamError(
      'REQUEST_INVALID',
      `Expected at most ${MAX_INLINE_IMAGES} images with their bytes, got ${inline}. Send addresses, paths or sha256, or several batches.`,
    );
  }
  const stored: StoredImage[] = [];
  const todo = body.images.entries();
  const lane = async (): Promise<void> => {
    for (const [index, input] of todo) {
      if (!carriesBytes(input)) {
        stored[index] = input as StoredImage;
        continue;
      }
      const image = await images.read(readAs(input, body.options ?? {}), { files, signal });
      const { project } = body;
      const { sha256 } = await service.predictions.prepare({ project, image, ...(client !== undefined && { client }) }, { signal });
      stored[index] = { sha256 };
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return stored;
}

function carriesBytes(input: ImageInputJson): boolean {
  return 'base64' in input || 'file' in input || ('url' in input && /^\s*data:/i.test(input.url));
}
