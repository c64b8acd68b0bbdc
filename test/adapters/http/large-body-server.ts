/** A program of its own that takes one kind of request and tells, for each, how long it held the event loop up at most. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { z } from 'zod';
import { createGuard } from '../../../src/adapters/http/guard.ts';
import { createHttpApp } from '../../../src/adapters/http/http-app.ts';
import { imageInputSchema } from '../../../src/adapters/http/image-input.ts';
import { createImageSources } from '../../../src/adapters/http/image-sources.ts';
import { listen } from '../../../src/adapters/http/listen.ts';
import { route } from '../../../src/adapters/http/route.ts';

const sources = createImageSources();
const points = z.array(z.strictObject({ x: z.number(), y: z.number() }));
const app = createHttpApp({ guard: createGuard({ anonymous: 'admin' }) });
const loop = monitorEventLoopDelay({ resolution: 1 });
loop.enable();
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
    summary: 'Longest hold-up since the last question, milliseconds',
    access: 'read',
    handle: () => {
      const milliseconds = loop.max / 1e6;
      loop.reset();
      return Promise.resolve({ json: { milliseconds } });
    },
  }),
]);
const { url } = await listen(app, { host: '127.0.0.1', port: 0 });
process.stdout.write(`${url}\n`);
