/** Questions of the scenarios to a service, from outside. */
import { setTimeout as wait } from 'node:timers/promises';
import { ask, startServe, type Served } from '../../test/e2e/serve-process.ts';
import { annotationOf, type RgbImage } from './pictures.ts';
import type { KillPlace } from './place.ts';

export function serve({ folder, environment }: KillPlace, more: Readonly<Record<string, string>> = {}): Promise<Served> {
  return startServe({ folder, environment: { ...environment, ...more } }, ['--learner', 'off', '--log-level', 'error']);
}

export interface Writers {
  /** Ids that were acknowledged. */
  acknowledged: Set<string>;
  /** Waits until so many are. */
  until: (count: number) => Promise<void>;
  stop: () => Promise<void>;
}

let made = 0;

/** Annotates, each time another image, until told to stop; what fails is tried with another name. url: read anew for each. */
export function startWriters(url: () => string, project: string, pictures: readonly RgbImage[], count = 3): Writers {
  const acknowledged = new Set<string>();
  let writing = true;
  const write = async (): Promise<void> => {
    while (writing) {
      const id = `a${made++}`;
      const picture = pictures[made % pictures.length] as RgbImage;
      const body = annotationOf({ ...picture, base64: another(picture.base64, id) }, project, id);
      const stored = await ask(url(), '/v1/annotations', body).then(
        () => true,
        () => false,
      );
      if (stored) acknowledged.add(id);
      else await wait(20);
    }
  };
  const writers = Array.from({ length: count }, write);
  return {
    acknowledged,
    async until(least) {
      const late = Date.now() + 60_000;
      while (acknowledged.size < least && Date.now() < late) await wait(10);
    },
    async stop() {
      writing = false;
      await Promise.all(writers);
    },
  };
}

/** The same picture in other bytes: readers stop at its end. */
function another(base64: string, text: string): string {
  return Buffer.concat([Buffer.from(base64, 'base64'), Buffer.from(text)]).toString('base64');
}

export interface Listed {
  externalId: string;
  sequence: number;
  sha256: string;
}

export async function everyAnnotation(url: string, project: string): Promise<Listed[]> {
  const found: Listed[] = [];
  for (;;) {
    const before = found.at(-1)?.sequence;
    const query = `limit=500${before === undefined ? '' : `&before=${before}`}`;
    const page = await ask<{ annotations: Listed[] }>(url, `/v1/projects/${encodeURIComponent(project)}/annotations?${query}`);
    if (page.annotations.length === 0) return found;
    found.push(...page.annotations);
  }
}

/** Problems of annotations that were acknowledged: missing, listed twice, or without the bytes of their image. */
export async function missing(
  url: string,
  project: string,
  acknowledged: Iterable<string>,
): Promise<{ lost: number; unreadable: number; twice: number }> {
  const listed = await everyAnnotation(url, project);
  const byId = new Map(listed.map((one) => [one.externalId, one]));
  let [lost, unreadable] = [0, 0];
  for (const id of acknowledged) {
    const found = byId.get(id);
    if (found === undefined) lost++;
    else {
      const { ok } = await fetch(new URL(`/v1/images/${found.sha256}?project=${encodeURIComponent(project)}`, url));
      if (!ok) unreadable++;
    }
  }
  return { lost, unreadable, twice: listed.length - byId.size };
}

export function problemsOf(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]));
}

const WAIT_MS = 120_000;

/** Waits for something to hold; false: it did not. */
export async function holds(condition: () => Promise<boolean>): Promise<boolean> {
  const until = Date.now() + WAIT_MS;
  while (Date.now() < until) {
    if (await condition().catch(() => false)) return true;
    await wait(200);
  }
  return false;
}

/** Makes messages of queues be handed over at once, whoever had them was killed. names: a pattern of `like`. */
export function handOver({ change }: KillPlace, names: string, attempts?: number): Promise<void> {
  const [sqlite, postgres] =
    attempts === undefined ? ['', ''] : [`, attempts = ${attempts}`, `, retry_count = ${attempts}, retry_limit = 99`];
  return change({
    sqlite: `update messages set due_ms = 0${sqlite} where name like '${names}'`,
    postgres: `update prosam_queue.job set state = 'retry', start_after = now()${postgres} where name like '${names}' and state in ('created', 'retry', 'active')`,
  });
}
