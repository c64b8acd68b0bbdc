/** One prediction: its references and version, its slot at the engine, and the record that is kept of it. */
import { createHash } from 'node:crypto';
import { checkName, checkProject, LIMITS } from '../core/common/limits.ts';
import { noticeLine } from '../core/common/notice.ts';
import { isOwnError, ProsamError } from '../core/common/errors.ts';
import type { Log } from './ports/log.ts';
import { annotationIn, parseAnnotation, type Annotation } from '../core/mask/annotation.ts';
import { cocoRleFromMask } from '../core/mask/rle.ts';
import type { ServiceMetrics } from './ports/metrics.ts';
import { sha256Hex } from '../core/common/sha256.ts';
import type { ServiceImage, ServicePredictRequest, ServicePrediction } from './types.ts';
import type { Engine, Method, PixelImage, Prediction, Reference } from '../core/engine/types.ts';
import type { VersionStore } from './ports/versions.ts';
import type { Admission } from './admission.ts';
import { answerVersion } from './answer-version.ts';
import type { ServiceImages } from './images.ts';
import { confidenceOf } from '../core/engine/confidence.ts';
import { DEFAULT_LABEL } from '../core/engine/defaults.ts';
import { asBytes, isPixelImage } from '../core/image/input.ts';
import { checkHasBytes } from './annotation-masks.ts';
import { createKeepSoon } from './keep-soon.ts';
import { fittedOptions } from './learning/fits.ts';
import { rankingOf } from './learning/ranking.ts';
import type { PredictionLog } from './prediction-log.ts';
import { readingOptions } from './ports/choose-references.ts';
import type { ReferenceSets } from './references.ts';
import { storedReferences, type Asked } from './stored-references.ts';
import type { SeenVersions } from './seen-version.ts';
import type { Serving } from './serving.ts';

export interface PredictParts {
  engine: Pick<Engine, 'predict' | 'info'>;
  versions: VersionStore;
  references: ReferenceSets;
  /** Method of requests that name none. @default the engine's */
  method?: Method;
  serving: Serving;
  seen: SeenVersions;
  admission: Admission;
  images: ServiceImages;
  predictions: PredictionLog;
  metrics: ServiceMetrics;
  log: Log;
  now: () => number;
}

/** Pixels of all reference images of one request: 50 of twenty megapixels, or 10 of a hundred. */
const MAX_REFERENCE_PIXELS = 1e9;

export function createPredict(parts: PredictParts) {
  const { engine, versions, method, serving, admission, images, metrics, log, now } = parts;
  const keepSoon = createKeepSoon(log);

  return async (request: ServicePredictRequest, options: { signal?: AbortSignal } = {}): Promise<ServicePrediction> => {
    checkRequest(request);
    const { project, priority = 'interactive', client = project } = request;
    const { signal } = options;
    const state = await versions.state(project);
    const [target, chosen] = await Promise.all([
      images.input(project, request.image, { signal }),
      referencesFor(parts, request, state.revision, { signal }),
    ]);

    const predictWith = (asked: Asked) => {
      if (asked.references.length === 0) throw nothingToLookFor(project, asked.missing);
      const compute = (encoderVersion: string, promptEncoder: string | undefined) =>
        admission.run({ client, priority, signal }, async (queue) => {
          const drawing = optionsFor(parts, request, asked, encoderVersion);
          const prediction = await engine.predict(target.input, asked.references, {
            ...(method && { method }),
            ...drawing,
            ...(asked.without.length > 0 && { others: asked.without.map(({ image }) => image) }),
            ...(promptEncoder !== undefined && { promptEncoder }),
            ...(signal && { signal }),
          });
          return { asked, prediction, queue, encoderVersion, drawing };
        });
      return request.encoderVersion === undefined
        ? serving.use(state, compute)
        : serving.useVersion(project, request.encoderVersion, compute);
    };
    const { asked, prediction, queue, encoderVersion, drawing } = await predictWith(chosen).catch(async (error: unknown) => {
      if (request.references !== undefined || !isImageTrouble(error)) throw error;
      // A file may have been lost since it was verified: once more without those.
      const { version } = images.unreadable;
      const left = await referencesFor(parts, request, state.revision, { signal, again: true });
      if (images.unreadable.version === version) throw error;
      return predictWith(left);
    });

    const notices = [...asked.notices, ...(prediction.notices ?? []).map(noticeLine)];
    if (prediction.notices) log.info({ project, image: target.sha256 }, `predict: ${prediction.notices.map(noticeLine).join(' ')}`);
    for (const [stage, milliseconds] of Object.entries(prediction.milliseconds)) metrics.stage(stage, milliseconds);
    metrics.stage('queue', queue);
    const heldBack = prediction.masks.filter(({ quality }) => quality.withheld).length;
    if (heldBack > 0) metrics.withheld?.(heldBack);
    metrics.cache('image features', prediction.cached ? 'hit' : 'miss');
    const asking = { encoderVersion, method: request.options?.method ?? method ?? 'auto', options: drawing };
    // What a gate saw holds for the project's own references.
    const labels = request.references === undefined ? asked.sets.map(({ label }) => label) : [];
    const response: ServicePrediction = {
      project,
      image: { sha256: target.sha256, width: prediction.width, height: prediction.height },
      masks: prediction.masks,
      missing: asked.missing,
      ...(asked.omitted.length > 0 && { omitted: asked.omitted }),
      version: answerVersion({
        ...{ model: engine.info.model, sets: asked.sets, without: asked.without.map(({ sha256 }) => sha256), ...asking },
        seen: await parts.seen({ ...asking, labels }),
      }),
      encoderVersion,
      baseModel: prediction.model,
      device: prediction.device,
      milliseconds: { ...prediction.milliseconds, queue },
    };
    if (request.remember ?? true) {
      const record = await recordOf(response, prediction, now());
      const problem = await keepSoon(project, async () => {
        await images.remember(project, request.image, response.image, request.externalId);
        parts.predictions.add(record);
      });
      if (problem !== undefined) notices.push(problem);
    }
    return { ...response, ...(notices.length > 0 && { notices }) };
  };
}

/** Whether it may be the file of a reference that is missing or damaged. */
function isImageTrouble(error: unknown): boolean {
  return isOwnError(error) && (error.code === 'FILE_NOT_FOUND' || error.code.startsWith('IMAGE_') || error.code === 'MASK_SIZE_MISMATCH');
}

function checkRequest({ project, labels, references, externalId, client, encoderVersion }: ServicePredictRequest): void {
  checkProject(project);
  if (encoderVersion !== undefined) checkName('encoderVersion', encoderVersion);
  if (externalId !== undefined) checkName('externalId', externalId, 'imageId');
  if (client !== undefined) checkName('client', client);
  labels?.forEach((label) => checkName('label', label, 'label'));
  references?.forEach(({ label = DEFAULT_LABEL }) => checkName('label', label, 'label'));
  const count = new Set(labels ?? references?.map(({ label }) => label)).size;
  if (count > LIMITS.labels)
    throw new ProsamError('REQUEST_INVALID', `expected at most ${LIMITS.labels} labels in one request, got ${count}. Ask in parts.`);
  if ((references?.length ?? 0) > LIMITS.references)
    throw new ProsamError(
      'REQUEST_INVALID',
      `expected at most ${LIMITS.references} references in one request, got ${references?.length}. Send the best ones.`,
    );
}

/** Options of the request, and what its stored references add to them: a request has the last word. */
function optionsFor(
  { engine, method }: Pick<PredictParts, 'engine' | 'method'>,
  { options }: ServicePredictRequest,
  { sizes, sets }: Asked,
  encoderVersion: string,
): ServicePredictRequest['options'] {
  const asks = options?.method ?? method ?? 'auto';
  return {
    ...readingOptions(asks, sizes),
    ...fittedOptions({ info: engine.info, encoderVersion, method: asks, options, sets }),
    ...options,
  };
}

function referencesFor(
  parts: PredictParts,
  request: ServicePredictRequest,
  revision: number,
  { signal, again = false }: { signal: AbortSignal | undefined; again?: boolean },
): Promise<Asked> {
  if (request.references !== undefined) return inlineReferences(parts, request, request.references, signal);
  const { project, labels } = request;
  return storedReferences(parts, { project, labels, revision, signal, again });
}

async function inlineReferences(
  { images }: PredictParts,
  { project, labels }: ServicePredictRequest,
  given: NonNullable<ServicePredictRequest['references']>,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  const references: Reference[] = [];
  const hashes: { label: string; hash: string }[] = [];
  let pixelsSeen = 0;
  for (const reference of given) {
    const { image, label = DEFAULT_LABEL } = reference;
    const annotation = annotationIn(reference);
    if (labels !== undefined && !labels.includes(label)) continue;
    checkHasBytes(parseAnnotation(annotation));
    const known = isPixelImage(image)
      ? { sha256: await sha256Hex(asBytes(image.data) as Uint8Array), input: image }
      : await images.input(project, image, { signal });
    pixelsSeen += await pixelsOf(images, project, image);
    if (pixelsSeen > MAX_REFERENCE_PIXELS) {
      throw new ProsamError(
        'REQUEST_TOO_LARGE',
        `expected reference images of at most ${MAX_REFERENCE_PIXELS} pixels together, got more. Send fewer, or smaller ones.`,
      );
    }
    references.push({ image: known.input, label, ...annotation });
    hashes.push({ label, hash: `${known.sha256} ${hashOfAnnotation(annotation)}` });
  }
  const present = new Set(references.map(({ label }) => label));
  const missing = (labels ?? []).filter((label) => !present.has(label));
  return { references, missing, omitted: [], notices: [], sets: hashes, sizes: [], without: [] };
}

/** Size of an image from the head of its file, or from the store. @throws IMAGE_* */
async function pixelsOf(images: ServiceImages, project: string, image: ServiceImage | PixelImage): Promise<number> {
  if (isPixelImage(image)) return image.width * image.height;
  const { width, height } = await images.size(project, image);
  return width * height;
}

function hashOfAnnotation(annotation: Annotation): string {
  const hash = createHash('sha256');
  const text = JSON.stringify(annotation, (_, value: unknown) => {
    const bytes = asBytes(value);
    if (bytes === undefined) return value;
    hash.update(bytes);
    return bytes.length;
  });
  return hash.update(text).digest('hex');
}

async function recordOf({ project, image, version }: ServicePrediction, { masks }: Prediction, createdMs: number) {
  const kept = [];
  for (const { label, mask, area, quality, method } of masks) {
    const uncertainty = 1 - confidenceOf({ area, quality });
    kept.push({ label, rle: await cocoRleFromMask(mask), area, score: quality.score, uncertainty, method });
  }
  return { project, sha256: image.sha256, version, createdMs, masks: kept, ranking: rankingOf(masks) };
}

function nothingToLookFor(project: string, missing: readonly string[]): ProsamError {
  const what = missing.length === 0 ? 'the project has none' : `there are none of ${missing.join(', ')}`;
  return new ProsamError(
    'REFERENCE_MISSING',
    `${project}: expected at least one reference (an image with the object marked), but ${what}. Accept an annotation first, or send references with the request.`,
  );
}
