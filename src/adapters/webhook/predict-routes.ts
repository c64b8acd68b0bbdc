/** Masks now: POST /predict, POST /refine and POST /track. */
import { noticeLine, type Notice } from '../../core/common/notice.ts';
import { ProsamError } from '../../core/common/errors.ts';
import type { Service, ServiceImage, ServicePredictRequest, ServicePrediction } from '../../service/types.ts';
import type { RefinePrompts } from '../../core/engine/types.ts';
import { readAs, type ImageSources, type ReadingJson } from '../http/images/image-input.ts';
import { route, type Caller, type Route } from '../http/route.ts';
import { predictResponse, refineResponse, trackResponse } from './responses.ts';
import { base64, writeMask, writePrediction, type OutputForm } from './mask-output.ts';
import { annotationFrom, type Files } from './request-annotations.ts';
import { predictSchema, refineSchema, type PredictBody } from './schemas.ts';
import { trackSchema } from './track-schema.ts';

/** An image of 64 MiB as base64, and annotations beside it. */
export const MAX_BODY_BYTES = 96 * 2 ** 20;
/** Reference images of one request are in memory together. */
const MAX_REFERENCE_BYTES = 256 * 2 ** 20;

export function predictRoutes({ service, images }: { service: Pick<Service, 'predictions'>; images: ImageSources }): Route[] {
  return [
    route({
      method: 'post',
      path: '/predict',
      summary: 'Masks of marked things in an image',
      access: 'write',
      body: predictSchema,
      multipart: true,
      maxBodyBytes: MAX_BODY_BYTES,
      response: predictResponse,
      async handle({ body, files, caller, signal }) {
        const found: Notice[] = [];
        const image = await images.read(readAs(body.image, body.options ?? {}), {
          ...{ files, signal },
          onNotice: (notice) => found.push({ ...notice, about: 'target' }),
        });
        const references = await readReferences(body, images, files, signal, (notice) => found.push(notice));
        const { project, externalId, labels, options, encoderVersion, remember } = body;
        const request: ServicePredictRequest = {
          project,
          image,
          ...(externalId !== undefined && { externalId }),
          ...(labels && { labels }),
          ...(references && { references }),
          ...(options && { options: withoutReading(options) }),
          ...(encoderVersion !== undefined && { encoderVersion }),
          ...(remember !== undefined && { remember }),
          ...clientOf(caller),
        };
        const { notices = [], ...prediction } = await service.predictions.predict(request, { signal });
        return { json: await writeResponse({ ...prediction, ...withNotices(found, notices) }, body, signal) };
      },
    }),
    route({
      method: 'post',
      path: '/refine',
      summary: "Masks from clicks and a box on one image, by SAM's own prompts",
      access: 'write',
      body: refineSchema,
      multipart: true,
      maxBodyBytes: MAX_BODY_BYTES,
      response: refineResponse,
      async handle({ body, files, caller, signal }) {
        const found: Notice[] = [];
        const image = await images.read(body.image, { files, signal, onNotice: (notice) => found.push(notice) });
        const prompts: RefinePrompts = {
          ...(body.units && { units: body.units }),
          ...(body.points && { points: body.points }),
          ...(body.negative && { negative: body.negative }),
          ...(body.box && { box: body.box }),
          ...(body.maskInput !== undefined && { maskInput: logitsFrom(body.maskInput) }),
        };
        const { width, height, masks, notices } = await service.predictions.refine(
          { project: body.project, image, prompts, ...clientOf(caller) },
          { signal },
        );
        const written = [];
        for (const { mask, area, boxXyxy, samIou, objectScore, lowResLogits } of masks) {
          const form = await writeMask(mask, body, signal);
          written.push({
            area,
            ...(boxXyxy && { boxXyxy }),
            samIou,
            ...(objectScore !== undefined && { objectScore }),
            ...form,
            ...(body.lowResLogits && { lowResLogits: base64(bytesOf(lowResLogits)) }),
          });
        }
        return { json: { width, height, ...withNotices(found, notices), masks: written } };
      },
    }),
    route({
      method: 'post',
      path: '/track',
      summary: 'An object that was marked in one frame, found in a later one',
      access: 'write',
      body: trackSchema,
      multipart: true,
      maxBodyBytes: MAX_BODY_BYTES,
      response: trackResponse,
      async handle({ body, files, caller, signal }) {
        const notices: Notice[] = [];
        const read = (input: typeof body.image, about: string): Promise<ServiceImage> =>
          images.read(input, { files, signal, onNotice: (notice) => notices.push({ ...notice, about }) });
        const readMarked = async ({ image, ...fields }: typeof body.first, about: string) => ({
          image: await read(image, about),
          ...annotationFrom(fields, files),
        });
        const { mask, width, height, found, trust, area, boxXyxy, state } = await service.predictions.track(
          {
            project: body.project,
            image: await read(body.image, 'target'),
            first: await readMarked(body.first, 'first'),
            ...(body.recent && { recent: await readMarked(body.recent, 'recent') }),
            ...(body.state && { state: body.state }),
            ...clientOf(caller),
          },
          { signal },
        );
        const about = { width, height, found, trust, ...(area !== undefined && { area }), ...(boxXyxy && { boxXyxy }), state };
        return { json: { ...about, ...withNotices(notices), ...(mask && (await writeMask(mask, body, signal))) } };
      },
    }),
  ];
}

/** Notices about images that were stored as they were read, and what the service says. */
export function withNotices(found: readonly Notice[], said: readonly string[] = []): { notices?: string[] } {
  const notices = [...found.map(noticeLine), ...said];
  return notices.length === 0 ? {} : { notices };
}

/** Options for the service: images that came with the request are read by now, and stored ones are what they are. */
export function withoutReading<T extends ReadingJson>(given: T): Omit<T, keyof ReadingJson> {
  const options = { ...given };
  delete options.valueRange;
  delete options.page;
  return options;
}

/** One after the other: their bytes add up. */
async function readReferences(
  { references, options = {} }: PredictBody,
  images: ImageSources,
  files: Files,
  signal: AbortSignal,
  onNotice: (notice: Notice) => void,
) {
  if (references === undefined) return undefined;
  const read: NonNullable<ServicePredictRequest['references']>[number][] = [];
  let bytes = 0;
  for (const { image: input, label, ...fields } of references) {
    const about = `reference ${read.length + 1}`;
    const image: ServiceImage = await images.read(readAs(input, options), {
      ...{ files, signal },
      onNotice: (notice) => onNotice({ ...notice, about }),
    });
    bytes += image instanceof Uint8Array ? image.byteLength : 0;
    if (bytes > MAX_REFERENCE_BYTES) {
      throw new ProsamError(
        'IMAGE_TOO_LARGE',
        `Expected reference images of at most ${MAX_REFERENCE_BYTES} bytes together, got more. Send fewer, or store them as annotations first.`,
      );
    }
    read.push({ image, ...(label !== undefined && { label }), ...annotationFrom(fields, files) });
  }
  return read;
}

/** The answer to one image, now or in a batch. */
export async function writeResponse({ masks, ...rest }: ServicePrediction, form: OutputForm, signal?: AbortSignal) {
  const written = [];
  for (const mask of masks) written.push(await writePrediction(mask, form, signal));
  return { ...rest, masks: written };
}

/** Callers without a name of their own share by project. */
export function clientOf({ name }: Caller): { client?: string } {
  return name === 'anonymous' ? {} : { client: name };
}

function logitsFrom(text: string): Float32Array {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.byteLength === 0 || bytes.byteLength % 4 !== 0) {
    throw new ProsamError(
      'REQUEST_INVALID',
      `maskInput: expected base64 of numbers of four bytes each, got ${bytes.byteLength} bytes. Send lowResLogits back as it came.`,
    );
  }
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
