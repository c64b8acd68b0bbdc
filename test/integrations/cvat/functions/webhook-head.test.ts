/** Webhooks of CVAT are judged by their head before anything of their body is read. */
import { expect, it } from 'vitest';
import { webhookRoute } from '../../../../src/adapters/cvat/jobs/webhook-route.ts';
import { sendRaw, startApp } from '../../../unit/adapters/http/running-app.ts';

const parts = {
  take: () => Promise.resolve(true),
  takeDeleted: () => Promise.resolve(),
  changed: () => Promise.resolve(),
  started: () => undefined,
};

/** Status of the answer to a head whose body never comes. */
async function answerTo(secrets: string[], header: string): Promise<string> {
  const app = await startApp([webhookRoute({ ...parts, secrets })]);
  try {
    const head = ['POST /v1/webhook HTTP/1.1', 'Host: x', header, 'Content-Length: 1000000', '', ''].join('\r\n');
    const { text, socket } = await sendRaw(app.port, head);
    socket.destroy();
    return text.slice(9, 12);
  } finally {
    await app.close({ deadlineMs: 100 });
  }
}

it.each([
  ['without a signature', 'X-Other: x', '401'],
  ['with a short one', 'X-Signature-256: sha256=00', '401'],
  ['with one of no scheme', `X-Signature-256: ${'0'.repeat(64)}`, '401'],
])('a webhook %s is refused', async (_what, header, status) => {
  expect(await answerTo(['of-webhooks'], header)).toBe(status);
});

it('every webhook is refused where no secret is configured', async () => {
  expect(await answerTo([], `X-Signature-256: sha256=${'0'.repeat(64)}`)).toBe('403');
});
