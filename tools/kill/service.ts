/** Questions of the scenarios to a service, from outside. */
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
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const writers = Array.from({ length: count }, write);
  return {
    acknowledged,
    async until(least) {
      const late = Date.now() + 60_000;
      while (acknowledged.size < least && Date.now() < late) await new Promise((resolve) => setTimeout(resolve, 10));
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
    const page = await ask<{ annotations: Listed[] }>(url, `/v1/projects/${project}/annotations?${query}`);
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
      const { ok } = await fetch(new URL(`/v1/images/${found.sha256}?project=${project}`, url));
      if (!ok) unreadable++;
    }
  }
  return { lost, unreadable, twice: listed.length - byId.size };
}

export function problemsOf(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]));
}
