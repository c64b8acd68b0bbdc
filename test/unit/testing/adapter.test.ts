/** The adapter for everybody and the one of the examples pass the published suite of adapters. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { lightTable } from '../../../examples/custom-adapter/light-table.ts';
import { webhook } from '../../../src/adapters/webhook/webhook.ts';
import { cocoRleFromMaskSync } from '../../../src/core/mask/rle.ts';
import { testAdapter } from '../../../src/testing/adapter.ts';

const tests = { afterAll, beforeAll, describe, it };

describe('webhook', () => {
  const project = 'kitchen/cups';
  testAdapter(tests, {
    project,
    routes({ service, images, storage: { store, queue } }) {
      return webhook({ service, images, queue, batches: store.batches, deliveries: store.deliveries }).routes;
    },
    predict: ({ base64, label }) => ({ path: '/predict', body: { project, image: { base64 }, labels: [label] } }),
    masksIn: (response) => (response as { masks: unknown[] }).masks.length,
    accept: ({ externalId, revision, url, label, mask }) => ({
      path: '/annotations',
      body: {
        ...{ project, source: 'tool', externalId, revision, image: { url }, provenance: 'drawn' },
        masks: [{ label, rle: cocoRleFromMaskSync(mask) }],
      },
    }),
    remove: ({ externalId }) => ({
      ...{ method: 'DELETE', path: `/projects/${encodeURIComponent(project)}/annotations/tool/${externalId}` },
    }),
    refused: ({ base64 }) => [
      { path: '/predict', body: { project, image: { base64: 'bm90IGFuIGltYWdl' } } },
      { path: '/predict', body: { project: '../x', image: { base64 } } },
      { path: '/predict', body: { project, image: { url: 'http://127.0.0.1:1/' } } },
      { path: '/predict', body: { project, image: { path: '/etc/passwd' } } },
      { path: '/annotations', body: { project, externalId: 'x', revision: -1, image: { base64 }, provenance: 'rejected' } },
    ],
  });
});

describe('the light table of the examples', () => {
  testAdapter(tests, {
    routes: lightTable,
    project: 'films',
    predict: ({ url, label }) => ({ path: '/outlines', body: { sheet: url, names: [label] } }),
    masksIn: (response) => (response as { outlines: unknown[] }).outlines.length,
    accept: ({ externalId, revision, url, label, outline }) => ({
      path: '/done',
      body: {
        ...{ film: externalId, sheet: url, round: revision, by: 'Mira', how: 'by-hand' },
        outlines: [{ name: label, corners: outline }],
      },
    }),
    refused: ({ url }) => [
      { path: '/outlines', body: { sheet: 'http://127.0.0.1:1/', names: ['cup'] } },
      { path: '/done', body: { film: 'seven', sheet: url, round: 1, by: 'Mira', how: 'by-hand', outlines: [] } },
    ],
  });
});
