/** Bytes of images, wherever a request says they are: one place that knows all the ways and guards each. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ProsamError } from '../../../core/common/errors.ts';
import { within } from '../../../core/common/patience.ts';
import { createAddressPolicy } from '../address-check.ts';
import { readBase64, readDataAddress } from './base64-image.ts';
import { createCheckedAgent, type Lookup } from '../checked-agent.ts';
import { readFolderImage } from './folder-image.ts';
import { imageAsRead } from '../../../core/image/node/as-read.ts';
import type { ValueRange } from '../../../core/image/values/reading.ts';
import type { ImageInputJson, ImageSources } from './image-input.ts';
import { checkSignature, readRemoteImage } from './remote-image.ts';

export interface ImageSourceOptions {
  /** Largest image file. @default 64 MiB */
  maxBytes?: number;
  /** Largest image that is read otherwise than its file has it, in pixels. @default 100 million */
  maxPixels?: number;
  /** Sample values that become black and white in images of more than 8 bits a sample, where a request says nothing. @default by the format */
  valueRange?: ValueRange;
  /** For fetching one address, or reading one file, all told. @default 20,000 */
  timeoutMs?: number;
  /** Paths in requests lie below it. @default paths are refused */
  folder?: string;
  /** Private hosts that may be asked: 'name', 'name:port', an address, or a range such as '10.1.0.0/16'. @default none */
  allowHosts?: readonly string[];
  /** Ports of all other hosts. @default 80 and 443 */
  allowPorts?: readonly number[];
  /** Name resolution. @default the system's */
  lookup?: Lookup;
}

type NamedBytes = Exclude<ImageInputJson, { sha256: string }>;
type ReadOptions = NonNullable<Parameters<ImageSources['read']>[1]>;

/** @throws CONFIG_INVALID for an entry of allowHosts that is none */
export function createImageSources(options: ImageSourceOptions = {}): ImageSources {
  const {
    maxBytes = 64 * 2 ** 20,
    timeoutMs = 20_000,
    folder,
    allowHosts = [],
    allowPorts = [80, 443],
    lookup,
    maxPixels,
    valueRange,
  } = options;
  const policy = createAddressPolicy(allowHosts, allowPorts);
  const agent = createCheckedAgent({ policy, timeoutMs, ...(lookup ? { lookup } : {}) });

  const read: ImageSources['read'] = async (input, given = {}) => {
    if ('sha256' in input) {
      given.signal?.throwIfAborted();
      return { sha256: input.sha256 };
    }
    const bytes = await bytesOf(input, given);
    const range = input.valueRange ?? valueRange;
    const reading = { ...(range && { valueRange: range }), ...(input.page !== undefined && { page: input.page }) };
    const asRead = await imageAsRead(bytes, 'The image', reading, { maxBytes, ...(maxPixels !== undefined && { maxPixels }) });
    for (const notice of asRead.notices)
      // A configured range is meant for the images that have use for it.
      if (input.valueRange || notice.code !== 'VALUE_RANGE_UNUSED') given.onNotice?.(notice);
    return asRead.bytes;
  };

  const bytesOf = async (input: NamedBytes, { files, headers, signal }: ReadOptions): Promise<Uint8Array> => {
    signal?.throwIfAborted();
    if ('url' in input && !/^data:/i.test(input.url)) {
      return readRemoteImage(input.url, { agent, policy, maxBytes, timeoutMs }, { headers, signal });
    }
    const bytes = await readHere(input, files, signal);
    const label = 'path' in input ? JSON.stringify(input.path.slice(0, 200)) : 'The image';
    checkSignature(bytes, label, { sent: !('path' in input) });
    return bytes;
  };

  async function readHere(
    input: { url: string } | { base64: string } | { path: string } | { file: string },
    files: ReadonlyMap<string, readonly Uint8Array[]> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array> {
    if ('path' in input) {
      if (folder !== undefined)
        return within(readFolderImage(folder, input.path, maxBytes), { ms: timeoutMs, late: folderIsSilent, signal });
      throw new ProsamError(
        'REQUEST_INVALID',
        'Expected another way to name an image: no image folder is configured. Send the bytes, or configure one.',
      );
    }
    if ('file' in input) return filePart(files?.get(input.file) ?? [], input.file, maxBytes);
    // A large image takes some 20 ms to decode; what led here may have taken as long.
    await nextTurn();
    return 'base64' in input ? readBase64(input.base64, maxBytes) : readDataAddress(input.url, maxBytes);
  }

  return { read, close: () => agent.destroy() };
}

/** A disk that hangs, or a server of files that has gone: the reading itself nobody can end. */
function folderIsSilent(): ProsamError {
  return new ProsamError('STORAGE_TIMEOUT', 'Expected a file of the image folder in time, got none. Check the disk it lies on.');
}

function filePart(parts: readonly Uint8Array[], name: string, maxBytes: number): Uint8Array {
  const [bytes] = parts;
  if (bytes === undefined || parts.length > 1) {
    throw new ProsamError(
      'REQUEST_INVALID',
      `Expected one file part called ${JSON.stringify(name)}, got ${parts.length}. Name the part as the request does.`,
    );
  }
  if (bytes.byteLength <= maxBytes) return bytes;
  throw new ProsamError(
    'IMAGE_TOO_LARGE',
    `Expected an image of at most ${maxBytes} bytes, got ${bytes.byteLength}. Shrink the image or raise the limit.`,
  );
}
