/** SIGKILL while a labeling tool reports what people did: an event that was answered teaches, once, whoever works it off. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { projectKeyOf } from '../../src/adapters/label-studio/protocol/events.ts';
import { encodeBrushRleSync } from '../../src/core/mask/brush-rle.ts';
import { maskFromCocoRle } from '../../src/index.ts';
import { ask } from '../../test/e2e/serve-process.ts';
import { killWhileSending } from './kill-while-sending.ts';
import { pictures, type RgbImage } from './pictures.ts';
import type { Scenario } from './place.ts';
import { handOver, holds, missing, problemsOf, serve } from './service.ts';

const WRITERS = 3;
const PROJECT = { id: 1, created_at: '2026-11-22T16:31:53.521413Z' };
const NAME = `label-studio/${projectKeyOf(PROJECT.id, PROJECT.created_at)}`;
const CONFIG = '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="cup"/></BrushLabels></View>';

/** Stand-in for Label Studio: gives pictures, and knows nothing else. */
async function studio(images: readonly RgbImage[]) {
  const server = createServer(({ url = '' }, response) => {
    const image = images[Number(/^\/data\/upload\/1\/(\d+)\.png$/.exec(url)?.[1])];
    if (image === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': 'image/png' }).end(Buffer.from(image.base64, 'base64'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

/** A brush mask that was submitted, as Label Studio 1.23 reports it. */
function eventOf({ rle }: RgbImage, picture: number, id: number): object {
  const mask = maskFromCocoRle(rle);
  const value = { format: 'rle', rle: Array.from(encodeBrushRleSync(mask)), brushlabels: ['cup'] };
  const region = {
    ...{ id: 'r', type: 'brushlabels', from_name: 'tag', to_name: 'image', value },
    ...{ original_width: mask.width, original_height: mask.height },
  };
  const updated_at = '2026-11-22T16:31:56.000001Z';
  return {
    ...{ action: 'ANNOTATION_CREATED', project: { ...PROJECT, label_config: CONFIG } },
    annotation: { ...{ id, task: id, was_cancelled: false, ground_truth: false, updated_at }, result: [region] },
    task: { id, data: { image: `/data/upload/1/${picture}.png` }, project: PROJECT.id },
  };
}

export const killEvents: Scenario = async (place, kills, random, say) => {
  const images = await pictures(6);
  const tool = await studio(images);
  const more = { PROSAM_LABEL_STUDIO_URL: tool.url };
  const answered = new Set<string>();
  let count = 0;
  let service = await serve(place, more);
  for (let kill = 0; kill < kills; kill++) {
    await killWhileSending(service, { writers: WRITERS, random }, async () => {
      const id = ++count;
      const picture = id % images.length;
      await ask(service.url, '/label-studio/webhook', eventOf(images[picture] as RgbImage, picture, id));
      answered.add(String(id));
    });
    // Whoever had taken one was killed.
    await handOver(place, 'label-studio-%');
    service = await serve(place, more);
    say(`${place.name}, events: ${kill + 1} of ${kills} kills, ${answered.size} answered`);
  }
  const isTaught = async (): Promise<boolean> => (await missing(service.url, NAME, answered)).lost === 0;
  await holds(isTaught);
  const found = await missing(service.url, NAME, answered);
  await service.stop();
  tool.close();
  const problems = [...problemsOf(found), ...(answered.size === 0 ? ['no event was answered'] : [])];
  return { where: place.name, what: 'events of a labeling tool', kills, counts: { answered: answered.size, ...found }, problems };
};
