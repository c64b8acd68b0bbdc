/** Webhooks as real CVAT servers sent them: read, believed and kept. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { deletedOf, isDone, isFinishing, toldJobOf } from '../../../../src/adapters/cvat/jobs/job-events.ts';
import { createCvatClient } from '../../../../src/adapters/cvat/api/client.ts';
import type { Message, Queue } from '../../../../src/service/ports/storage.ts';
import { send, startFacade } from './facade-server.ts';
import { SECRET, traffic, type RecordedWebhook } from './traffic.ts';

const SHOWN = ['02', '03', '04', '05', '06', '07', '08'];
const KINDS = ['update_job', 'update_job', 'update_task', 'update_job', 'update_job', 'update_job', 'update_job'];
const recorded = SHOWN.map((number, i) => traffic<RecordedWebhook>(`webhook_254_${number}_${KINDS[i]}`));
const ping = traffic<RecordedWebhook>('webhook_254_01_ping');

interface Before {
  state: string;
  stage: string;
}

describe('recorded webhooks', () => {
  it('mean a job is done where its state or stage really changed to it', () => {
    const told = recorded.map(({ body }) => toldJobOf(body));
    expect(told.map((one) => one?.job.change?.before)).toEqual([
      { state: 'new', stage: 'annotation' },
      undefined,
      undefined,
      { state: 'in progress', stage: 'annotation' },
      { state: 'completed', stage: 'annotation' },
      { state: 'completed', stage: 'acceptance' },
      { state: 'completed', stage: 'acceptance' },
    ]);
    expect(told.map((one) => one !== undefined && isDone(one.now))).toEqual([false, false, false, true, true, false, false]);
    const finishing = told.map((one) => one?.job.change && isFinishing(one.job.change.before, one.job.change));
    expect(finishing).toEqual([false, undefined, undefined, true, true, false, false]);
    for (const body of [ping.body, undefined, { event: 'update:job', job: { id: 'x' }, before_update: {} }]) {
      expect(toldJobOf(body)).toBeUndefined();
      expect(deletedOf(body)).toBeUndefined();
    }
  });

  it.each([
    ['completed', ['in progress', 'annotation'], ['completed', 'annotation'], true, true],
    ['completed without having been opened', ['new', 'validation'], ['completed', 'validation'], true, true],
    ['accepted', ['completed', 'annotation'], ['completed', 'acceptance'], true, true],
    ['moved on by somebody who worked on it', ['in progress', 'annotation'], ['new', 'validation'], true, true],
    ['handed on unopened', ['new', 'annotation'], ['new', 'validation'], true, false],
    ['handed to a reviewer unopened', ['new', 'validation'], ['new', 'acceptance'], true, false],
    ['opened by a reviewer', ['new', 'acceptance'], ['in progress', 'acceptance'], false, false],
    ['sent back', ['completed', 'validation'], ['rejected', 'annotation'], false, false],
    ['moved back as it is', ['completed', 'acceptance'], ['completed', 'annotation'], true, false],
    ['moved back', ['completed', 'validation'], ['new', 'annotation'], false, false],
    ['of a stage nobody knows', ['in progress', 'annotation'], ['new', 'later'], false, false],
  ] as const)('say of a job %s whether it is done, and whether a person finished it', (_, before, after, done, finishing) => {
    const [was, is] = [before, after].map(([state, stage]) => ({ state, stage })) as [Before, Before];
    expect([isDone(is), isFinishing(was, is)]).toEqual([done, finishing]);
  });

  it('are believed for their signature alone, answered at once, and taken once', async () => {
    const facade = await startFacade({
      api: { ...createCvatClient({ url: 'http://127.0.0.1:9', token: 'none' }), job: () => new Promise(() => undefined) },
      webhookSecrets: ['another-secret', 's3cret-s3cret'],
    });
    // Recorded with a secret that is too short to be configured: signed again, over the very same bytes.
    const post = ({ raw_body: raw }: RecordedWebhook, secret = 's3cret-s3cret') =>
      send(
        `${facade.url}/webhook`,
        'POST',
        { 'content-type': 'application/json', 'x-signature-256': `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}` },
        raw,
      );
    try {
      expect((await post(ping)).status).toBe(200);
      const statuses = [];
      for (const one of recorded) statuses.push((await post(one)).status);
      expect(statuses).toEqual([200, 200, 200, 202, 202, 200, 200]);
      expect((await post(recorded[3] as RecordedWebhook)).json()).toEqual({ taken: false, why: 'it was taken before' });
      expect((await post(recorded[3] as RecordedWebhook, 'a-wrong-secret')).status).toBe(401);
      const { raw_body: raw, headers } = recorded[3] as RecordedWebhook;
      expect((await send(`${facade.url}/webhook`, 'POST', { 'content-type': 'application/json' }, raw)).status).toBe(401);
      const changed = raw.replace('"completed"', '"rejected" ');
      const old = { 'content-type': 'application/json', 'x-signature-256': headers['X-Signature-256'] ?? '' };
      expect((await send(`${facade.url}/webhook`, 'POST', old, changed)).status).toBe(401);
    } finally {
      facade.service.state.before = () => undefined;
      void facade.close();
    }
  });

  it('are kept beside what a look has found of the same job: messages that wait with one key are one', async () => {
    const sent: Message[] = [];
    const queue = { send: (message: Message) => Promise.resolve(void sent.push(message)) } as unknown as Queue;
    const facade = await startFacade({
      queue,
      api: createCvatClient({ url: 'http://127.0.0.1:9', token: 'none' }),
      webhookSecrets: [SECRET],
    });
    const body = JSON.parse(recorded[3]?.raw_body ?? '') as { before_update: object };
    // A save of the finished job, and then the change itself; each twice.
    for (const before_update of [{}, body.before_update, body.before_update, {}]) {
      const raw = JSON.stringify({ ...body, before_update });
      const signature = `sha256=${createHmac('sha256', SECRET).update(raw).digest('hex')}`;
      await send(`${facade.url}/webhook`, 'POST', { 'content-type': 'application/json', 'x-signature-256': signature }, raw);
    }
    await facade.close();
    expect(sent.map(({ data }) => (data as { change?: object }).change !== undefined)).toEqual([false, true]);
    expect(new Set(sent.map(({ key }) => key)).size).toBe(2);
  });

  it('carry signatures that this project makes the same', () => {
    for (const { raw_body: raw, secret, headers } of [ping, ...recorded])
      expect(`sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`).toBe(headers['X-Signature-256']);
  });
});
