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
  await page.goto(server.url);
  await page.locator('#device.good').waitFor();
  const ready = await lap();
  const device = await page.locator('#device').innerText();

  const results = page.locator('#gallery li[data-state=found]');
  await page.locator('#run:enabled').click();
  await results.first().waitFor();
  const first = await lap();
  await page.locator('#stop').waitFor({ state: 'hidden' });
  const others = await lap();
  const count = await results.count();

  printTransfers(await Promise.all([...asked].sort().map((path) => transferOf(folder, path))));
  console.log(
    `${device}; load of the machine ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  console.log(`ready after ${ready}\nfirst mask ${first} after the click\n${count - 1} more photos ${others}`);
} finally {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}
