/** Images that a disk lost or changed while nobody looked: predictions go on, and sending the bytes again mends them. */
import { ask } from '../../test/e2e/serve-process.ts';
import { annotationOf, pictures } from './pictures.ts';
import type { Scenario } from './place.ts';
import { everyAnnotation, missing, problemsOf, serve } from './service.ts';

const PROJECT = 'damage';
const IMAGES = 6;

export const killDamaged: Scenario = async (place, kills, random, say) => {
  const sent = await pictures(IMAGES);
  const problems: string[] = [];
  const ids = sent.map((_, i) => `d${i}`);
  let service = await serve(place);
  const sendAll = async (): Promise<void> => {
    for (const [i, picture] of sent.entries()) await ask(service.url, '/v1/annotations', annotationOf(picture, PROJECT, ids[i] as string));
  };
  await sendAll();
  let refused = 0;
  for (let kill = 0; kill < kills; kill++) {
    await service.kill();
    const listed = await (async () => {
      service = await serve(place);
      return everyAnnotation(service.url, PROJECT);
    })();
    await service.kill();
    const { sha256: victim, externalId } = listed[Math.floor(random() * listed.length)] as (typeof listed)[number];
    await place.damage(victim, random() < 0.5 ? undefined : Buffer.from('changed'));
    service = await serve(place);
    // Another image: sending the damaged one would mend it.
    const target = sent[(ids.indexOf(externalId) + 1) % sent.length];
    const { masks } = await ask<{ masks: unknown[] }>(service.url, '/v1/predict', { project: PROJECT, image: { base64: target?.base64 } });
    if (masks.length !== 1) problems.push('a prediction lacks its mask');
    const broken = await missing(service.url, PROJECT, ids);
    refused += broken.unreadable;
    if (broken.unreadable !== 1) problems.push(`${broken.unreadable} images count as damaged instead of one`);
    if (broken.lost > 0) problems.push('an annotation is lost with its image');
    await sendAll();
    problems.push(...problemsOf(await missing(service.url, PROJECT, ids)).map((one) => `${one} after sending again`));
    say(`${place.name}, damage: ${kill + 1} of ${kills}`);
  }
  await service.stop();
  return { where: place.name, what: 'damaged and missing images', kills, counts: { 'noticed and mended': refused }, problems };
};
