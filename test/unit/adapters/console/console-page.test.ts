/** The console as people meet it: in a real browser, by day and by night, with and without a token, with foreign input at its worst. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakeService } from '../fake-service.ts';
import { chromiumLabel, hasChromium, startChromium } from './chromium.ts';
import { busyService, HOSTILE, startConsole, TOKENS } from './console-server.ts';

/** Where pictures of the pages go, for people to look at. */
const PICTURES = process.env.PROSAM_SCREENSHOTS;
/** Calls of the service that change something. */
const ORDERS = new Set(['projects.train', 'versions.promote', 'projects.rollback', 'annotations.flag', 'projects.eraseImage']);

let browser: Browser;
let service: FakeService;
let server: { url: string; close: () => Promise<void> } | undefined;
let page: Page | undefined;
let problems: string[];

const open = async (anonymous?: 'read' | 'admin', options: BrowserContextOptions = {}, hash = ''): Promise<Page> => {
  server = await startConsole(service, anonymous);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // Refused requests are part of the game.
    if (message.type() === 'error' && !message.text().includes('status of 40')) problems.push(message.text());
  });
  await page.goto(`${server.url}/${hash}`);
  return page;
};

async function picture(one: Page, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await one.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/** All masks are drawn. */
async function drawn(one: Page): Promise<void> {
  await one.locator('#predictions canvas').first().waitFor();
  await expect.poll(() => one.locator('#predictions canvas:not([data-drawn])').count()).toBe(0);
}

async function useToken(one: Page, token: string): Promise<void> {
  await one.getByLabel('Token', { exact: true }).fill(token);
  await one.getByRole('button', { name: 'Use', exact: true }).click();
}

describe.skipIf(!hasChromium)(`the console ${chromiumLabel}`, () => {
  beforeAll(async () => {
    browser = await startChromium();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    problems = [];
    service = await busyService();
  });
  afterEach(async () => {
    await page?.context().close();
    await server?.close();
    expect(problems).toEqual([]);
  });

  it('shows how everything stands', async () => {
    const one = await open('admin');
    await one.getByText('Training: step 214 of 600, loss 0.447').waitFor();
    expect(await one.locator('#ready').textContent()).toBe('ready');
    expect(await one.locator('#device').textContent()).toBe('tiny@9a897d329434 on cpu');
    expect(await one.locator('#tiles').innerText()).toMatch(/images\s+20\s+annotated\s+6/);
    expect(await one.locator('#versions details').count()).toBe(6);
    expect(await one.locator('#versions').innerText()).toContain('IoU 0.598 → 0.641');
    expect(await one.locator('#predictions figure').count()).toBe(12);
    expect(await one.locator('#queue figure').count()).toBe(12);
    expect(await one.locator('#errors').innerText()).toMatch(/URL_FAILED[\s\S]*Check that it can be reached/);
    await drawn(one);
    await one.getByText('v4', { exact: true }).click();
    await one.getByRole('img', { name: /^Training loss: from 0.8\d+ at step 5 to 0.3\d+ at step 600/ }).waitFor();
    await one.getByRole('img', { name: /all labels 0.598 to 0.641, mug/ }).waitFor();
    await picture(one, 'day');
  });

  it('draws the masks where they are', async () => {
    const one = await open('admin');
    await drawn(one);
    const first = service.state.predictions.find(({ project, masks }) => project === 'kitchen' && masks.length === 1);
    const all = service.state.predictions.filter(({ project }) => project === 'kitchen');
    const [mask] = first?.masks ?? [];
    const set = await one.evaluate<{ width: number; height: number; count: number }>(`(() => {
      const canvas = document.querySelectorAll('#predictions canvas')[${all.indexOf(first as (typeof all)[number])}];
      const { width, height } = canvas;
      const { data } = canvas.getContext('2d').getImageData(0, 0, width, height);
      return { width, height, count: data.filter((value, i) => i % 4 === 3 && value !== 0).length };
    })()`);
    expect([set.width, set.height]).toEqual([320, 240]);
    expect(set.count).toBe(mask?.area);
  });

  it('asks for a token where nobody may look without one, and keeps it in the tab', async () => {
    const one = await open();
    await one.getByRole('heading', { name: 'Who is asking' }).waitFor();
    expect(await one.locator('#main').isVisible()).toBe(false);
    await picture(one, 'token');
    await useToken(one, 'not-the-right-token');
    await one.getByText('is not known here').waitFor();
    await one.getByRole('button', { name: /token/i }).click();
    await useToken(one, TOKENS.reader);
    await one.getByText('rita (read only)').waitFor();
    await one.locator('#predictions figure').first().waitFor();
    expect(await one.evaluate('[sessionStorage.length, localStorage.length, document.cookie]')).toEqual([1, 0, '']);
    await one.reload();
    await one.getByText('rita (read only)').waitFor();
    await one.getByRole('button', { name: 'Token' }).click();
    await one.getByRole('button', { name: 'Forget' }).click();
    await one.locator('#main').waitFor({ state: 'hidden' });
    expect(await one.evaluate('sessionStorage.length')).toBe(0);
  });

  // Programs of this machine may do everything where no credentials are configured; the page still wants a name.
  it.each(['read', 'admin'] as const)('changes nothing for those without a name, who may %s', async (anonymous) => {
    const one = await open(anonymous);
    await one.locator('#annotations button').first().waitFor();
    expect(await one.locator('#train').isVisible()).toBe(false);
    expect(await one.locator('#rollback').isVisible()).toBe(false);
    await one.getByText('v3', { exact: true }).click();
    expect(await one.getByRole('button', { name: 'Put into service' }).count()).toBe(0);
    expect(await one.locator('#annotations button').first().isDisabled()).toBe(true);
    expect(service.state.calls.filter(({ name }) => ORDERS.has(name))).toEqual([]);
    if (anonymous === 'admin') return;
    expect(await one.locator('#errors').innerText()).not.toContain('pictures.example');
    const { url } = server as { url: string };
    const statuses = [];
    for (const [method, path, body] of [
      ['POST', 'projects/kitchen/train', undefined],
      ['POST', 'versions/v/promote', { reason: 'x' }],
      ['POST', 'projects/kitchen/rollback', { reason: 'x' }],
      ['PUT', 'projects/kitchen/annotations/a/b/flag', { flagged: true }],
    ] as const) {
      const sent = { method, ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }) };
      statuses.push((await fetch(`${url}/v1/${path}`, sent)).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401]);
  });

  it('lets those with the right promote, roll back, train and flag', async () => {
    const one = await open('read');
    await one.getByRole('button', { name: 'Use a token' }).click();
    await useToken(one, TOKENS.admin);
    await one.getByText('ada (admin)').waitFor();
    await one.getByRole('button', { name: 'Train now' }).click();
    await one.getByText('Training requested').waitFor();
    await one.getByText('v3', { exact: true }).click();
    await one.getByRole('button', { name: 'Put into service' }).first().click();
    await one.getByLabel('Why, for those who look later').fill('steadier on spoons');
    await picture(one, 'reason');
    await one.getByRole('button', { name: 'Do it' }).click();
    await one.getByText('Live: version 3.').waitFor();
    await one.getByRole('button', { name: 'Roll back' }).click();
    await one.getByLabel('Why, for those who look later').fill('it was not');
    await one.keyboard.press('Enter');
    await one.getByText('The previous version is live again.').waitFor();
    const star = one.getByRole('button', { name: 'Use task 20 as a reference first' });
    await star.click();
    await one.getByText('Used first from now on.').waitFor();
    await expect.poll(() => star.getAttribute('aria-pressed')).toBe('true');
    const id = service.state.versions[2]?.id;
    const orders = service.state.calls.filter(({ name }) =>
      /^(projects\.(train|rollback)|versions\.promote|annotations\.flag)$/.test(name),
    );
    expect(orders).toEqual([
      { name: 'projects.train', args: 'kitchen' },
      { name: 'versions.promote', args: { project: 'kitchen', id, reason: 'steadier on spoons' } },
      { name: 'projects.rollback', args: { project: 'kitchen', reason: 'it was not' } },
      { name: 'annotations.flag', args: { key: { project: 'kitchen', source: 'desk', externalId: 'task 20' }, flagged: true } },
    ]);
  });

  it('calls a project by its title in the tool it comes from, beside its name', async () => {
    const one = await open('admin');
    await drawn(one);
    expect(await one.locator('#project option').allTextContents()).toEqual(expect.arrayContaining(['Cups and spoons (kitchen)', HOSTILE]));
    expect(await one.locator('#project').inputValue()).toBe('kitchen');
  });

  it('erases an image with all that came of it, where that is confirmed', async () => {
    const one = await open('read');
    await drawn(one);
    expect(await one.getByRole('button', { name: /^Erase / }).count()).toBe(0);
    await one.getByRole('button', { name: 'Use a token' }).click();
    await useToken(one, TOKENS.admin);
    const buttons = one.locator('#queue').getByRole('button', { name: /^Erase / });
    await buttons.first().waitFor();
    await buttons.first().click();
    const dialog = one.getByRole('dialog');
    await dialog.getByText('This cannot be undone').waitFor();
    await picture(one, 'erase');
    // Enter presses the button that does no harm.
    await one.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    const erased = () => service.state.calls.filter(({ name }) => name === 'projects.eraseImage').map(({ args }) => args);
    expect(erased()).toEqual([]);
    const key = await buttons.first().getAttribute('data-key');
    await buttons.first().click();
    await dialog.getByRole('button', { name: 'Erase', exact: true }).click();
    await one.getByText('Erased, with 0 annotations and 0 predictions.').waitFor();
    expect(erased()).toEqual([{ project: 'kitchen', sha256: key?.replace('erase ', '') }]);
    await expect.poll(() => one.locator(`#queue [data-key="${key}"]`).count()).toBe(0);
  });

  it('does nothing where somebody thinks better of it', async () => {
    const one = await open('read');
    await one.getByRole('button', { name: 'Use a token' }).click();
    await useToken(one, TOKENS.admin);
    await one.getByRole('button', { name: 'Roll back' }).click();
    await one.getByLabel('Why, for those who look later').fill('a slip');
    await one.getByRole('button', { name: 'Cancel' }).click();
    await one.getByRole('button', { name: 'Roll back' }).click();
    await one.keyboard.press('Escape');
    await one.waitForTimeout(200);
    expect(service.state.calls.filter(({ name }) => name === 'projects.rollback')).toEqual([]);
  });

  it('treats names, labels and reasons as text, whatever they hold', async () => {
    const one = await open('admin', {}, `#${encodeURIComponent(HOSTILE)}`);
    await drawn(one);
    await one.locator('#versions summary').first().click();
    for (const place of ['#learner', '#versions', '#predictions', '#queue', '#annotations', '#errors']) {
      expect(await one.locator(place).innerText(), place).toContain('<img src=x onerror=');
    }
    expect(await one.locator('#project').inputValue()).toBe(HOSTILE);
    expect(await one.title()).toBe('prosam');
    expect(await one.evaluate(`[document.querySelectorAll('main script').length, document.querySelectorAll('img[src=x]').length]`)).toEqual(
      [0, 0],
    );
    await picture(one, 'hostile');
  });

  it('would not even run a script that got in', async () => {
    const one = await open('admin');
    await one.locator('#versions details').first().waitFor();
    const result = await one.evaluate(`(() => {
      try {
        document.body.innerHTML = '<img src=x onerror="document.title=1">';
        return 'taken';
      } catch (error) {
        return error.name;
      }
    })()`);
    expect(result).toBe('TypeError');
    problems = problems.filter((text) => !/TrustedHTML|trusted/i.test(text));
  });

  it('follows what happens, and says when nobody answers', async () => {
    const one = await open('admin');
    await one.getByText('step 214').waitFor();
    const [run] = service.state.runs;
    if (run) run.progress = { phase: 'gate', done: 12, total: 36 };
    service.state.status = { ...service.state.status, problems: ['the learner does not answer'] };
    await one.getByText('Gate: pair 12 of 36').waitFor();
    await one.getByText('the learner does not answer').waitFor();
    expect(await one.locator('#ready').textContent()).toBe('ready, in part');
    await server?.close();
    await one.getByText('The service does not answer.').waitFor();
    problems = problems.filter((text) => !text.includes('ERR_CONNECTION'));
  });

  it('is readable at night, on a phone, and before anything has happened', async () => {
    await picture(await open('admin', { colorScheme: 'dark' }), 'night-early');
    await drawn(page as Page);
    await (page as Page).getByText('v4', { exact: true }).click();
    await picture(page as Page, 'night');
    await page?.context().close();
    await server?.close();
    const phone = await open('admin', { viewport: { width: 390, height: 800 } });
    await drawn(phone);
    expect(await phone.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    await picture(phone, 'phone');
    await phone.context().close();
    await server?.close();
    const { fakeService } = await import('../fake-service.ts');
    service = fakeService({ labels: [] });
    const fresh = await open('admin');
    await fresh.getByText('Nothing has been learned yet.').waitFor();
    await picture(fresh, 'fresh');
  });

  it('names everything for those who do not see it', async () => {
    const one = await open('admin');
    await drawn(one);
    const nameless = await one.evaluate(`(() => {
      const words = (node) => [node.textContent, node.getAttribute('aria-label'), node.getAttribute('alt')].join('').trim();
      const named = (node) => words(node) !== '' || (node.labels !== undefined && node.labels !== null && node.labels.length > 0);
      const all = document.querySelectorAll('button, input, select, img, meter, progress, svg, a');
      return [...all].filter((node) => !named(node)).map((node) => node.outerHTML);
    })()`);
    expect(nameless).toEqual([]);
    expect(await one.locator('h1').count()).toBe(1);
  });
});
