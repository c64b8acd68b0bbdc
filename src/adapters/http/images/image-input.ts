/** Schema of images in requests, and the interface that turns them into bytes. */
import { z } from 'zod';
import { plainText } from '../plain-text.ts';
import type { Notice } from '../../../core/common/notice.ts';
import { MAX_PAGE } from '../../../core/image/values/reading.ts';

/** Longest text of an address or path. */
const MAX_ADDRESS = 8192;

/** Way to read an image file that leaves a choice. It is stored as it was read: as an 8-bit PNG, whose hash is its sha256 from then on. */
export interface ReadingJson {
  /** Sample values that become black and white in images of more than 8 bits a sample. @default the configured range, or by the format */
  valueRange?: [black: number, white: number];
  /** Page or frame of files with several, from 1. @default the first, or the largest behind a thumbnail */
  page?: number;
}

/** An image named in a request: exactly one of the keys url, base64, path, sha256 and file. */
export type ImageInputJson =
  | ({ /** http(s) address, or a data: URI. */ url: string } & ReadingJson)
  | ({ /** Bytes of the image file in base64. */ base64: string } & ReadingJson)
  | ({ /** Path below the configured image folder. */ path: string } & ReadingJson)
  | { /** An image this project has seen before. */ sha256: string }
  | ({ /** Field name of the file part of a multipart body. */ file: string } & ReadingJson);

/** Fields of ReadingJson. */
export const readingFields = {
  valueRange: z
    .tuple([z.number(), z.number()])
    .refine(([black, white]) => black < white, 'black below white')
    .exactOptional()
    .describe('Sample values that become black and white in images of more than 8 bits a sample'),
  page: z.int().min(1).max(MAX_PAGE).exactOptional().describe('Page or frame of files with several, from 1'),
};

/** Schema of ImageInputJson. */
export const imageInputSchema: z.ZodType<ImageInputJson, ImageInputJson> = z.union([
  z.strictObject({
    url: z
      .string()
      .min(1)
      .refine(
        (text) => plainText(MAX_ADDRESS).safeParse(text).success || /^data:/i.test(text),
        `at most ${MAX_ADDRESS} characters without control characters, unless it is a data: URI`,
      )
      .describe('http(s) address, or a data: URI'),
    ...readingFields,
  }),
  z.strictObject({ base64: z.string().min(1).describe('Bytes of the image file in base64'), ...readingFields }),
  z.strictObject({ path: plainText(MAX_ADDRESS).describe('Path below the configured image folder'), ...readingFields }),
  z.strictObject({
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('An image this project has seen before'),
  }),
  z.strictObject({ file: plainText(200).describe('Field name of the file part of a multipart body'), ...readingFields }),
]);

/** Shared by all adapters. */
export interface ImageSources {
  /**
   * Bytes of what was named, or the sha256 as it is (the service knows whether the project has it).
   * files: of the multipart body. headers: extra request headers for the address's own origin; dropped on any redirect elsewhere.
   * @throws URL_REFUSED, URL_FAILED, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, FILE_NOT_FOUND, REQUEST_INVALID
   */
  read(
    input: ImageInputJson,
    options?: {
      files?: ReadonlyMap<string, readonly Uint8Array[]>;
      headers?: Readonly<Record<string, string>>;
      signal?: AbortSignal;
      /** Called for each notice about an image that is stored as it was read. */
      onNotice?: (notice: Notice) => void;
    },
  ): Promise<Uint8Array | { sha256: string }>;
  close(): Promise<void>;
}

/** An image to be read as it says itself, or else as the whole request does. */
export function readAs(input: ImageInputJson, { valueRange, page }: ReadingJson): ImageInputJson {
  if ('sha256' in input) return input;
  return { ...(valueRange && { valueRange }), ...(page !== undefined && { page }), ...input };
}
