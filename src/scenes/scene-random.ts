/**
 * The random stream of a scene: mulberry32, one 32-bit state, 2^32 distinct streams.
 *
 * Every scene is a function of the draws AND of their order, so a caller must never reorder, skip or add a draw: the same
 * seed has to give the same scene as the Python generator this module was transcribed from.
 */
export interface SceneRandom {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Uniform in [low, high). */
  range(low: number, high: number): number;
  /** Uniform integer, both ends included. */
  integer(low: number, high: number): number;
  /** One of the choices, each equally likely; the list must not be empty. */
  pick<Item>(choices: readonly Item[]): Item;
  /** Fisher-Yates from the end, in place. */
  shuffle(items: unknown[]): void;
}

/** A stream that starts at `seed` modulo 2^32 (any safe integer, negative ones too). */
export function createSceneRandom(seed: number): SceneRandom {
  let state = seed >>> 0;

  function uniform(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  return {
    uniform,
    range: (low, high) => low + (high - low) * uniform(),
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    pick<Item>(choices: readonly Item[]): Item {
      if (choices.length === 0) throw new RangeError('pick needs at least one choice');
      return choices[Math.floor(uniform() * choices.length)] as Item;
    },
    shuffle(items) {
      for (let last = items.length - 1; last > 0; last--) {
        const other = Math.floor(uniform() * (last + 1));
        [items[last], items[other]] = [items[other], items[last]];
      }
    },
  };
}
