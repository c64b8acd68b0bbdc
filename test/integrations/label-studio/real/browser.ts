/** What a person sees: a task of Label Studio in a real browser. */
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import type { LabelStudioServer } from '../../../../examples/label-studio/label-studio-server.ts';

const PATH = process.env.PROSAM_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-dev-shm-usage'];

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: FLAGS });
}

type Account = Pick<LabelStudioServer, 'url' | 'user' | 'password'>;

/** url: any page of the server. timeout: for its pages, in milliseconds. */
export async function logIn(page: Page, { url, user, password }: Account, timeout = 30_000): Promise<void> {
  await page.goto(new URL('/user/login/', url).href, { timeout });
  await page.fill('input[name=email]', user);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit], [aria-label="Log In"]');
  await page.waitForURL((at) => !at.pathname.startsWith('/user/login'), { timeout });
}

/** Pixels of a mask's colour from which on it counts as drawn. */
export const MIN_SHOWN = 1000;
/** Longest wait for a mask on the picture, in milliseconds. */
const MAX_WAIT_MS = 60_000;
const LOOK_MS = 500;
/** Time after which the task is opened once more: now and then the editor shows a region without its mask until then. */
const REOPEN_MS = 20_000;

/** Opens the task in the Data Manager, waits until a magenta mask of so many pixels is drawn, for a minute at most, and takes a picture. */
export async function imageOfTask(
  server: LabelStudioServer,
  project: number,
  task: number,
  path: string,
  leastPixels = MIN_SHOWN,
): Promise<Uint8Array> {
  const browser = await openBrowser();
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    await logIn(page, server);
    await page.goto(`${server.url}/projects/${project}/data?task=${task}`);
    await page.waitForSelector('canvas', { timeout: MAX_WAIT_MS });
    const [until, opened] = [performance.now() + MAX_WAIT_MS, { atMs: performance.now() }];
    for (;;) {
      const picture = new Uint8Array(await page.screenshot({ path }));
      const nowMs = performance.now();
      if (nowMs > until || (await magentaPixels(picture)) > leastPixels) return picture;
      if (nowMs > opened.atMs + REOPEN_MS) {
        await page.reload();
        await page.waitForSelector('canvas', { timeout: MAX_WAIT_MS });
        opened.atMs = performance.now();
      }
      await page.waitForTimeout(LOOK_MS);
    }
  } finally {
    await browser.close();
  }
}

/** Pixels in which a colour dominates that generated scenes do not have: red and blue without green. */
export async function magentaPixels(png: Uint8Array): Promise<number> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  let count = 0;
  for (let i = 0; i < data.length; i += info.channels) {
    const [red = 0, green = 0, blue = 0] = [data[i], data[i + 1], data[i + 2]];
    if (red > green + 60 && blue > green + 60) count++;
  }
  return count;
}
