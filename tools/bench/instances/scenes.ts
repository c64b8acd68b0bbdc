/** Generated scenes with objects of one concept; those of a split share neither seeds nor objects with those of the other. */
import { CONCEPTS, generateScene } from '../../../src/scenes/index.ts';
import { sceneWith } from '../../../src/scenes/scene-with.ts';
import { arrangementOf, numbered, unionOf, type Arrangement, type InstanceCase } from './cases.ts';

const SIZE = 320;
/** Share of the image that the objects cover together at least. */
const MIN_AREA = 0.02;
const SEED = 500_000;
const REFERENCE_SEED = 900_000;

/** wanted: scenes of each arrangement. split: 0 has even seeds, 1 odd ones. */
export function sceneCases(wanted: Readonly<Record<Arrangement, number>>, split: 0 | 1): InstanceCase[] {
  const left = { ...wanted };
  const cases: InstanceCase[] = [];
  for (let seed = SEED + split; Object.values(left).some((count) => count > 0); seed += 2) {
    const concept = (seed >> 1) % CONCEPTS.length;
    // Every object of such a scene is of one concept: they touch and hide each other often.
    const crowded = left.touching + left.apart > 0;
    const scene = generateScene(seed, { size: SIZE, force: [concept], ...(crowded && { allowed: [concept] }) });
    const own = scene.instances.map((instance) => (instance > 0 && scene.concepts[instance - 1] === concept ? instance : 0));
    const { instances, count } = numbered(own);
    const union = unionOf(instances, SIZE, SIZE);
    if (count === 0 || union.data.reduce((sum, value) => sum + value, 0) < MIN_AREA * union.data.length) continue;
    const arrangement = arrangementOf(instances, SIZE);
    if (left[arrangement] === 0) continue;
    left[arrangement]--;
    let referenceSeed = REFERENCE_SEED + 1000 * (seed % 10_000);
    const { image, truth } = sceneWith(concept, () => referenceSeed++, SIZE);
    cases.push({
      name: `scene ${seed}`,
      ...{ arrangement, instances, union },
      image: { data: scene.image, width: SIZE, height: SIZE, channels: 3 },
      reference: { image, mask: truth },
    });
  }
  return cases;
}
