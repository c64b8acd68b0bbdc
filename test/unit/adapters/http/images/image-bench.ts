/** Image sources and servers of images, closed after each test. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';
import type { ImageInputJson, ImageSources } from '../../../../../src/adapters/http/images/image-input.ts';
import { createImageSources, type ImageSourceOptions } from '../../../../../src/adapters/http/images/image-sources.ts';
import { isProsamError } from '../../../../../src/core/common/errors.ts';

/** Begins like a PNG; nothing here decodes it. */
export const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(100, 7)]);

/** Code of what it is refused with, or the length of what was read. */
export async function outcome(
  sources: ImageSources,
  input: ImageInputJson,
  options?: Parameters<ImageSources['read']>[1],
): Promise<string | number> {
  try {
    const read = await sources.read(input, options);
    return 'sha256' in read ? read.sha256 : read.byteLength;
  } catch (error) {
    return isProsamError(error) ? error.code : String(error);
  }
}

/** Registers what closes them. */
export function imageBench() {
  const opened: { close(): unknown }[] = [];

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
  });

  function open(options: ImageSourceOptions = {}): ImageSources {
    const sources = createImageSources({ timeoutMs: 600_000, ...options });
    opened.push(sources);
    return sources;
  }

  async function serve(
    reply: RequestListener,
  ): Promise<{ url: string; port: number; asked: { path: string; headers: Record<string, unknown> }[] }> {
    const asked: { path: string; headers: Record<string, unknown> }[] = [];
    const server: Server = createServer((request, response) => {
      asked.push({ path: request.url ?? '', headers: request.headers });
      reply(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
    opened.push({ close: () => (server.closeAllConnections(), server.close()) });
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, port, asked };
  }

  return { open, serve };
}
