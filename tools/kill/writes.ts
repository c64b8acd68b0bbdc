/** SIGKILL in the middle of annotation writes: what was acknowledged must be there afterwards. */
import { setTimeout as wait } from 'node:timers/promises';
import { ask, startServe } from '../../test/e2e/serve-process.ts';
import { annotationOf, pictures } from './pictures.ts';
import type { KillPlace, KillRow } from './place.ts';

const WRITERS = 4;
const PROJECT = 'writes';
/** Longest time until the kill, from the first write on. */
const LATEST_MS = 600;

export async function killWrites(
  { folder, environment, name }: KillPlace,
  kills: number,
  random: () => number,
  say: (text: string) => void,
): Promise<KillRow> {
  const sent = await pictures(6);
  const acknowledged = new Map<string, number>();
  const unanswered = new Set<string>();
  let count = 0;
  let lost = 0;
  let invented = 0;
  const served = () => startServe({ folder, environment }, ['--learner', 'off', '--log-level', 'error']);

  for (let kill = 0; kill < kills; kill++) {
    const service = await served();
    let writing = true;
    const writer = async (): Promise<void> => {
      while (writing) {
        const id = `a${count++}`;
        unanswered.add(id);
        const response = await ask(
          service.url,
          '/v1/annotations',
          annotationOf(sent[count % sent.length] as (typeof sent)[number], PROJECT, id),
        ).then(
          () => true,
          () => false,
        );
        if (!response) return; // it may be there or not: nobody was told
        unanswered.delete(id);
        acknowledged.set(id, kill);
      }
    };
    const writers = Array.from({ length: WRITERS }, writer);
    // On a busy machine the first answer alone may take that long; some kills come before it all the same.
    const known = acknowledged.size;
    const atOnce = random() < 0.25;
    for (const until = Date.now() + 30_000; !atOnce && acknowledged.size === known && Date.now() < until;) await wait(5);
    await wait(random() * LATEST_MS);
    await service.kill();
    writing = false;
    await Promise.all(writers);
    say(`${name}, writes: ${kill + 1} of ${kills} kills, ${acknowledged.size} acknowledged`);
  }
  const service = await served();
  const there = await everyId(service.url);
  for (const id of acknowledged.keys()) if (!there.has(id)) lost++;
  for (const id of there.keys()) if (!acknowledged.has(id) && !unanswered.has(id)) invented++;
  const twice = [...there.values()].filter((times) => times > 1).length;
  const prediction = await ask<{ masks: unknown[] }>(service.url, '/v1/predict', { project: PROJECT, image: { base64: sent[0]?.base64 } });
  await service.stop();
  const bad = lost + invented + twice + (prediction.masks.length === 1 ? 0 : 1);
  return {
    where: name,
    what: 'annotation writes',
    kills,
    counts: { acknowledged: acknowledged.size, lost, twice, 'from nowhere': invented },
    problems: bad === 0 && acknowledged.size > 0 ? [] : [`${lost} lost, ${twice} twice, ${invented} from nowhere, of ${acknowledged.size}`],
  };
}

/** Id -> how often it is listed. */
async function everyId(url: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  let before: number | undefined;
  for (;;) {
    const query = `limit=500${before === undefined ? '' : `&before=${before}`}`;
    const page = await ask<{ annotations: { externalId: string; sequence: number }[] }>(
      url,
      `/v1/projects/${PROJECT}/annotations?${query}`,
    );
    for (const { externalId } of page.annotations) found.set(externalId, (found.get(externalId) ?? 0) + 1);
    const last = page.annotations.at(-1);
    if (last === undefined) return found;
    before = last.sequence;
  }
}
