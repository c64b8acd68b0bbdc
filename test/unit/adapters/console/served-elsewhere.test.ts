/** The console below a path of a proxy, and the client in a page of another origin, in a real browser. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { build } from 'esbuild';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '../http/proxy.ts';
import { chromiumLabel, hasChromium, startChromium } from './chromium.ts';
import { busyService, startConsole, TOKENS } from './console-server.ts';

const PREFIX = '/tools/prosam';

describe.skipIf(!hasChromium)(`in other places, ${chromiumLabel}`, () => {
  let browser: Browser;
  const open: { close: () => Promise<unknown> }[] = [];
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.close();
  });
  const later = <T extends { close: () => Promise<unknown> }>(one: T): T => {
    open.push(one);
    return one;
  };
  const newPage = async (): Promise<Page> => later(await browser.newPage());

  it.each([
    ['leaves its path', false],
    ['takes its path off', true],
  ])('the console works behind a proxy that %s', async (_, strips) => {
    const { url: to } = later(await startConsole(await busyService(), undefined, { basePath: PREFIX, trustProxy: 1 }));
    const { url } = later(await startProxy({ to, prefix: PREFIX, strips }));
    const page = await newPage();
    const failed: string[] = [];
    page.on('requestfailed', (request) => failed.push(request.url()));
    // Without the slash at its end where the service can add it.
    await page.goto(`${url}${PREFIX}${strips ? '/' : ''}`);
    await page.getByLabel('Token', { exact: true }).fill(TOKENS.admin);
    await page.getByRole('button', { name: 'Use', exact: true }).click();
    await page.getByText('Training: step 214 of 600, loss 0.447').waitFor();
    await page.locator('#predictions canvas').first().waitFor();
    // A change, which browsers send with the page's origin.
    await page.getByRole('button', { name: 'Train now' }).click();
    await page.getByText('Training requested').waitFor();
    expect(failed).toEqual([]);
  });

  it('the client calls from a page of an allowed origin, and not from another', async () => {
    const { outputFiles } = await build({
      ...{ entryPoints: ['src/client/index.ts'], bundle: true, format: 'iife', globalName: 'prosam', write: false, target: 'es2022' },
    });
    const script = `<!doctype html><script>${outputFiles[0]?.text ?? ''}</script>`;
    const served = async (): Promise<string> => {
      const server: Server = createServer((_, response) => void response.setHeader('content-type', 'text/html').end(script));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      later({
        close: async () => {
          server.close();
          server.closeAllConnections();
          await once(server, 'close');
        },
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    const [own, foreign] = [await served(), await served()];
    const { url } = later(await startConsole(await busyService(), undefined, { allowOrigins: [own] }));
    const ask = async (origin: string): Promise<unknown> => {
      const page = await newPage();
      await page.goto(origin);
      return page.evaluate(`(async () => {
        const client = prosam.createClient({ url: ${JSON.stringify(url)}, token: ${JSON.stringify(TOKENS.admin)}, retries: 0 });
        return client.projects.train('kitchen').then(() => 'done', (error) => error.code);
      })()`);
    };
    expect(await ask(own)).toBe('done');
    expect(await ask(foreign)).toBe('NETWORK_FAILED');
  });
});
