/** A program of its own that takes one kind of request and tells, for each, how long it held the event loop up at most. */
import { z } from 'zod';
import { createGuard } from '../../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../../src/adapters/http/http-app.ts';
import { imageInputSchema } from '../../../../src/adapters/http/images/image-input.ts';
import { createImageSources } from '../../../../src/adapters/http/images/image-sources.ts';
import { listen } from '../../../../src/adapters/http/listen.ts';
import { route } from '../../../../src/adapters/http/route.ts';
import { watchBusy } from '../../../support/busy-watch.ts';

const sources = createImageSources();
const points = z.array(z.strictObject({ x: z.number(), y: z.number() }));
const app = createHttpApp({ guard: createGuard({ anonymous: 'admin' }) });
const busy = watchBusy();
app.mount('/', [
  route({
    method: 'post',
    path: '/take',
    summary: 'Takes a picture, or points',
    access: 'write',
    body: z.strictObject({ image: imageInputSchema.optional(), points: points.optional() }),
    handle: async ({ body }) => {
      const bytes = body.image === undefined ? 0 : ((await sources.read(body.image)) as Uint8Array).byteLength;
      return { json: { bytes, points: body.points?.length ?? 0 } };
    },
  }),
  route({
    method: 'get',
    path: '/longest',
    summary: 'Longest hold-up since the last question, milliseconds of processor time',
    access: 'read',
    handle: () => Promise.resolve({ json: { milliseconds: busy.longestMs() } }),
  }),
]);
const { url } = await listen(app, { host: '127.0.0.1', port: 0 });
process.stdout.write(`${url}\n`);
