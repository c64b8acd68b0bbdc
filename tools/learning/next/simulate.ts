/** Simulation of a person who labels what a list puts first, a few images at a time. */
import { sampleWithout, seededRandom } from '../../../src/core/common/random.ts';
import { chooseReferences, poolOf } from '../../../src/service/ports/choose-references.ts';
import type { MaskRow } from '../../../src/service/ports/storage.ts';
import { ordered, type Order } from './orders.ts';
import type { SimulatedProject } from './project.ts';

export interface Setting {
  /** Images in the pool that do not show the label, or none. */
  mixed: boolean;
  /** References of a prediction, at most. */
  references: number;
  /** Images that are labeled before the list is asked for again. */
  batch: number;
  /** Images that are labeled after the first one. */
  steps: number;
}

/** -> mean IoU on the images to measure on after each labeled image, the first one included; shorter where the pool is */
export async function simulate(project: SimulatedProject, order: Order, setting: Setting, seed: number): Promise<number[]> {
  const { showing, looks, described } = project;
  const random = seededRandom(seed);
  const labeled = sampleWithout(random, [...Array(showing).keys()], 1);
  const pool = [...Array(setting.mixed ? project.size : showing).keys()];
  const references = (): number[] => {
    // Newest first, as the service has them where all come from the same kind of source.
    const rows = labeled.filter((i) => i < showing).map((i) => ({ id: i, flagged: false, feature: described[i] }) as unknown as MaskRow);
    return chooseReferences(rows.reverse().slice(0, poolOf(setting.references)), setting.references).map(({ id }) => id);
  };
  const curve = [await project.iou(references())];
  while (curve.length <= setting.steps) {
    const left = pool.filter((i) => !labeled.includes(i));
    if (left.length === 0) break;
    const empty = labeled.filter((i) => i >= showing);
    const found = await project.answers(references(), empty, left);
    const answers = new Map(left.map((i, place) => [i, found[place] as (typeof found)[number]]));
    for (const next of ordered(order, { answers, labeled: [...labeled], looks }, setting.batch, random)) {
      labeled.push(next);
      if (curve.length <= setting.steps) curve.push(await project.iou(references()));
    }
  }
  return curve;
}
