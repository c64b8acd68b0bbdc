/** What is small to send and large to work on keeps nobody else waiting: twenty others are answered before each such request is. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HOSTILE, LATER_PROJECT } from './requests.ts';
import { startHostileTarget, type HostileTarget } from './start.ts';

const OTHERS = 20;
const LONGEST_MS = 300_000;

let target: HostileTarget;
beforeAll(async () => {
  target = await startHostileTarget();
});
afterAll(() => target.stop());

/** Resolves once the service has stored what it took before. */
async function stored(): Promise<void> {
  for (;;) {
    const response = await fetch(new URL(`/v1/projects/${encodeURIComponent(LATER_PROJECT)}/annotations`, target.url));
    const { annotations = [] } = (await response.json()) as { annotations?: unknown[] };
    if (annotations.length > 0) return;
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

it.each(HOSTILE.map((request) => [request.name, request] as const))(
  '%s',
  async (_, request) => {
    const order: string[] = [];
    const others: Promise<void>[] = [];
    const health = async (): Promise<void> => {
      expect(await target.health()).toBe(200);
      order.push('other');
    };
    const response = await target.ask(request, () => {
      for (let i = 0; i < OTHERS; i++) others.push(health());
    });
    if (request.expected === 'later') await stored();
    order.push('hostile');
    await Promise.all(others);
    if (typeof request.expected === 'object') {
      expect(response.status, response.text.slice(0, 500)).toBe(request.expected.refused);
      expect(response.text).toContain('"code"');
      return;
    }
    expect(response.status, response.text.slice(0, 500)).toBeLessThan(300);
    expect(order.indexOf('hostile')).toBe(OTHERS);
  },
  LONGEST_MS,
);

it('is still there, with nothing in front of its engine', async () => {
  const status = (await (await fetch(new URL('/v1/status', target.url))).json()) as { engineQueue: { running: number; waiting: number } };
  expect(status.engineQueue).toMatchObject({ running: 0, waiting: 0 });
});
