/** Servers of this machine that must never be reached, and images that somebody asks for all the same. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { ImageSources } from '../../../../src/adapters/http/images/image-input.ts';
import { createImageSources, type ImageSourceOptions } from '../../../../src/adapters/http/images/image-sources.ts';
import { isProsamError } from '../../../../src/core/common/errors.ts';

const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(100, 7)]);

interface InnerServers {
  server: Server;
  /** Port of both servers, at IPv4 and IPv6. */
  port: number;
  /** Paths that were asked for in this test. */
  heard: string[];
  sources: ImageSources;
}

/** Registers what starts and stops them, and what closes the sources after each test. */
export function innerServers() {
  const inner = { heard: [] as string[] } as InnerServers;
  let serverV6: Server;
  beforeAll(async () => {
    const response = (request: { url?: string | undefined }, response: { end(bytes: Buffer): unknown }): void => {
      inner.heard.push(request.url ?? '');
      response.end(PNG);
    };
    inner.server = createServer(response);
    await new Promise<void>((resolve) => inner.server.listen(0, '0.0.0.0', () => resolve()));
    inner.port = (inner.server.address() as AddressInfo).port;
    serverV6 = createServer(response);
    // A machine without IPv6 refuses; its probes are refused before they could tell.
    await new Promise<void>((resolve) =>
      serverV6.once('error', () => resolve()).listen({ port: inner.port, host: '::1' }, () => resolve()),
    );
  });
  afterAll(() => {
    inner.server.closeAllConnections();
    inner.server.close();
    serverV6.close();
  });
  beforeEach(() => {
    inner.heard = [];
  });
  afterEach(async () => {
    await inner.sources.close();
  });

  function open(options: ImageSourceOptions = {}): void {
    // The port is allowed: it is the address that must be what is refused.
    inner.sources = createImageSources({ timeoutMs: 3000, allowPorts: [inner.port, 80, 443], ...options });
  }

  async function codeOf(url: string): Promise<string> {
    try {
      await inner.sources.read({ url });
      return 'read';
    } catch (error) {
      return isProsamError(error) ? error.code : `unexpected ${String(error)}`;
    }
  }

  return Object.assign(inner, { open, codeOf });
}
