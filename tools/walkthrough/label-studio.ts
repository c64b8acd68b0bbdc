/**
 * Pictures of docs/label-studio.md: the example in a real Label Studio, driven in a real browser.
 * node tools/walkthrough/label-studio.ts [--out DIR]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { startExample, type RunningExample } from '../../examples/label-studio/example.ts';
import { logIn, openBrowser } from '../../test/integrations/label-studio/real/browser.ts';

const { values } = parseArgs({ options: { out: { type: 'string', default: 'docs/label-studio' } } });
const VIEW = { width: 1360, height: 820 };
/** An ear that the prediction leaves out, in shares of the picture's canvas. */
const EAR = { x: 0.48, y: 0.157 };
/** For Label Studio's own pages, on a machine that may be busy. */
const PATIENCE = { timeout: 120_000 };

async function shoot(page: Page, name: string): Promise<void> {
  // Pictures, fonts and Label Studio's own animations.
  await page.waitForTimeout(3000);
  const png = await page.screenshot();
  await sharp(png).resize(900).png({ palette: true, colours: 96, effort: 10 }).toFile(join(values.out, name));
  console.log(join(values.out, name));
}

async function openTask(page: Page, { url, project }: RunningExample, task: number): Promise<void> {
  await page.goto(new URL(`/projects/${project}/data?task=${task}`, url).href, PATIENCE);
  await page.waitForSelector('canvas', PATIENCE);
  await page.waitForTimeout(3000);
}

const folder = mkdtempSync(join(tmpdir(), 'prosam-walkthrough-'));
mkdirSync(values.out, { recursive: true });
const example = await startExample({ folder, say: (line) => console.log(line) });
const browser = await openBrowser();
try {
  const page = await browser.newPage({ viewport: VIEW });
  await logIn(page, example, PATIENCE.timeout);
  const tasks: number[] = [];
  for await (const { id } of example.client.tasks(example.project)) tasks.push(id);
  const [marked = 0, , , found = 0, clicked = 0, absent = 0] = tasks;
  await openTask(page, example, marked);
  await shoot(page, 'marked.png');

  await page.goto(new URL(`/projects/${example.project}/data`, example.url).href, PATIENCE);
  await page.waitForTimeout(4000);
  await page
    .locator('input[type=checkbox]')
    .first()
    .click({ ...PATIENCE, force: true });
  await page
    .getByRole('button', { name: /Tasks$/ })
    .first()
    .click(PATIENCE);
  await shoot(page, 'actions.png');
  await openTask(page, example, found);
  await shoot(page, 'found.png');
  await openTask(page, example, absent);
  await shoot(page, 'absent.png');

  await openTask(page, example, clicked);
  await page.getByText('Auto-Annotation').click(PATIENCE);
  await page.locator('.lsf-label').nth(1).click(PATIENCE);
  // Pointing at it opens more tools, so that its place is asked for first.
  const smart = await page.locator('.lsf-toolbar .lsf-tool:visible').last().boundingBox();
  const image = await page.locator('canvas').first().boundingBox();
  if (smart === null || image === null) throw new Error('expected a picture and a tool, found none');
  const at = [smart.x + smart.width / 2, smart.y + smart.height / 2] as const;
  await page.mouse.move(...at);
  await shoot(page, 'smart-tools.png');
  await page.mouse.click(...at);
  const answered = page.waitForResponse((response) => response.url().includes('/interactive-annotating'), PATIENCE);
  await page.mouse.move(image.x + 0.3 * image.width, image.y + 0.3 * image.height);
  await page.mouse.move(image.x + EAR.x * image.width, image.y + EAR.y * image.height, { steps: 5 });
  await page.mouse.down();
  await page.mouse.up();
  await answered;
  await shoot(page, 'clicked.png');

  await page.goto(new URL(`/projects/${example.project}/settings/ml`, example.url).href, PATIENCE);
  await shoot(page, 'model.png');
} finally {
  await browser.close();
  await example.close();
  rmSync(folder, { recursive: true, force: true });
}
