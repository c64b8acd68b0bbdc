/** Costs of the page of examples/web: bytes of a first visit, and times in a real browser on WebAssembly. npm run bench:web */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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

const folder = await mkdtemp(join(tmpdir(), 'prosam-web-bench-'));
await buildPage(folder);
const [server, browser] = await Promise.all([servePage(folder), startChromium()]);
try {
  const page = await browser.newPage();
  const asked = new Set<string>();
  page.context().on('request', (request) => {
    if (request.url().startsWith(server.url)) asked.add(new URL(request.url()).pathname.slice(1) || 'index.html');
  });
  const visit = async (): Promise<number> => {
    const from = performance.now();
    await page.goto(server.url);
    await page.locator('#device.good').waitFor();
    return performance.now() - from;
  };
  const first = await visit();
  const device = await page.locator('#device').innerText();
  const transfers = await Promise.all([...asked].sort().map((path) => transferOf(folder, path)));
  const again = await visit();

  const results = page.locator('#gallery li[data-state=found]');
  const from = performance.now();
  await page.locator('#run:enabled').click();
  await results.first().waitFor();
  const firstMask = performance.now() - from;
  await page.locator('#stop').waitFor({ state: 'hidden' });
  const all = performance.now() - from;
  const count = await results.count();

  printTransfers(transfers);
  console.log(
    `${device}; load of the machine ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')}`,
  );
  console.log(`ready after ${seconds(first)} s, the second time ${seconds(again)} s`);
  console.log(
    `first mask ${seconds(firstMask)} s after the click, then ${seconds((all - firstMask) / (count - 1))} s a photo (${count} photos)`,
  );
} finally {
  await browser.close();
  await server.close();
  await rm(folder, { recursive: true, force: true });
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(1);
}
