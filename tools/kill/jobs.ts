/** SIGKILL of a service with jobs and callbacks under way, jobs whose message ran out of attempts, and clocks set back by a month. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { ask } from '../../test/e2e/serve-process.ts';
import { annotationOf, pictures } from './pictures.ts';
import { withClock, type Scenario } from './place.ts';
import { handOver, holds, missing, problemsOf, serve, startWriters } from './service.ts';

const PROJECT = 'jobs';
const IMAGES = 6;
const MONTH_MS = 30 * 86_400_000;
const CALLBACKS = { PROSAM_CALLBACK_SECRET: 'a secret of the kill tests', PROSAM_CALLBACK_HOSTS: '127.0.0.1' };

interface Job {
  id: string;
  done: number;
  failed: number;
  total: number;
  state: string;
}

/** Receiver of callbacks: jobs it was told the end of. */
async function receiver() {
  const told = new Map<string, number>();
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const { job } = JSON.parse(text) as { job: { id: string } };
      told.set(job.id, (told.get(job.id) ?? 0) + 1);
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { told, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/told`, close: () => void server.close() };
}

const jobOf = (url: string, id: string): Promise<Job> => ask(url, `/v1/jobs/${id}?results=false`);
const isOver = ({ done, failed, total }: Job): boolean => done + failed === total;

export const killJobs: Scenario = async (place, kills, random, say) => {
  const sent = await pictures(IMAGES);
  const hook = await receiver();
  let service = await serve(place, CALLBACKS);
  await ask(service.url, '/v1/annotations', annotationOf(sent[0] as (typeof sent)[number], PROJECT, 'first'));
  const body = { project: PROJECT, images: sent.map(({ base64 }) => ({ base64 })), callback: { url: hook.url } };
  const problems: string[] = [];
  const ids: string[] = [];
  for (let kill = 0; kill < kills; kill++) {
    ids.push((await ask<Job>(service.url, '/v1/jobs', body)).id);
    await wait(random() * 1500);
    await service.kill();
    await handOver(place, 'webhook-%');
    service = await serve(place, CALLBACKS);
    say(`${place.name}, jobs: ${kill + 1} of ${kills} kills`);
  }
  const everyJob = async () => Promise.all(ids.map((id) => jobOf(service.url, id)));
  const isTold = async () => (await everyJob()).every(isOver) && ids.every((id) => hook.told.has(id));
  if (!(await holds(isTold))) problems.push('a job never ended, or nobody was told of its end');
  const jobs = await everyJob();
  // The last chance of a job: its message has been taken as often as it may be.
  const last = (await ask<Job>(service.url, '/v1/jobs', body)).id;
  await service.kill();
  await handOver(place, 'webhook-%', 11);
  service = await serve(place, CALLBACKS);
  const isGivenUp = async () => isOver(await jobOf(service.url, last)) && hook.told.has(last);
  if (!(await holds(isGivenUp))) problems.push('a job whose message ran out of attempts never ended');
  await service.stop();
  hook.close();
  const failed = jobs.reduce((sum, job) => sum + job.failed, 0);
  if (failed > 0) problems.push(`${failed} images failed`);
  const counts = {
    'jobs ended': jobs.filter(isOver).length,
    'images done': jobs.reduce((sum, { done }) => sum + done, 0),
    'told twice': [...hook.told.values()].filter((times) => times > 1).length,
  };
  return { where: place.name, what: 'jobs and callbacks', kills, counts, problems };
};

export const killAhead: Scenario = async (place, kills, random, say) => {
  const sent = await pictures(IMAGES);
  const acknowledged = new Set<string>();
  const problems: string[] = [];
  const ahead = withClock(place.folder, MONTH_MS);
  const body = { project: PROJECT, images: sent.map(({ base64 }) => ({ base64 })) };
  const ids: string[] = [];
  let service = await serve(place, ahead);
  for (let kill = 0; kill < kills; kill++) {
    const writers = startWriters(() => service.url, PROJECT, sent, 2);
    await writers.until(2);
    ids.push((await ask<Job>(service.url, '/v1/jobs', body)).id);
    await wait(random() * 500);
    await service.kill();
    await writers.stop();
    for (const id of writers.acknowledged) acknowledged.add(id);
    // Back to today, and a month ahead again.
    service = await serve(place, kill % 2 === 0 ? {} : ahead);
    say(`${place.name}, clock: ${kill + 1} of ${kills} kills`);
  }
  await service.stop();
  service = await serve(place);
  await handOver(place, 'webhook-%');
  if (!(await holds(async () => (await Promise.all(ids.map((id) => jobOf(service.url, id)))).every(isOver))))
    problems.push('a job waits for the clock');
  const found = await missing(service.url, PROJECT, acknowledged);
  await service.stop();
  return {
    where: place.name,
    what: 'a clock set back 30 days',
    kills,
    counts: { acknowledged: acknowledged.size, jobs: ids.length, ...found },
    problems: [...problems, ...problemsOf(found)],
  };
};
