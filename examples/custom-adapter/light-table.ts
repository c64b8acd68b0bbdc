/** An adapter for a tool of one's own: a light table on which people outline things in scanned films. */
import { polygonsFromMask, ProsamError, type MaskPrediction } from 'prosam';
import { route, type ImageSources, type Route, type Service } from 'prosam/server';
import { z } from 'zod';

/** Everything the light table does belongs to one project. */
const PROJECT = 'films';
const SOURCE = 'light-table';

const corner = z.tuple([z.number(), z.number()]);
const outline = z.strictObject({ name: z.string().min(1).max(200), corners: z.array(corner).min(3).max(10_000) });
const sheet = z.string().min(1).max(2000).describe('Address of the scan');

/** The table's questions. It knows neither masks nor references: it sends addresses and wants outlines. */
const askSchema = z.strictObject({ sheet, names: z.array(z.string().min(1).max(200)).min(1).max(20) });

/** Request it sends when a film is put aside. */
const doneSchema = z.strictObject({
  film: z.string().min(1).max(200),
  sheet,
  /** Counts up each time the film is opened again. */
  round: z.int().min(0),
  by: z.string().min(1).max(100),
  /** Origin of the outlines; 'thrown-away' has none. */
  how: z.enum(['by-hand', 'corrected', 'as-suggested', 'thrown-away']),
  outlines: z.array(outline).max(200),
});

/** Its words for what the service calls provenance: corrected outlines teach most, untouched ones little. */
const PROVENANCE = { 'by-hand': 'drawn', corrected: 'edited', 'as-suggested': 'accepted', 'thrown-away': 'rejected' } as const;

/** Mount these where the table expects them: app.mount('/light-table', lightTable(prosam)). */
export function lightTable({
  service,
  images,
}: {
  service: Pick<Service, 'predictions' | 'annotations' | 'projects'>;
  images: ImageSources;
}): Route[] {
  return [
    route({
      method: 'post',
      path: '/outlines',
      summary: 'Outlines of named things on a sheet',
      access: 'write',
      body: askSchema,
      async handle({ body, caller, signal }) {
        // The shared source fetches the address under the configured rules: no private networks, no endless files.
        const image = await images.read({ url: body.sheet }, { signal });
        const request = { project: PROJECT, image, labels: body.names, externalId: body.sheet.slice(-200), client: caller.name };
        const { masks, missing, version } = await service.predictions.predict(request, { signal });
        const outlines = [];
        for (const mask of masks) outlines.push(...(await outlinesOf(mask, signal)));
        return { json: { outlines, unknown: missing, version } };
      },
    }),
    route({
      method: 'post',
      path: '/done',
      summary: 'A film put aside: what people made of the outlines',
      access: 'write',
      body: doneSchema,
      async handle({ body, signal }) {
        if ((body.how === 'thrown-away') !== (body.outlines.length === 0)) {
          throw new ProsamError(
            'REQUEST_INVALID',
            `Expected outlines unless they were thrown away, got ${body.outlines.length} with ${body.how}.`,
          );
        }
        const image = await images.read({ url: body.sheet }, { signal });
        // The same film and round may come again: it is stored once. Only when this resolves is it safe on the disk.
        const { outcome } = await service.annotations.accept(
          {
            project: PROJECT,
            source: SOURCE,
            externalId: body.film,
            revision: body.round,
            image,
            provenance: PROVENANCE[body.how],
            masks: body.outlines.map(({ name, corners }) => ({ label: name, polygon: [corners] })),
            annotator: body.by,
          },
          { signal },
        );
        return { status: outcome === 'stored' ? 201 : 200, json: { outcome } };
      },
    }),
    route({
      method: 'get',
      path: '/next',
      summary: 'Sheets worth a look: those the model is least sure of',
      access: 'read',
      query: z.strictObject({ count: z.coerce.number().int().min(1).max(100).default(10) }),
      async handle({ query }) {
        const rows = await service.projects.nextImages(PROJECT, { limit: query.count });
        return { json: { sheets: rows.map(({ externalId, sha256, uncertainty }) => ({ sheet: externalId ?? sha256, uncertainty })) } };
      },
    }),
  ];
}

/** The table draws one ring an outline, without holes, and wants percent. */
async function outlinesOf({ label, mask, quality }: MaskPrediction, signal: AbortSignal) {
  const polygons = await polygonsFromMask(mask, { tolerance: 1, signal });
  return polygons.map(({ exterior }) => ({ name: label, corners: exterior, sure: Math.round(100 * quality.score) }));
}
