/**
 * A click in Label Studio on a photograph of 12 megapixels that somebody has open: npm run bench:label-studio-click -- [--model small] [--clicks 9]
 *
 * The whole service in this process and its worker. Prints what a click takes from the request to the end of the response, once the
 * image is prepared, with nothing marked before (SAM's own answer) and with a reference (the prediction goes along).
 */
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { clickOf, taskOf } from '../../../test/integrations/label-studio/backend-server.ts';
import { brushOf, photos, startStudio, type Photo } from '../../../test/integrations/label-studio/live-studio.ts';
import { median } from '../median.ts';

const text = { type: 'string' } as const;
const { values } = parseArgs({ options: { model: text, clicks: text } });
const clicks = Number(values.clicks ?? 9);
const [WIDTH, HEIGHT] = [4000, 3000];

const [small, marked] = (await photos(2)) as [Photo, Photo];
const file = await sharp(small.file).resize(WIDTH, HEIGHT, { fit: 'fill' }).jpeg({ quality: 90 }).toBuffer();
const studio = await startStudio([{ ...small, file }, marked], { model: values.model ?? 'tiny' });

/** A point on the object, in percent. */
const { data, width, height } = small.truth;
const inside = data.indexOf(1, Math.floor(data.length / 2));
const [x, y] = [(100 * (inside % width)) / width, (100 * Math.floor(inside / width)) / height];
const size = { original_width: WIDTH, original_height: HEIGHT };

async function measure(title: string): Promise<void> {
  const times: number[] = [];
  for (let turn = 0; turn <= clicks; turn++) {
    const started = performance.now();
    await studio.predict([taskOf(0)], { result: [clickOf(x + (turn % 3) / 10, y, size)] });
    // The first prepares the image.
    if (turn > 0) times.push(performance.now() - started);
  }
  console.log(`${title}: median ${median(times).toFixed(0)} ms, slowest ${Math.max(...times).toFixed(0)} ms of ${times.length} clicks`);
}

await studio.setup();
await measure('nothing marked before');
const updated_at = new Date().toISOString();
await studio.event({
  action: 'ANNOTATION_CREATED',
  annotation: { id: 1, task: 1, was_cancelled: false, ground_truth: false, completed_by: 1, updated_at, result: [brushOf(marked)] },
  task: taskOf(1),
});
await studio.setup();
await studio.predict([taskOf(0)]);
await measure('with a reference');
await studio.close();
