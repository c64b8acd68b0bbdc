/** Schema of images in requests, and the interface that turns them into bytes. */
import { z } from 'zod';
import { plainText } from '../plain-text.ts';

/** Longest text of an address or path. */
const MAX_ADDRESS = 8192;

/** An image named in a request: exactly one of these keys. */
export type ImageInputJson =
  | { /** http(s) address, or a data: URI. */ url: string }
  | { /** Bytes of the image file in base64. */ base64: string }
  | { /** Path below the configured image folder. */ path: string }
  | { /** An image this project has seen before. */ sha256: string }
  | { /** Field name of the file part of a multipart body. */ file: string };

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
  }),
  z.strictObject({ base64: z.string().min(1).describe('Bytes of the image file in base64') }),
  z.strictObject({ path: plainText(MAX_ADDRESS).describe('Path below the configured image folder') }),
  z.strictObject({
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .describe('An image this project has seen before'),
  }),
  z.strictObject({ file: plainText(200).describe('Field name of the file part of a multipart body') }),
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
    options?: { files?: ReadonlyMap<string, readonly Uint8Array[]>; headers?: Readonly<Record<string, string>>; signal?: AbortSignal },
  ): Promise<Uint8Array | { sha256: string }>;
  close(): Promise<void>;
}
