/** What a person sees: a task of Label Studio in a real browser. */
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import type { LabelStudioServer } from '../../../../examples/label-studio/label-studio-server.ts';

const PATH = process.env.PROSAM_CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-dev-shm-usage'];

/** Opens the task in the Data Manager, waits until the picture is drawn, and takes a picture of it. */
export async function imageOfTask(server: LabelStudioServer, project: number, task: number, path: string): Promise<Uint8Array> {
  const browser = await chromium.launch({ executablePath: PATH, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
    await page.goto(`${server.url}/user/login/`);
    await page.fill('input[name=email]', server.user);
    await page.fill('input[name=password]', server.password);
    await page.click('button[type=submit], [aria-label="Log In"]');
    await page.waitForURL((url) => !url.pathname.startsWith('/user/login'), { timeout: 30_000 });
    await page.goto(`${server.url}/projects/${project}/data?task=${task}`);
    await page.waitForSelector('canvas', { timeout: 60_000 });
    await page.waitForTimeout(4000);
    return new Uint8Array(await page.screenshot({ path }));
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
