/** SIGKILL in the middle of annotation writes: what was acknowledged must be there afterwards. */
import { ask } from '../../test/e2e/serve-process.ts';
import { killWhileSending } from './kill-while-sending.ts';
import { annotationOf, pictures } from './pictures.ts';
import type { Scenario } from './place.ts';
import { everyAnnotation, serve } from './service.ts';

const WRITERS = 4;
const PROJECT = 'writes';

export const killWrites: Scenario = async (place, kills, random, say) => {
  const { name } = place;
  const sent = await pictures(6);
  const acknowledged = new Set<string>();
  const unanswered = new Set<string>();
  let count = 0;

  for (let kill = 0; kill < kills; kill++) {
    const service = await serve(place);
    // Some kills come before the first answer.
    await killWhileSending(service, { writers: WRITERS, random, atOnce: random() < 0.25 }, async () => {
      const id = `a${count++}`;
      unanswered.add(id);
      await ask(service.url, '/v1/annotations', annotationOf(sent[count % sent.length] as (typeof sent)[number], PROJECT, id));
      unanswered.delete(id);
      acknowledged.add(id);
    });
    say(`${name}, writes: ${kill + 1} of ${kills} kills, ${acknowledged.size} acknowledged`);
  }
  const service = await serve(place);
  const listed = await everyAnnotation(service.url, PROJECT);
  const there = new Set(listed.map(({ externalId }) => externalId));
  const lost = [...acknowledged].filter((id) => !there.has(id)).length;
  const invented = [...there].filter((id) => !acknowledged.has(id) && !unanswered.has(id)).length;
  const twice = listed.length - there.size;
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
};
