import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/core/common/random.ts';
import { withAbsentTarget } from '../../../../src/training/batches/absent-targets.ts';
import type { DatasetImage, Episode, LabelMap } from '../../../../src/training/types.ts';

const image = (key: string): DatasetImage => ({ key, file: `${key}.png` });
/** Images are named by the classes they show. */
const labels = ({ key }: DatasetImage): Promise<LabelMap> =>
  Promise.resolve({ data: Uint8Array.from(key.split('').map(Number)), width: key.length, height: 1 });
const episode = (classId: number, target: string, source?: string): Episode => ({
  ...{ classId, reference: image('10'), target: image(target) },
  ...(source !== undefined && { source }),
});
const own = episode(1, '100', 'photos');
const drawn = (pool: readonly Episode[], seed = 1): Promise<Episode> => withAbsentTarget(own, pool, labels, seededRandom(seed));

describe('targets without the class', () => {
  it('come from other episodes and show no pixel of it', async () => {
    const pool = [episode(1, '1', 'photos'), episode(2, '12', 'photos'), episode(2, '20', 'photos')];
    const seen = new Set<string>();
    for (let seed = 0; seed < 50; seed++) seen.add((await drawn(pool, seed)).target.key);
    expect([...seen].sort()).toEqual(['100', '20']); // now and then none is found in the draws there are
    expect(await drawn(pool, 3)).toEqual(await drawn(pool, 3));
  });

  it('are never taken from data that do not label it', async () => {
    expect(await drawn([episode(3, '30', 'scenes')])).toBe(own);
  });

  it('leave the episode as it is where every image shows the class', async () => {
    expect(await drawn([episode(1, '1', 'photos'), episode(2, '12', 'photos')])).toBe(own);
  });
});
