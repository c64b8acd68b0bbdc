/** The engine: references and a target in, masks out. Independent of where it runs; `runtime/` puts it into a worker. */
import { createByteCache } from '../common/byte-cache.ts';
import type { SlowCache } from '../common/patient-slow-cache.ts';
import { disposable } from '../common/disposable.ts';
import { ProsamError } from '../common/errors.ts';
import { checkReading, joinedReading, type ImageReading } from '../image/values/reading.ts';
import { notesOf } from '../common/notice.ts';
import { createNotes } from './notes.ts';
import type { Model } from '../checkpoint/model-folder.ts';
import { geometryOf } from '../image/geometry.ts';
import { maskExtent } from '../mask/raster.ts';
import { preprocessOf, type Networks } from '../onnx/networks.ts';
import { decidedByTarget, drawBoth, drawChecked, drawJudged, type DrawnMask } from './auto.ts';
import { DEFAULT_THRESHOLD } from './defaults.ts';
import { callContext, type CallContext } from './call-context.ts';
import { byLabel, createConcept, onlyLabel } from './concept.ts';
import { engineInfo } from './engine-info.ts';
import { createEncodedImages, type EncodedPart, type ImageMaps } from './image-features.ts';
import { methodNamed, methodsOf, withoutBaselines, type Methods } from './methods/available.ts';
import type { ExternalTransport } from './methods/external/port.ts';
import { createExternalMethod, drawnOutside } from './methods/external/predict.ts';
import { decodeAtImageSize } from './methods/sam-prompts.ts';
import { maskedAverage } from './object-embedding.ts';
import { checkPredictOptions, checkReferences, checkResultPixels, readingOf } from './options.ts';
import type { ImageSource } from './ports.ts';
import { predictMany } from './predict-many.ts';
import { createPromptEncoders, type LoadedPromptEncoder, type ToMeasure } from './prompt-encoders.ts';
import { onePerImage, type ShownReference } from './one-per-image.ts';
import { createReferenceStore, type PreparedReference } from './references.ts';
import { refineMask } from './refine.ts';
import { scoredMask } from './scoring.ts';
import { instanceFinder } from './instances/instances.ts';
import { createLearning } from './learned/learning.ts';
import { selfCheck } from './self-check.ts';
import { rivalImages } from './rival-images.ts';
import { createSightings } from './tracking/sightings.ts';
import { trackObject } from './tracking/track.ts';
import type { Asked } from './trust/judge.ts';
import { createRivals } from './trust/rivals.ts';
import type { Engine, EngineInfo, ImageInput, MaskPrediction, PredictOptions, Reference, SelfCheck, TriedDevice } from './types.ts';

export interface EngineParts {
  model: Model;
  networks: Networks;
  /** Findings about the devices, for `info`. */
  devices?: readonly TriedDevice[];
  /** For `info`. @default left to ONNX Runtime */
  threads?: EngineInfo['threads'];
  source: ImageSource;
  /** Bytes of image features kept in memory. */
  cacheBytes: number;
  /** Transport to a system outside, for the method 'external'; closed with the engine. */
  external?: ExternalTransport | undefined;
  /** Cache of features beyond memory. */
  slow?: SlowCache<EncodedPart>;
}

/** One label in one target. */
type AskedLabel = Asked & { references: readonly ShownReference[] };

/** Results of the check that 'auto' makes are small; this bounds their number. */
const MAX_CHECKS = 1000;

export function createEngineCore({
  model,
  networks,
  devices,
  threads,
  source,
  cacheBytes,
  external: transport,
  slow,
}: EngineParts): Engine {
  const { manifest } = model;
  const encoders = createPromptEncoders(model, networks, cacheBytes);
  const untrained = methodsOf();
  /** Ways to predict with a trained prompt encoder, if there is one. */
  const methodsWith = (trained: LoadedPromptEncoder | undefined): Methods => trained?.methods ?? untrained;

  const preprocess = preprocessOf(model);
  const geometry = geometryOf(preprocess);
  // Features of one precision are not those of another.
  const encoderId = networks.precision === 'fp32' ? model.encoderId : `${model.encoderId}-${networks.precision}`;
  const images = createEncodedImages({ networks, encoderId, maxBytes: cacheBytes, ...(slow && { slow }) });
  /** onComputed: called on a cache miss. */
  const features = async (input: ImageInput, reading: ImageReading, onComputed?: () => void) =>
    images.features(await source.load(input, readingOf(reading)), onComputed);
  const store = createReferenceStore({
    ...{ images, source, geometry },
    maxBytes: cacheBytes,
    decode: (image, prompts) => decodeAtImageSize(networks, geometry, image, prompts),
  });
  const sightings = createSightings(store, cacheBytes);
  const rivals = createRivals(cacheBytes);
  const learning = createLearning(encoderId, { tuner: encoders.tuner, altered: store.altered });
  // Presence was fitted to features of this trunk; of others nobody knows where to draw the line.
  const usualThreshold = manifest.sam.config.encoder.kind === 'efficientnet-lite2' ? DEFAULT_THRESHOLD : 0;
  const instancesOf = instanceFinder({ networks, geometry }, manifest);
  const external = transport && createExternalMethod({ transport, store, source, maxBytes: cacheBytes });
  const checks = createByteCache<SelfCheck>({ maxBytes: MAX_CHECKS, sizeOf: () => 1 });
  const busy = new Set<Promise<unknown>>();
  let closed = false;

  /** Runs one call: refused once closed, waited for by close, given up on when its signal says so. */
  const call = async <T>(signal: AbortSignal | undefined, work: (context: CallContext) => Promise<T>): Promise<T> => {
    if (closed) throw new ProsamError('ENGINE_CLOSED', 'the engine is closed. Create a new one.');
    signal?.throwIfAborted();
    const running = work(callContext(signal, { networks, geometry }));
    busy.add(running);
    try {
      return await running;
    } finally {
      busy.delete(running);
    }
  };
  const prepared = async (
    references: readonly Reference[],
    options: PredictOptions,
    context: CallContext,
    trained = encoders.get(options.promptEncoder),
    onReady?: (reference: Reference, ready: PreparedReference) => void,
  ): Promise<ShownReference[]> => {
    const found: ShownReference[] = [];
    const reduction = trained?.plan.label_reduction;
    for (const reference of references) {
      const ready = await store.reference(reference, { ...options, ...(reduction && { trainedReduction: reduction }) });
      found.push({ ...ready, image: reference.image, reading: joinedReading(reference, options), shows: reference.shows ?? [] });
      onReady?.(reference, ready);
      context.checkpoint();
    }
    context.lap('reference');
    return onePerImage(found);
  };
  /** Shared by all who ask for the same references, so no caller's signal may end it. */
  const check = ({ methods, options }: ToMeasure, ready: readonly ShownReference[]) => {
    const { labelReduction, distribution, dense, grow, promptEncoder, promptReferences } = options;
    const asked = { labelReduction, distribution, dense, grow, promptEncoder, promptReferences, methods: [...methods.keys()] };
    const key = `${ready.map((reference) => reference.key).join(' ')} ${JSON.stringify(asked)}`;
    const context = callContext(undefined, { networks, geometry });
    return checks.get(key, () => selfCheck(context, { references: store, features }, methods, ready, options));
  };
  const automatic = async (context: CallContext, methods: Methods, asked: AskedLabel, options: PredictOptions): Promise<DrawnMask> => {
    const both = decidedByTarget(methods, networks.matching.nearest);
    // A copy of a single reference says little about other images: it is not asked where the evidence can decide.
    const needed = both === undefined || asked.references.length > 1;
    const measured = encoders.toMeasure({ methods: both ?? withoutBaselines(methods), options });
    const found = needed ? await check(measured, asked.references) : undefined;
    context.lap('check');
    if (both !== undefined) return drawBoth(context, both, found, asked, options);
    return drawChecked(context, methods, found as SelfCheck, asked, options);
  };
  const engine: Omit<Engine, typeof Symbol.asyncDispose> = {
    info: engineInfo({ model, networks, preprocess, side: geometry.square, devices, threads }, [
      ...methodsWith(encoders.get(undefined)).keys(),
      ...(external ? (['external'] as const) : []),
    ]),
    prepare: (image, options = {}) =>
      call(options.signal, async (context) => {
        const { key, width, height, notices } = await features(image, options);
        context.lap('embed');
        return { key, width, height, ...(notices && { notices: [...notices] }), milliseconds: context.times() };
      }),
    predict: (target, references, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences(references);
        if (options.method === 'external') {
          const masks = await drawnOutside(external, context, target, byLabel(references), options, (mask, result) =>
            instancesOf(context, mask, result, options, () => features(target, options)),
          );
          return { ...masks, model: model.id, device: networks.device, cached: false, milliseconds: context.times() };
        }
        const trained = encoders.get(options.promptEncoder);
        const methods = methodsWith(trained);
        const learned = learning.drawers(methods, options);
        let cached = true;
        const image = await features(target, options, () => (cached = false));
        context.lap('embed');
        const notes = createNotes();
        notes.add('target', image);
        const masks: MaskPrediction[] = [];
        const groups = new Map<string, ShownReference[]>();
        const byName = byLabel(references);
        checkResultPixels(image, byName.size);
        const note = (reference: Reference, { features: seen, notices }: PreparedReference): void =>
          notes.add(`reference ${references.indexOf(reference) + 1}`, seen, notices);
        for (const [label, group] of byName) groups.set(label, await prepared(group, options, context, trained, note));
        const others: ImageMaps[] = [];
        for (const input of options.others ?? []) {
          const other = await images.maps(await source.load(input, readingOf(options)));
          notes.add(`other ${others.push(other)}`, other);
        }
        context.lap('reference');
        for (const [label, ready] of groups) {
          const { method = 'auto' } = options;
          const asked = {
            ...{ target: image, references: ready },
            rivals: await rivals.find(context, ready, rivalImages(label, groups, others, image)),
          };
          const drawn = await (learned.get(label)?.(context, asked) ??
            (method === 'auto'
              ? automatic(context, methods, asked, options)
              : drawJudged(context, { method, run: methodNamed(methods, method, model.id) }, asked, options)));
          const found = scoredMask(label, drawn, { ...options, threshold: options.threshold ?? usualThreshold });
          context.lap('resize');
          masks.push(found);
          if (options.instances !== true) continue;
          found.instances = await instancesOf(context, found.mask, drawn.result, options, () => Promise.resolve(image));
          context.lap('instances');
        }
        return {
          width: image.width,
          height: image.height,
          masks,
          model: model.id,
          device: networks.device,
          cached,
          ...notes.result(),
          milliseconds: context.times(),
        };
      }),
    predictMany: (targets, references, options = {}) =>
      predictMany((target, each) => engine.predict(target, references, each), targets, options),
    concept: (references, options = {}) => createConcept(engine, references, options),
    refine: (image, prompts, options = {}) =>
      call(options.signal, async (context) => {
        const found = await features(image, options);
        context.lap('embed');
        const { masks, notices } = await refineMask(networks, geometry, found, prompts);
        context.lap('decode');
        const { width, height } = found;
        return { width, height, masks, ...notesOf(found.notices, notices), milliseconds: context.times() };
      }),
    track: (target, first, { signal, ...options } = {}) =>
      call(signal, async (context) => {
        checkReading(options);
        const loaded = await source.load(target, readingOf(options));
        const step = await trackObject(context, { sightings, images }, loaded, first, { ...options, signal });
        return { ...step, milliseconds: context.times() };
      }),
    referenceMask: (reference, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences([reference]);
        const [{ mask, cells, features: seen, notices }] = (await prepared([reference], options, context)) as [ShownReference];
        const on = cells.reduce((sum, cell) => sum + cell, 0);
        const copy = { ...mask, data: new Uint8Array(mask.data) };
        return { mask: copy, ...maskExtent(mask), cells: on, ofCells: cells.length, ...notesOf(seen.notices, notices) };
      }),
    selfCheck: (references, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences(references);
        onlyLabel(references, 'Check');
        const methods = withoutBaselines(methodsWith(encoders.get(options.promptEncoder)));
        return check({ methods, options }, await prepared(references, options, context));
      }),
    fit: (references, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences(references);
        const label = onlyLabel(references, 'Fit');
        const trained = encoders.get(options.promptEncoder);
        const ready = await prepared(references, options, context, trained);
        const { methods } = encoders.toMeasure({ methods: methodsWith(trained), options });
        return learning.fit(context, { label, references: ready, methods }, options);
      }),
    embedObject: (reference, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences([reference]);
        return maskedAverage((await prepared([reference], options, context))[0] as ShownReference);
      }),
    loadPromptEncoder: (id, file) => call(undefined, () => encoders.load(id, file)),
    unloadPromptEncoder: (id) =>
      call(undefined, () => {
        encoders.unload(id);
        return Promise.resolve();
      }),
    async forget(hashes) {
      // Made of several images each: it is cheaper to make them again than to look for those.
      store.clear();
      rivals.clear();
      encoders.clear();
      checks.clear();
      external?.clear();
      await images.forget(hashes);
    },
    async close() {
      closed = true;
      await Promise.allSettled(busy);
      store.clear();
      sightings.clear();
      await external?.close();
      await images.close();
      await networks.close();
    },
  };
  return disposable(engine);
}
