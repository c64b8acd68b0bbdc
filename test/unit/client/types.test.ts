/** The client's types, held to the schemas of the service: the same fields, and the defaults that their comments promise. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import type * as answers from '../../../src/adapters/webhook/responses.ts';
import { annotationSchema, jobSchema, predictSchema, refineSchema } from '../../../src/adapters/webhook/schemas.ts';
import { trackSchema } from '../../../src/adapters/webhook/track-schema.ts';
import type * as client from '../../../src/client/index.ts';
import { allFieldsOf, interfacesOf } from '../../support/interface-fields.ts';

/** Without what zod cannot say: `undefined` beside absent, and lists nobody changes. */
type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<Exclude<T[K], undefined>> } : T;

/** A request as it is written: bytes are files, lists of numbers have any length, and of a mask's two fields the service demands one. */
type Sent<T> = T extends Uint8Array | Blob | { bytes: unknown }
  ? { file: string; valueRange?: number[]; page?: number }
  : T extends readonly number[]
    ? number[]
    : T extends object
      ? { -readonly [K in keyof T]: K extends 'mask' ? { base64?: string; file?: string } : Sent<Exclude<T[K], undefined>> }
      : T;

const FOLDER = 'src/client/types';
const FILES = readdirSync(FOLDER).map((name) => join(FOLDER, name));

describe("the client's types", () => {
  it('are those of requests', () => {
    expectTypeOf<Sent<client.PredictRequest>>().toEqualTypeOf<Sent<z.input<typeof predictSchema>>>();
    expectTypeOf<Sent<client.JobRequest>>().toEqualTypeOf<Sent<z.input<typeof jobSchema>>>();
    expectTypeOf<Sent<client.RefineRequest>>().toEqualTypeOf<Sent<z.input<typeof refineSchema>>>();
    expectTypeOf<Sent<client.TrackRequest>>().toEqualTypeOf<Sent<z.input<typeof trackSchema>>>();
    expectTypeOf<Sent<client.AnnotationRequest>>().toEqualTypeOf<Sent<z.input<typeof annotationSchema>>>();
    expectTypeOf<Exclude<client.ClientAnnotation['mask'], undefined>>().toEqualTypeOf<client.ImageBytes | { base64: string }>();
  });

  it('are those of responses', () => {
    expectTypeOf<Plain<client.PredictResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.predictResponse>>>();
    expectTypeOf<Plain<client.MaskResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.maskResponse>>>();
    expectTypeOf<Plain<client.RefineResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.refineResponse>>>();
    expectTypeOf<Plain<client.TrackResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.trackResponse>>>();
    expectTypeOf<Plain<client.Job>>().toEqualTypeOf<Plain<z.output<typeof answers.jobResponse>>>();
    expectTypeOf<Plain<client.JobItem>>().toEqualTypeOf<Plain<z.output<typeof answers.jobItemResponse>>>();
    expectTypeOf<Plain<client.AcceptResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.acceptResponse>>>();
    expectTypeOf<Plain<client.AnnotationsResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.annotationsResponse>>>();
    expectTypeOf<Plain<client.ProjectResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.projectResponse>>>();
    expectTypeOf<Plain<client.ErasedResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.erasedResponse>>>();
    expectTypeOf<Plain<client.NextImagesResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.nextImagesResponse>>>();
    expectTypeOf<Plain<client.Run>>().toEqualTypeOf<Plain<z.output<typeof answers.runResponse>>>();
    expectTypeOf<Plain<client.Version>>().toEqualTypeOf<Plain<z.output<typeof answers.versionResponse>>>();
    expectTypeOf<Plain<client.Promoted>>().toEqualTypeOf<Plain<z.output<typeof answers.promotedResponse>>>();
    expectTypeOf<Plain<client.Delivery>>().toEqualTypeOf<Plain<z.output<typeof answers.deliveryResponse>>>();
    expectTypeOf<Plain<client.StatusResponse>>().toEqualTypeOf<Plain<z.output<typeof answers.statusResponse>>>();
  });

  it('have a sentence on every field', () => {
    const fields = FILES.flatMap(allFieldsOf);
    expect(fields.length).toBeGreaterThan(150);
    for (const { name, comment } of fields) expect(comment, name).toMatch(/^('|`)?[A-Za-z].{5}/);
  });

  it('promise the defaults of the schemas', () => {
    const image = { sha256: 'a'.repeat(64) };
    const parsed = {
      PredictRequest: predictSchema.parse({ project: 'p', image }),
      JobRequest: jobSchema.parse({ project: 'p', images: [image] }),
      RefineRequest: refineSchema.parse({ project: 'p', image, points: [[1, 1]] }),
      TrackRequest: trackSchema.parse({ project: 'p', image, first: { image, box: [1, 1, 9, 9] } }),
      AnnotationRef: annotationSchema.parse({ project: 'p', externalId: 'a', revision: 1, image, provenance: 'rejected' }),
      AnnotationRequest: annotationSchema.parse({ project: 'p', externalId: 'a', revision: 1, image, provenance: 'rejected' }),
    };
    const interfaces = interfacesOf(join(FOLDER, 'requests.ts'));
    const kept: string[] = [];
    for (const [name, request] of Object.entries(parsed)) {
      for (const { name: key, promised } of interfaces.get(name) ?? []) {
        if (!(key in request) || promised === undefined) continue;
        kept.push(`${name}.${key}`);
        expect((request as Record<string, unknown>)[key], `${name}.${key}`).toEqual(structuredClone(runInNewContext(`(${promised})`)));
      }
    }
    expect(kept).toEqual([
      'PredictRequest.format',
      'PredictRequest.tolerance',
      'PredictRequest.holes',
      'RefineRequest.lowResLogits',
      'AnnotationRef.source',
      'AnnotationRequest.masks',
    ]);
    const { callback } = jobSchema.parse({ project: 'p', images: [image], callback: { url: 'http://a/b' } });
    const events = allFieldsOf(join(FOLDER, 'requests.ts')).find(({ name }) => name === 'events');
    expect(events?.promised).toBe(`'${callback?.events}'`);
  });
});
