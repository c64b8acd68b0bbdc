/** The interfaces that adapters publish, held to the schemas that requests and responses are parsed with. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import { imageInputSchema, type ImageInputJson } from '../../../src/adapters/http/images/image-input.ts';
import type * as api from '../../../src/adapters/label-studio/api/responses.ts';
import type * as ml from '../../../src/adapters/label-studio/protocol/request-schemas.ts';
import type * as cvat from '../../../src/adapters/cvat/api/types.ts';

/** Without the lists of a schema that are parsed later, one by one. */
type Shape<T, Lists extends keyof T> = Omit<T, Lists>;
/** Known fields alone: what a loose object carries besides is unknown on both sides. */
type Known<T> = T extends readonly (infer E)[]
  ? Known<E>[]
  : T extends object
    ? { [K in keyof T as string extends K ? never : K]: Known<T[K]> }
    : T;

describe('published interfaces', () => {
  it('are those of Label Studio requests', () => {
    expectTypeOf<ml.MlRegion>().toEqualTypeOf<z.output<typeof ml.regionSchema>>();
    expectTypeOf<Shape<ml.MlAnnotation, 'result' | 'unread'>>().toEqualTypeOf<Shape<z.output<typeof ml.annotationShape>, 'result'>>();
    expectTypeOf<Shape<ml.MlPrediction, 'result'>>().toEqualTypeOf<Shape<z.output<typeof ml.predictionShape>, 'result'>>();
    type Lists = 'annotations' | 'drafts' | 'predictions';
    expectTypeOf<Shape<ml.MlTask, Lists>>().toEqualTypeOf<Shape<z.output<typeof ml.taskShape>, Lists>>();
    expectTypeOf<ml.MlSetup>().toEqualTypeOf<z.output<typeof ml.setupSchema>>();
  });

  it('are those of Label Studio responses', () => {
    expectTypeOf<api.TokenSettings>().toEqualTypeOf<z.output<typeof api.tokenSettingsSchema>>();
    expectTypeOf<api.ApiProject>().toEqualTypeOf<z.output<typeof api.projectSchema>>();
    expectTypeOf<api.ListedTask>().toEqualTypeOf<z.output<typeof api.listedTaskSchema>>();
    expectTypeOf<Known<api.ApiAnnotation>>().toEqualTypeOf<Known<z.output<typeof api.annotationSchema>>>();
    expectTypeOf<Known<api.ApiPrediction>>().toEqualTypeOf<Known<z.output<typeof api.predictionSchema>>>();
    expectTypeOf<api.ApiWebhook>().toEqualTypeOf<z.output<typeof api.webhookSchema>>();
    expectTypeOf<api.ApiBackend>().toEqualTypeOf<z.output<typeof api.backendSchema>>();
  });

  it('are those of CVAT responses', () => {
    expectTypeOf<Known<cvat.CvatShape>>().toEqualTypeOf<Known<z.output<typeof cvat.cvatShape>>>();
    expectTypeOf<Known<cvat.CvatTrack>>().toEqualTypeOf<Known<z.output<typeof cvat.cvatTrack>>>();
    expectTypeOf<Known<cvat.CvatAnnotations>>().toEqualTypeOf<Known<z.output<typeof cvat.cvatAnnotations>>>();
    expectTypeOf<cvat.CvatTask>().toEqualTypeOf<z.output<typeof cvat.cvatTask>>();
    expectTypeOf<cvat.CvatJob>().toEqualTypeOf<z.output<typeof cvat.cvatJob>>();
    expectTypeOf<cvat.CvatLabel>().toEqualTypeOf<z.output<typeof cvat.cvatLabel>>();
    expectTypeOf<cvat.CvatMeta>().toEqualTypeOf<z.output<typeof cvat.cvatMeta>>();
    expectTypeOf<cvat.CvatWebhook>().toEqualTypeOf<z.output<typeof cvat.cvatWebhook>>();
    expectTypeOf<cvat.CvatDelivery>().toEqualTypeOf<z.output<typeof cvat.cvatDelivery>>();
  });

  it('name an image by exactly one key', () => {
    const inputs: ImageInputJson[] = [{ url: 'http://a/b' }, { base64: 'aa' }, { path: 'a' }, { sha256: 'a'.repeat(64) }, { file: 'a' }];
    for (const input of inputs) expect(imageInputSchema.parse(input)).toEqual(input);
    expect(imageInputSchema.safeParse({ path: 'a', file: 'b' }).success).toBe(false);
  });
});
