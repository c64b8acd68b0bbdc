/** SIGKILL of a learner and of the service while numbers are fitted to a label: the old ones answer, or the new ones. */
import { setTimeout as wait } from 'node:timers/promises';
import { ask, startProcess, type RunningProcess } from '../../test/e2e/serve-process.ts';
import { annotationOf, pictures, type RgbImage } from './pictures.ts';
import type { KillPlace, Scenario } from './place.ts';
import { serve } from './service.ts';

const PROJECT = 'fits';
/** Numbers alone: no run is ever due. */
const LEARNER = { fitFrom: 2, minNewMasks: 1e6, leaseMs: 1000 };
const IMAGES = 6;
/** From the moment the learner watches to its kill: before it fits, while it does, and a moment after. */
const LATEST_MS = 9000;
const WAIT_MS = 120_000;

interface Fit {
  images: number;
  plain: number;
  learned: number;
  used: boolean;
}
interface Info {
  version: string;
  concepts: { label: string; fit?: Fit }[];
}

/** ready: it watches, or has ended before. */
function learn({ folder, environment }: KillPlace): RunningProcess & { ready: Promise<unknown> } {
  let watches: () => void = () => undefined;
  const watching = new Promise<void>((resolve) => (watches = resolve));
  const onLine = (line: string): void => {
    if (line.includes('"type":"ready"')) watches();
  };
  const learner = startProcess(['learn', '--json', '--settings', JSON.stringify(LEARNER)], { folder, environment, onLine });
  return { ...learner, ready: Promise.race([watching, learner.ended]) };
}

export const killFits: Scenario = async (place, kills, random, say) => {
  const sent = await pictures(IMAGES);
  const problems: string[] = [];
  let service = await serve(place);
  let fitted = 0;
  const infoOf = (): Promise<Info> => ask(service.url, `/v1/projects/${PROJECT}`);
  const check = async (): Promise<void> => {
    const before = await infoOf();
    const { fit } = before.concepts[0] ?? {};
    if (fit && !isWhole(fit)) problems.push(`numbers of a label with figures that cannot be: ${JSON.stringify(fit)}`);
    const image = { base64: (sent[0] as RgbImage).base64 };
    const { version, masks } = await ask<{ version: string; masks: { method: string }[] }>(service.url, '/v1/predict', {
      ...{ project: PROJECT, image, remember: false },
    });
    if (version !== before.version) problems.push('an answer has another version than its project');
    if ((masks[0]?.method === 'learned') !== (fit?.used === true)) problems.push('an answer does not go by the numbers that are stored');
  };
  // Every kill has another pool: one image more, or another mask in one.
  for (let kill = 0; kill < kills; kill++) {
    const at = kill % IMAGES;
    const other = sent[(at + 1) % IMAGES] as RgbImage;
    const picture = { ...(sent[at] as RgbImage), ...(kill >= IMAGES && kill % 2 === 0 && { rle: other.rle }) };
    await ask(service.url, '/v1/annotations', annotationOf(picture, PROJECT, `f${at}`, 1 + Math.floor(kill / IMAGES)));
    const learner = learn(place);
    await learner.ready;
    await wait(random() * LATEST_MS);
    await learner.kill();
    if (learner.output().includes('"type":"fit"')) fitted++;
    if (kill % 5 === 4) {
      await service.kill();
      service = await serve(place);
    }
    await check();
    say(`${place.name}, fitted numbers: ${kill + 1} of ${kills} kills, ${fitted} fitted`);
  }
  // Nobody disturbs it now.
  for (const [i, picture] of sent.entries()) await ask(service.url, '/v1/annotations', annotationOf(picture, PROJECT, `f${i}`, kills + 1));
  const learner = learn(place);
  const until = Date.now() + WAIT_MS;
  while ((await infoOf()).concepts[0]?.fit?.images !== IMAGES && Date.now() < until) await wait(200);
  if ((await infoOf()).concepts[0]?.fit?.images !== IMAGES) problems.push('what was interrupted was never fitted');
  await learner.stop();
  await check();
  await fetch(new URL(`/v1/projects/${PROJECT}/annotations/kill/f0`, service.url), { method: 'DELETE' });
  if ((await infoOf()).concepts[0]?.fit !== undefined) problems.push('numbers outlived a mask they rest on');
  await check();
  await service.stop();
  return {
    where: place.name,
    what: 'fitted numbers',
    kills,
    counts: { 'fitted before the kill': fitted },
    problems: [...new Set(problems)],
  };
};

function isWhole({ images, plain, learned, used }: Fit): boolean {
  return images >= 2 && images <= IMAGES && plain >= 0 && learned <= 1 && (used ? learned >= plain - 1e-9 : learned <= plain + 1e-9);
}
