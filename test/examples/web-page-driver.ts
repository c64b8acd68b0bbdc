/** The page of examples/web as a person uses it: through a mouse, keys, fingers and files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Download, Page } from 'playwright-core';
import sharp from 'sharp';
import { buildPage } from '../../examples/web/build.ts';
import { servePage, type PageServer } from '../../examples/web/serve.ts';
import type { BinaryMask } from '../../src/core/mask/label-reduction.ts';
import type { SceneWithTruth } from '../../src/scenes/scene-with.ts';

export interface BuiltPage {
  folder: string;
  remove(): void;
}

export async function buildForTest(): Promise<BuiltPage> {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-web-page-'));
  await buildPage(folder);
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface OpenPage {
  page: Page;
  server: PageServer;
  /** Addresses of everything that was asked for, service worker included. */
  asked: string[];
  /** What the browser complained about. */
  complaints: string[];
  close(): Promise<void>;
}

export interface OpenOptions extends BrowserContextOptions {
  search?: string;
  isolated?: boolean;
}

export async function openPage(
  browser: Browser,
  folder: string,
  { search = '', isolated = true, ...options }: OpenOptions = {},
): Promise<OpenPage> {
  const server = await servePage(folder, { isolated });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const asked: string[] = [];
  const complaints: string[] = [];
  context.on('request', (request) => asked.push(request.url()));
  const page = await context.newPage();
  // On a busy machine everything takes its time; what hangs ends with its test.
  page.setDefaultTimeout(600_000);
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  await page.goto(server.url + search);
  return {
    ...{ page, server, asked, complaints },
    async close() {
      await context.close();
      await server.close();
    },
  };
}

export async function ready(page: Page): Promise<void> {
  await page.locator('#device.good, #device.bad').waitFor();
}

export async function png({ image: { data, width, height } }: SceneWithTruth): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** A photo of examples/photos, and its true mask. */
export async function photo(name: string): Promise<SceneWithTruth> {
  const { data, info } = await sharp(`examples/photos/${name}.jpg`).raw().toBuffer({ resolveWithObject: true });
  const truth = await maskOfPng(readFileSync(`examples/photos/masks/${name}.png`));
  return { image: { data, width: info.width, height: info.height, channels: 3 }, truth };
}

export async function chooseReference(page: Page, name: string, buffer: Buffer): Promise<void> {
  await page.locator('#reference-file').setInputFiles({ name, mimeType: 'image/png', buffer });
  // The sample is there before it.
  await page.locator(`#picture[aria-label^="The reference picture ${name},"]`).waitFor();
}

export async function addTargets(page: Page, files: readonly { name: string; buffer: Buffer }[]): Promise<void> {
  await page.locator('#targets-file').setInputFiles(files.map((file) => ({ ...file, mimeType: 'image/png' })));
  for (const { name } of files) await page.locator(`#gallery .name[title="${name}"]`).waitFor();
}

/** Pixels of the picture -> pixels of the window. */
export async function onScreen(
  page: Page,
  { width, height }: { width: number; height: number },
): Promise<(x: number, y: number) => [number, number]> {
  const canvas = page.locator('#pointer');
  await canvas.scrollIntoViewIfNeeded();
  const area = await canvas.boundingBox();
  if (area === null) throw new Error('the drawing area is not shown');
  return (x, y) => [area.x + (x * area.width) / width, area.y + (y * area.height) / height];
}

/** Paints over what is marked, row by row, with a brush as wide as the rows are apart. */
export async function brush(page: Page, truth: BinaryMask, apart: number): Promise<void> {
  await page.locator('#size').fill(String(apart + 1));
  const at = await onScreen(page, truth);
  const reach = apart / 2;
  for (let y = Math.floor(reach); y < truth.height; y += apart) {
    for (const [from, to] of runsOfRow(truth, y)) {
      if (to - from < apart) continue;
      await page.mouse.move(...at(from + reach, y + 0.5));
      await page.mouse.down();
      await page.mouse.move(...at(to - reach, y + 0.5), { steps: 2 });
      await page.mouse.up();
    }
  }
}

function runsOfRow({ data, width }: BinaryMask, y: number): [from: number, to: number][] {
  const runs: [number, number][] = [];
  for (let x = 0; x < width; x++) {
    if (data[y * width + x] === 0) continue;
    const last = runs.at(-1);
    if (last?.[1] === x) last[1] = x + 1;
    else runs.push([x, x + 1]);
  }
  return runs;
}

export async function findIn(page: Page, targets: number): Promise<void> {
  await page.getByRole('button', { name: 'Find the object' }).click();
  await page
    .locator('#gallery li[data-state=found]')
    .nth(targets - 1)
    .waitFor();
  await page.locator('#stop').waitFor({ state: 'hidden' });
}

/** The bytes behind a button that saves something. */
export async function saved(page: Page, press: () => Promise<void>): Promise<{ name: string; bytes: Uint8Array }> {
  const waiting: Promise<Download> = page.waitForEvent('download');
  await press();
  const download = await waiting;
  return { name: download.suggestedFilename(), bytes: new Uint8Array(readFileSync(await download.path())) };
}

/** White = marked. */
export async function maskOfPng(bytes: Uint8Array): Promise<BinaryMask> {
  const { data, info } = await sharp(bytes).removeAlpha().greyscale().raw().toBuffer({ resolveWithObject: true });
  return { data: Uint8Array.from(data, (value) => (value > 127 ? 1 : 0)), width: info.width, height: info.height };
}
