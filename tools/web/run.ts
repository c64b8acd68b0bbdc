/**
 * Costs of the page of examples/web: bytes of a first visit, and times in a real browser on WebAssembly.
 *   npm run bench:web -- [--one-thread]
 * Processor time counts all of the browser; on a busy machine it says more than the clock, above all on one thread.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { buildPage } from '../../examples/web/build.ts';
import { servePage } from '../../examples/web/serve.ts';
import { startChromium } from '../../test/unit/adapters/console/chromium.ts';

interface Transfer {
  path: string;
  raw: number;
  gzip: number;
}

/** Bytes of a file as it is, and as a server that compresses sends it. */
async function transferOf(folder: string, path: string): Promise<Transfer> {
  const bytes = await readFile(join(folder, path));
  return { path, raw: bytes.length, gzip: gzipSync(bytes).length };
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2).padStart(6);
}

function printTransfers(transfers: readonly Transfer[]): void {
  const groups: Record<string, Transfer[]> = {};
  for (const transfer of transfers) (groups[groupOf(transfer.path)] ??= []).push(transfer);
  console.log('first visit, MB         raw    gzip');
  for (const [name, files] of Object.entries({ ...groups, together: transfers })) {
    const sums = (['raw', 'gzip'] as const).map((key) => megabytes(files.reduce((sum, file) => sum + file[key], 0)));
    console.log(`${name.padEnd(20)} ${sums.join('  ')}`);
  }
}

/** Folder of a file, of a model with its name; the page's own files are one group. */
function groupOf(path: string): string {
  return path.includes('/') ? `${dirname(path)}/` : 'page';
}

interface Lap {
  /** Seconds by the clock. */
  clock: number;
  /** Seconds that processors worked for the browser. */
  processor: number;
}

const { values } = parseArgs({ options: { 'one-thread': { type: 'boolean', default: false } } });
const folder = await mkdtemp(join(tmpdir(), 'prosam-web-bench-'));
await buildPage(folder);
const [server, browser] = await Promise.all([servePage(folder, { isolated: !values['one-thread'] }), startChromium()]);
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(600_000);
  const asked = new Set<string>();
  page.context().on('request', (request) => {
    if (request.url().startsWith(server.url)) asked.add(new URL(request.url()).pathname.slice(1) || 'index.html');
  });
  // Longest that the page's own thread was busy with one thing.
  await page.addInitScript(() => {
    const longest = { ms: 0 };
    Object.assign(globalThis, { longest });
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) longest.ms = Math.max(longest.ms, duration);
    }).observe({ type: 'longtask' as never, buffered: true });
  });
  const devtools = await browser.newBrowserCDPSession();
  const now = async (): Promise<Lap> => {
    const { processInfo } = await devtools.send('SystemInfo.getProcessInfo');
    return { clock: performance.now() / 1000, processor: processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, 0) };
  };
  let since = await now();
  const lap = async (): Promise<string> => {
    const [from, to] = [since, await now()];
    since = to;
    return `${(to.clock - from.clock).toFixed(1)} s (processor time ${(to.processor - from.processor).toFixed(1)} s)`;
  };
  const results = page.locator('#gallery li[data-state=found]');
  /** One visit with one search. looks: the person looks at the photos first, until they are encoded. */
  const visit = async (looks: boolean): Promise<string[]> => {
    await page.goto(server.url);
    await page.locator('#device.good').waitFor();
    const said = [`ready after ${await lap()}`];
    if (looks) {
      await page.locator('body[data-prepared]').waitFor();
      said.push(`what it shows encoded after another ${await lap()}`);
    }
    await page.locator('#run:enabled').click();
    await results.first().waitFor();
    said.push(`first mask ${await lap()} after the click`);
    await page.locator('#stop').waitFor({ state: 'hidden' });
    said.push(`${(await results.count()) - 1} more photos ${await lap()}`);
    const { ms } = await page.evaluate(() => (globalThis as unknown as { longest: { ms: number } }).longest);
    return [...said, `page's own thread: longest task ${ms.toFixed(0)} ms`];
  };
  const first = await visit(false);
  const files = [...asked].sort();
  const second = await visit(true);

  printTransfers(await Promise.all(files.map((path) => transferOf(folder, path))));
  const loads = loadavg().map((load) => load.toFixed(1));
  console.log(`${await page.locator('#device').innerText()}; load of the machine ${loads.join(' ')}`);
  console.log(['first visit, a click that waits for nothing', ...first].join('\n  '));
  console.log(['second visit, a click on photos that were looked at', ...second].join('\n  '));
} finally {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
