/** Every draw of a training run from one seed. A step's draws depend on its number alone, so a resumed run needs no saved state. */
import { seededRandom, type Random } from '../../core/common/random.ts';

/** Purposes of random streams, 0 to 7; streams never share numbers. */
const STREAMS = { mixture: 0, start: 1, step: 2, episodes: 3, test: 4, annotations: 5, variant: 6, rehearsal: 7 } as const;

export { DEFAULT_SEED } from '../../core/engine/defaults.ts';

/** Largest index of a draw: the seed made of it is still exact. */
export const MAX_INDEX = 2 ** 22 - 2;

/** seed: whole, 0 to 2^31. index: whole, 0 to MAX_INDEX. */
export function randomFor(seed: number, stream: keyof typeof STREAMS, index = 0): Random {
  // In two rounds, so that seeds, streams and steps that lie side by side have nothing in common.
  const own = Math.floor(seededRandom(seed * 8 + STREAMS[stream])() * 2 ** 31);
  return seededRandom(own + 2 ** 31 * index);
}
