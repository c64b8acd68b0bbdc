/** Tests of an adapter: a tool's own words in front of the service. */
import type { Route } from '../adapters/http/route.ts';
import { ringsFromMask } from '../core/mask/polygon.ts';
import type { BinaryMask } from '../core/mask/label-reduction.ts';
import type { Point } from '../core/mask/raster.ts';
import { openAdapterPlace, type AdapterParts, type AdapterPlace, type AdapterRequest } from './adapter-place.ts';
import { alike, equal, ok } from './checks.ts';
import { areaOf, testImage } from './test-images.ts';
import type { TestRunner } from './test-runner.ts';

/** An image with an object, in the forms tools send. */
export interface AdapterSample {
  label: string;
  /** Address that the service may fetch. */
  url: string;
  base64: string;
  width: number;
  height: number;
  mask: BinaryMask;
  /** Outline of the largest part of the mask, in pixels. */
  outline: Point[];
}

export interface AdapterAnnotation extends AdapterSample {
  /** The tool's own name of the annotation. */
  externalId: string;
  /** Newer ones replace older ones. */
  revision: number;
}

export interface AdapterTestOptions {
  routes: (parts: AdapterParts) => readonly Route[];
  /** Project the requests below belong to. */
  project: string;
  /** Asks for the sample's label in the sample's image. */
  predict: (sample: AdapterSample) => AdapterRequest;
  /** Number of masks in the JSON that answers it. */
  masksIn: (response: unknown) => number;
  /** Hands in what a person drew. */
  accept: (annotation: AdapterAnnotation) => AdapterRequest;
  /** Takes it back for good; adapters of tools that never delete have none. */
  remove?: (annotation: AdapterAnnotation) => AdapterRequest;
  /** Requests that make no sense, beyond an empty object. */
  refused?: (sample: AdapterSample) => readonly AdapterRequest[];
}

const LABEL = 'cup';
const TIMEOUT_MS = 120_000;
/** More than any request may have. */
const TOO_LARGE = 2 ** 33;

/**
 * The suite of an adapter, on a real service with the built-in model: credentials, bounds, errors, and the life of an annotation.
 * @example
 * testAdapter({ afterAll, beforeAll, describe, it }, {
 *   routes: lightTable,
 *   project: 'films',
 *   predict: ({ url, label }) => ({ path: '/outlines', body: { sheet: url, names: [label] } }),
 *   masksIn: (answer) => (answer as { outlines: unknown[] }).outlines.length,
 *   accept: ({ externalId, ... }) => ({ path: '/done', body: { film: externalId, ... } }),
 * });
 */
export function testAdapter(tests: TestRunner, options: AdapterTestOptions): void {
  const { describe, beforeAll, afterAll } = tests;
  const it = (name: string, run: () => Promise<void>): void => tests.it(name, run, TIMEOUT_MS);
  const { project, predict, accept, remove, masksIn, refused } = options;

  describe('the adapter', () => {
    let place: AdapterPlace;
    const samples: AdapterSample[] = [];
    const [first, second] = [() => samples[0] as AdapterSample, () => samples[1] as AdapterSample];
    beforeAll(async () => {
      place = await openAdapterPlace(options.routes);
      samples.push(await sampleOf(place, 1), await sampleOf(place, 200));
    });
    afterAll(() => place.close());
    const annotations = () => place.service.annotations.list(project, { limit: 100 });
    const annotationOf = (revision: number, sample = first()): AdapterAnnotation => ({ ...sample, externalId: 'seven', revision });

    it('describes its routes: one line each, no two alike, and what changes something asks for more than reading', () => {
      const names = place.routes.map(({ method, path }) => `${method} ${path}`);
      ok(names.length > 0, 'expected routes, got none');
      equal(new Set(names).size, names.length);
      for (const { path, summary } of place.routes) ok(path.startsWith('/') && summary.trim() !== '', `expected a summary of ${path}`);
      for (const { method, path } of [predict(first()), accept(annotationOf(1))]) {
        const found = place.routes.some((route) => matches(route, method ?? 'POST', path) && ['write', 'admin'].includes(route.access));
        ok(found, `expected a route for ${path} with access write or admin`);
      }
      return Promise.resolve();
    });

    it('lets nobody in without credentials, nor beyond what they may do', async () => {
      for (const { method, path, access } of place.routes) {
        if (access === 'open') continue;
        const request = { method: method.toUpperCase() as 'POST', path: path.replace(/:\w+/g, 'x') };
        for (const who of [false, 'stranger'] as const) {
          const { status, json } = await place.ask(request, who);
          equal([path, status], [path, 401]);
          alike(json, { error: { code: 'UNAUTHORIZED' } });
        }
        if (access === 'read') continue;
        const { status, json } = await place.ask(request, 'read');
        equal([path, status], [path, 403]);
        alike(json, { error: { code: 'FORBIDDEN' } });
      }
      equal(await annotations(), []);
    });

    it('refuses in words what makes no sense, and stores nothing of it', async () => {
      const posts = [predict(first()), accept(annotationOf(1))];
      const nonsense: AdapterRequest[] = [
        ...posts.flatMap((request) => ['', '{', '[]', '{}', 'null', '"x"', '['.repeat(5000)].map((body) => ({ ...request, body }))),
        ...(refused?.(first()) ?? []),
      ];
      for (const request of nonsense) {
        const { status, json, text } = await place.ask(request);
        ok(status >= 400 && status < 500, `expected a refusal of ${JSON.stringify(request).slice(0, 200)}, got ${status}: ${text}`);
        alike(json, { error: { code: isText, message: isText } });
        ok(!/\n\s+at |\.ts:\d|\.js:\d/.test(text), `expected no stack, got ${text}`);
      }
      equal((await place.ask({ path: '/there-is-no-such-route' })).status, 404);
      equal(await annotations(), []);
    });

    it('refuses by its head what is too large', async () => {
      for (const request of [predict(first()), accept(annotationOf(1))]) equal(await place.announce(request, TOO_LARGE), 413);
    });

    it('predicts nothing it was never shown, and says so', async () => {
      const { status, json, text } = await place.ask(predict(first()));
      if (status === 200) equal(masksIn(json), 0);
      else ok(status >= 400 && status < 500, text);
    });

    it('stores what was accepted once, and finds it elsewhere', async () => {
      const before = Date.now();
      for (let i = 0; i < 2; i++) ok((await place.ask(accept(annotationOf(1)), 'write')).status < 300);
      const [stored, another] = await annotations();
      equal(another, undefined);
      alike(stored, { project, revision: 1, labels: [{ label: LABEL }] });
      const [area, drawn] = [stored?.labels[0]?.area ?? 0, areaOf(first().mask)];
      ok(Math.abs(area - drawn) < 0.15 * drawn, `expected a mask of about ${drawn} pixels, got ${area}`);
      ok((stored?.createdMs ?? 0) >= before - 1000 && (stored?.createdMs ?? 0) <= Date.now() + 1000);
      const { status, json, text } = await place.ask(predict(second()), 'write');
      ok(status === 200, `expected masks, got ${status}: ${text}`);
      ok(masksIn(json) > 0, `expected masks, got ${text.slice(0, 200)}`);
    });

    it('replaces an annotation by its newer revision, and never by an older one', async () => {
      ok((await place.ask(accept(annotationOf(3, second())))).status < 300);
      ok((await place.ask(accept(annotationOf(2)))).status < 300);
      const found = await annotations();
      equal(
        found.map(({ revision }) => revision),
        [3],
      );
    });

    it('goes on when somebody hangs up', async () => {
      const controller = new AbortController();
      const asked = place.ask(predict(first()), 'admin', controller.signal).catch((error: unknown) => error);
      controller.abort();
      ok((await asked) instanceof Error);
      equal((await place.ask(predict(first()))).status, 200);
    });

    if (remove)
      it('removes an annotation for good', async () => {
        ok((await place.ask(remove(annotationOf(3)))).status < 300);
        equal(await annotations(), []);
        ok((await place.ask(accept(annotationOf(3, second())))).status < 300);
        equal(await annotations(), []);
      });
  });
}

async function sampleOf(place: AdapterPlace, seed: number): Promise<AdapterSample> {
  const example = testImage(seed);
  const { width, height } = example.image;
  const { url, png } = await place.show(example);
  const [outline = []] = ringsFromMask(example.mask).sort((one, other) => other.length - one.length);
  return { label: LABEL, url, base64: Buffer.from(png).toString('base64'), width, height, mask: example.mask, outline };
}

function matches(route: Route, method: string, path: string): boolean {
  const pattern = new RegExp(`^${route.path.replace(/:\w+/g, '[^/]+')}$`);
  return route.method === method.toLowerCase() && pattern.test(path.split('?')[0] ?? '');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 3;
}
