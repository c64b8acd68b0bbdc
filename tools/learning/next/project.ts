/** A simulated project on compared images: what `nearest` answers from a set of references, from stored cosines alone. */
import { confidenceOf } from '../../../src/core/engine/confidence.ts';
import type { ImageFeatures } from '../../../src/core/engine/image-features.ts';
import { maskedAverage } from '../../../src/core/engine/object-embedding.ts';
import type { MethodContext, RunMethod } from '../../../src/core/engine/methods/method.ts';
import { bestTwo } from '../../../src/core/engine/trust/content.ts';
import { judge } from '../../../src/core/engine/trust/judge.ts';
import { createRivals, MAX_RIVAL_IMAGES } from '../../../src/core/engine/trust/rivals.ts';
import type { FloatMap } from '../../../src/core/mask/resize-map.ts';
import { rankingOf } from '../../../src/service/learning/ranking.ts';
import type { Frozen } from '../frozen.ts';
import { errorsOf } from '../rows.ts';
import type { Compared, Pair, Pool } from './pairs.ts';

/** Masks whose presence is below count as none, as a service with the built-in model has it. */
const THRESHOLD = 0.4;

/** Answer for one image of the pool. */
export interface PoolAnswer {
  /** 0..1, as the service stores it */
  uncertainty: number;
  present: number;
  gain: number;
}

export interface SimulatedProject {
  /** Number of images of the pool; the first `showing` show the label. */
  size: number;
  showing: number;
  /** Mean feature of each image of the pool, length 1. */
  looks: readonly Float32Array[];
  /** Vector by which references are chosen, of each image that shows the label. */
  described: readonly Float32Array[];
  /** references and empty: numbers of images in the pool */
  answers(references: readonly number[], empty: readonly number[], asked: readonly number[]): Promise<PoolAnswer[]>;
  /** Mean IoU on the images to measure on. */
  iou(references: readonly number[]): Promise<number>;
}

export function simulatedProject(frozen: Frozen, { pool, showing, heldOut }: Pool, all: Compared): SimulatedProject {
  const nearest = frozen.methods.get('nearest') as RunMethod;
  const targetOf = new Map(all.targets.map(({ key }, i) => [key, i]));
  const referenceOf = new Map(all.references.map(({ key }, i) => [key, i]));
  const kept = new Map<string, Promise<unknown>>();
  const rivals = createRivals(2 ** 26);

  const context = (): MethodContext => {
    const plain = frozen.context();
    const own = new Map<string, Promise<unknown>>();
    return {
      ...plain,
      // Nobody looks at the prompt that SAM would get.
      geometry: { ...plain.geometry, gridToLow: (map) => map },
      lap: () => undefined,
      once<T>(key: string, work: () => Promise<T>): Promise<T> {
        const [what, target, shown] = JSON.parse(key) as [string, string, string[]];
        const stored = what === 'unit' || what === 'contents' ? kept : own;
        const pairs = (): Pair[] =>
          shown.map((reference) => all.pairs[targetOf.get(target) as number]?.[referenceOf.get(reference) as number] as Pair);
        const make = (): Promise<unknown> => {
          if (what === 'cosines') return Promise.resolve(largest(pairs()));
          if (what === 'found again') return Promise.resolve(bestTwo(pairs().map(({ found }) => found)));
          return work();
        };
        const found = stored.get(key) ?? make();
        stored.set(key, found);
        return found as Promise<T>;
      },
    };
  };
  const shownBy = (references: readonly number[]) => references.map((r) => all.references[r] as Compared['references'][number]);
  const measured = new Map<string, Promise<number>>();

  return {
    ...{ size: pool.length, showing, described: all.references.map(maskedAverage) },
    looks: all.targets.slice(0, pool.length).map((target) => wholeAverage(target)),
    async answers(references, empty, asked) {
      const shown = shownBy(references);
      const looked = empty.slice(-MAX_RIVAL_IMAGES).map((image) => all.targets[image] as ImageFeatures);
      const found = await rivals.find(context(), shown, looked);
      const answers: PoolAnswer[] = [];
      for (const i of asked) {
        const target = all.targets[i] as ImageFeatures;
        const own = context();
        // What the mask looks like at the image's own size is of no matter here.
        const small = { ...own, geometry: { ...own.geometry, gridToImage: (map: FloatMap) => map } };
        const result = await nearest(small, target, shown, {});
        const { score, present } = await judge(own, { target, references: shown, rivals: found }, { method: 'nearest', result });
        const area = present >= THRESHOLD && result.decision.includes(1) ? 1 : 0;
        const uncertainty = 1 - confidenceOf({ area, quality: { score, present } });
        answers.push({ uncertainty, present, gain: rankingOf([{ quality: { score, present } }]).gain });
      }
      return answers;
    },
    iou(references) {
      const key = references.toSorted((a, b) => a - b).join();
      const value = measured.get(key) ?? meanIou(references);
      measured.set(key, value);
      return value;
    },
  };

  async function meanIou(references: readonly number[]): Promise<number> {
    let sum = 0;
    for (const [i, image] of heldOut.entries()) {
      const { field } = await nearest(context(), all.targets[pool.length + i] as ImageFeatures, shownBy(references), {});
      sum += errorsOf(
        Uint8Array.from(field.data, (value) => (value > 0 ? 1 : 0)),
        image,
      ).iou;
    }
    return sum / heldOut.length;
  }
}

function largest(pairs: readonly Pair[]): Pick<Pair, 'object' | 'rest'> {
  const [first, ...others] = pairs as [Pair, ...Pair[]];
  const [object, rest] = [first.object.slice(), first.rest.slice()];
  for (const pair of others) {
    for (let i = 0; i < object.length; i++) {
      object[i] = Math.max(object[i] as number, pair.object[i] as number);
      rest[i] = Math.max(rest[i] as number, pair.rest[i] as number);
    }
  }
  return { object, rest };
}

/** Mean of the mid-level features over the whole image, which the model here sees without padding. */
function wholeAverage(features: ImageFeatures): Float32Array {
  const [, , rows, columns] = features.mid.shape as [number, number, number, number];
  return maskedAverage({ features, cells: new Float32Array(rows * columns).fill(1) });
}
