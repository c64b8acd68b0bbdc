/** Ways to answer from accepted masks, each as the engine goes it. */
import { decidedByTarget, drawBoth, type DrawnMask } from '../../src/core/engine/auto.ts';
import { drawLearned } from '../../src/core/engine/learned/draw.ts';
import { fitted, MAX_EXAMPLES } from '../../src/core/engine/learned/fit.ts';
import { plainMaps } from '../../src/core/engine/learned/learning.ts';
import type { Methods } from '../../src/core/engine/methods/available.ts';
import type { MethodContext, RunMethod } from '../../src/core/engine/methods/method.ts';
import type { ShownReference } from '../../src/core/engine/one-per-image.ts';
import { selfCheck } from '../../src/core/engine/self-check.ts';
import type { ImageFeatures } from '../../src/core/engine/image-features.ts';
import type { Method, PredictOptions, SelfCheck } from '../../src/core/engine/types.ts';
import type { Start } from './clicks.ts';
import type { Frozen } from './frozen.ts';
import type { ProjectImage } from './projects.ts';

export const WAYS = [
  'nothing',
  'one reference',
  'version 0.1.0',
  'five latest',
  'persam-f',
  'at once',
  'fitted',
  'trained',
  'trained and fitted',
  'learned',
] as const;
export type Way = (typeof WAYS)[number];

export const ABOUT: Readonly<Record<Way, string>> = {
  nothing: 'no prediction: a person begins with an empty image',
  'one reference': 'the first accepted mask alone, auto',
  'version 0.1.0':
    'the five latest masks, and of the three methods that 0.1.0 had the one that finds them best from each other, as its auto did',
  'five latest': 'the five latest masks, auto',
  'persam-f': 'the five latest masks, PerSAM-F',
  'at once': 'the twelve latest masks, of which the prompt encoder reads the five most like the target, auto',
  fitted: 'the twelve latest masks likewise, with what engine.fit fitted to them',
  trained: 'the five latest masks, auto, with the prompt encoder that the learner trained on all of them, whatever its gate would say',
  'trained and fitted': 'the twelve latest masks with that prompt encoder, and what engine.fit fitted to them beside it',
  learned: 'the five latest masks, auto, with the prompt encoder that the learner promoted, or the one before where it promoted none',
};

/** Methods among which `auto` of version 0.1.0 chose. */
const FIRST_METHODS: readonly Method[] = ['prosam', 'nearest', 'persam'];

/** Masks that the latest way looks at, and those that the prompt encoder reads. */
const [BANK, READ] = [MAX_EXAMPLES, 5];

type Answer = (target: ProjectImage) => Promise<Start>;

interface Prepared {
  answer: Answer;
  /** Facts about the way, for the record. */
  facts: Record<string, unknown>;
}

/** accepted: in the order in which they were accepted */
export async function prepareWay(frozen: Frozen, way: Way, accepted: readonly ProjectImage[]): Promise<Prepared> {
  if (way === 'nothing') return { facts: {}, answer: ({ truth }) => Promise.resolve({ mask: new Uint8Array(truth.data.length) }) };
  const newest = [...accepted].reverse();
  if (way === 'one reference') return automatic(frozen, await shown(frozen, accepted.slice(0, 1)), {});
  if (way === 'version 0.1.0') return chosenOnReferences(frozen, await shown(frozen, newest.slice(0, READ)));
  if (way === 'five latest' || way === 'trained' || way === 'learned')
    return automatic(frozen, await shown(frozen, newest.slice(0, READ)), {});
  if (way === 'persam-f') return named(frozen, 'persam-f', await shown(frozen, newest.slice(0, READ)));
  const references = await shown(frozen, newest.slice(0, BANK));
  const options = { promptReferences: READ };
  const plain = await automatic(frozen, references, options);
  if (way === 'at once') return plain;
  const started = performance.now();
  const context = frozen.context();
  const { held, numbers } = await fitted(
    context,
    references,
    { methods: frozen.measured, plain: plainMaps(context, frozen.measured), tuning: frozen.tuning },
    options,
  );
  const facts = { seconds: (performance.now() - started) / 1000, held, maps: numbers?.maps, used: numbers !== undefined };
  if (numbers === undefined) return { ...plain, facts };
  return answered(frozen, facts, (each, target) =>
    drawLearned(
      each,
      { held, numbers },
      { target, references, rivals: [] },
      { methods: frozen.methods, tuner: frozen.tuning?.tuner },
      options,
    ),
  );
}

async function automatic(frozen: Frozen, references: readonly ShownReference[], options: { promptReferences?: number }): Promise<Prepared> {
  const { matching } = frozen.context().networks;
  const both = decidedByTarget(frozen.methods, matching.nearest) as Methods;
  const measured = decidedByTarget(frozen.measured, matching.nearest) as Methods;
  const check = references.length > 1 ? await checked(frozen, measured, references, options) : undefined;
  return answered(frozen, {}, (each, target) => drawBoth(each, both, check, { target, references, rivals: [] }, options));
}

async function chosenOnReferences(frozen: Frozen, references: readonly ShownReference[]): Promise<Prepared> {
  const first = new Map([...frozen.measured].filter(([name]) => FIRST_METHODS.includes(name)));
  const { best } = await checked(frozen, first, references, {});
  return { ...named(frozen, best, references), facts: { method: best } };
}

function checked(frozen: Frozen, methods: Methods, references: readonly ShownReference[], options: PredictOptions): Promise<SelfCheck> {
  const parts = {
    references: { mirrored: () => Promise.reject(new Error('expected several references, got one')) },
    features: (file: unknown) => frozen.features(file as string),
  };
  return selfCheck(frozen.context(), parts, methods, references, options);
}

function named(frozen: Frozen, method: Method, references: readonly ShownReference[]): Prepared {
  const run = frozen.methods.get(method) as RunMethod;
  return answered(frozen, {}, async (context, target) => ({ result: await run(context, target, references, {}) }));
}

type Draw = (context: MethodContext, target: ImageFeatures) => Promise<Pick<DrawnMask, 'result'>>;

function answered(frozen: Frozen, facts: Prepared['facts'], draw: Draw): Prepared {
  return {
    facts,
    async answer({ file }) {
      const { result } = await draw(frozen.context(), await frozen.features(file));
      return { mask: Uint8Array.from(result.field.data, (value) => (value > 0 ? 1 : 0)), logits: result.lowResLogits };
    },
  };
}

async function shown(frozen: Frozen, images: readonly ProjectImage[]): Promise<ShownReference[]> {
  const found: ShownReference[] = [];
  for (const { file, truth } of images) found.push({ ...(await frozen.reference(file, truth)), image: file, reading: {}, shows: [] });
  return found;
}
