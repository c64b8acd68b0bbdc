/** The engine: references and a target in, masks out. Independent of where it runs; `runtime/` puts it into a worker. */
import { createByteCache } from '../common/byte-cache.ts';
import type { SlowCache } from '../common/patient-slow-cache.ts';
import { callContext, type CallContext } from './call-context.ts';
import type { Model } from '../checkpoint/model-folder.ts';
import { describeMask } from './describe-mask.ts';
import { ProsamError } from '../common/errors.ts';
import { createEncodedImages, type EncodedPart } from './image-features.ts';
import { createFeatureStore, type PreparedReference } from './references.ts';
import { growMark } from './grow.ts';
import { maskExtent } from '../mask/raster.ts';
import { maskedAverage } from './object-embedding.ts';
import type { RunMethod } from './methods/method.ts';
import { nearest } from './methods/nearest.ts';
import { persam } from './methods/persam.ts';
import { checkPredictOptions, checkReferences, checkResultPixels } from './options.ts';
import type { ImageSource } from './ports.ts';
import { createPromptEncoders, type LoadedPromptEncoder } from './prompt-encoders.ts';
import { refineMask } from './refine.ts';
import type { ChosenThreads } from '../runtime/node/choose-threads.ts';
import { preprocessOf, type Networks } from '../onnx/networks.ts';
import { selfCheck } from './self-check.ts';
import type { Engine, MaskPrediction, Method, PredictOptions, Reference, SelfCheck, TriedDevice } from './types.ts';

export interface EngineParts {
  model: Model;
  networks: Networks;
  /** What was found out about the devices, for `info`. */
  devices?: readonly TriedDevice[];
  /** For `info`. @default left to ONNX Runtime */
  threads?: ChosenThreads;
  source: ImageSource;
  /** Bytes of image features kept in memory. */
  cacheBytes: number;
  /** Where features go beyond memory. */
  slow?: SlowCache<EncodedPart>;
}

const DEFAULT_LABEL = 'object';
/** Results of the check that 'auto' makes are small; this bounds their number. */
const MAX_CHECKS = 1000;

export function createEngineCore({ model, networks, devices, threads, source, cacheBytes, slow }: EngineParts): Engine {
  const { manifest } = model;
  const encoder = manifest.prompt_encoder;
  const encoders = createPromptEncoders(model, networks, cacheBytes);
  /** The ways to predict with a trained prompt encoder, if there is one. */
  const methodsWith = (trained: LoadedPromptEncoder | undefined): Map<Method, RunMethod> => {
    return new Map<Method, RunMethod>([...(trained ? [['prosam', trained.run] as const] : []), ['persam', persam], ['nearest', nearest]]);
  };

  // Features of one precision are not those of another.
  const encoderId = networks.precision === 'fp32' ? model.encoderId : `${model.encoderId}-${networks.precision}`;
  const features = createFeatureStore({
    images: createEncodedImages({ networks, encoderId, maxBytes: cacheBytes, ...(slow && { slow }) }),
    source,
    preprocess: preprocessOf(model),
    labelReduction: encoder?.label_reduction ?? { kind: 'area', threshold: 0.5 },
    maxBytes: cacheBytes,
    grow: (image, annotation) => growMark(networks, features, image, annotation),
  });
  const checks = createByteCache<SelfCheck>({ maxBytes: MAX_CHECKS, sizeOf: () => 1 });
  const busy = new Set<Promise<unknown>>();
  let closed = false;

  /** Runs one call: refused once closed, waited for by close, given up on when its signal says so. */
  const call = async <T>(signal: AbortSignal | undefined, work: (context: CallContext) => Promise<T>): Promise<T> => {
    if (closed) throw new ProsamError('ENGINE_CLOSED', 'the engine is closed. Create a new one.');
    signal?.throwIfAborted();
    const running = work(callContext(signal, networks, features));
    busy.add(running);
    try {
      return await running;
    } finally {
      busy.delete(running);
    }
  };
  const prepare = async (
    references: readonly Reference[],
    options: PredictOptions,
    context: CallContext,
    trained = encoders.get(options.promptEncoder),
  ): Promise<PreparedReference[]> => {
    const prepared: PreparedReference[] = [];
    const reduction = trained?.plan.label_reduction;
    for (const reference of references) {
      prepared.push(await features.reference(reference, { ...options, ...(reduction && { trainedReduction: reduction }) }));
      context.checkpoint();
    }
    context.lap('reference');
    return prepared;
  };
  /** Shared by all who ask for the same references, so no caller's signal may end it. */
  const check = (
    methods: ReadonlyMap<Method, RunMethod>,
    references: readonly Reference[],
    prepared: readonly PreparedReference[],
    options: PredictOptions,
  ) => {
    const { labelReduction, distribution, grow, promptEncoder } = options;
    const asked = { labelReduction, distribution, grow, promptEncoder };
    const key = `${prepared.map((reference) => reference.key).join(' ')} ${JSON.stringify(asked)}`;
    const context = callContext(undefined, networks, features);
    return checks.get(key, () => selfCheck(context, features, methods, references, prepared, options));
  };
  const methodNamed = (methods: ReadonlyMap<Method, RunMethod>, name: Method): RunMethod => {
    const method = methods.get(name);
    if (method) return method;
    throw new ProsamError(
      'METHOD_UNAVAILABLE',
      `expected the method ${name}, but the model ${model.id} has no trained prompt encoder. Use ${[...methods.keys()].join(' or ')}.`,
    );
  };

  return {
    info: {
      model: model.id,
      licence: manifest.licence,
      device: networks.device,
      ...(devices && { devices }),
      precision: networks.precision,
      threads: threads ?? { count: 0, by: 'default' },
      methods: [...methodsWith(encoders.get(undefined)).keys()],
      promptsPerReference: encoder?.config.numPrompts ?? 0,
      input: { side: features.geometry.square, resize: preprocessOf(model).resize },
    },
    embed: (image, options = {}) =>
      call(options.signal, async (context) => {
        const { key, width, height } = await features.image(image);
        context.lap('embed');
        return { key, width, height, milliseconds: context.times() };
      }),
    predict: (target, references, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences(references);
        const trained = encoders.get(options.promptEncoder);
        const methods = methodsWith(trained);
        let cached = true;
        const image = await features.image(target, () => (cached = false));
        context.lap('embed');
        const masks: MaskPrediction[] = [];
        const groups = byLabel(references);
        checkResultPixels(image, groups.size);
        for (const [label, group] of groups) {
          const prepared = await prepare(group, options, context, trained);
          const { method = 'auto' } = options;
          const checked = method === 'auto' ? await check(methods, group, prepared, options) : undefined;
          const name = checked?.best ?? (method as Method);
          context.lap('check');
          const mask = describeMask(label, name, await methodNamed(methods, name)(context, image, prepared, options), options);
          masks.push(checked ? { ...mask, check: { basis: checked.basis, expectedIou: checked.expectedIou } } : mask);
          context.lap('resize');
        }
        return {
          width: image.width,
          height: image.height,
          masks,
          model: model.id,
          device: networks.device,
          ...(devices && { devices }),
          cached,
          milliseconds: context.times(),
        };
      }),
    refine: (image, prompts, options = {}) =>
      call(options.signal, async (context) => {
        const found = await features.image(image);
        context.lap('embed');
        const masks = await refineMask(networks, features, found, prompts);
        context.lap('decode');
        return { width: found.width, height: found.height, masks, milliseconds: context.times() };
      }),
    referenceMask: (reference, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences([reference]);
        const [{ mask, cells }] = (await prepare([reference], options, context)) as [PreparedReference];
        const on = cells.reduce((sum, cell) => sum + cell, 0);
        const copy = { ...mask, data: new Uint8Array(mask.data) };
        return { mask: copy, ...maskExtent(mask), cells: on, ofCells: cells.length };
      }),
    selfCheck: (references, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences(references);
        const labels = [...byLabel(references).keys()];
        if (labels.length > 1)
          throw new ProsamError(
            'OPTION_INVALID',
            `expected references of one label, got ${labels.join(', ')}. Check each label by itself.`,
          );
        const trained = encoders.get(options.promptEncoder);
        const methods = methodsWith(trained);
        return check(methods, references, await prepare(references, options, context, trained), options);
      }),
    describe: (reference, options = {}) =>
      call(options.signal, async (context) => {
        checkPredictOptions(options);
        checkReferences([reference]);
        return maskedAverage((await prepare([reference], options, context))[0] as PreparedReference);
      }),
    loadPromptEncoder: (id, file) => call(undefined, () => encoders.load(id, file)),
    unloadPromptEncoder: (id) =>
      call(undefined, () => {
        encoders.unload(id);
        return Promise.resolve();
      }),
    async close() {
      closed = true;
      await Promise.allSettled(busy);
      await features.close();
      await networks.close();
    },
  };
}

function byLabel(references: readonly Reference[]): Map<string, Reference[]> {
  const groups = new Map<string, Reference[]>();
  for (const reference of references) {
    const label = reference.label ?? DEFAULT_LABEL;
    groups.set(label, [...(groups.get(label) ?? []), reference]);
  }
  return groups;
}
