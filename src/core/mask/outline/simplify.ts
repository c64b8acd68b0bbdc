/** Fewer corners for the outlines of a mask, which stay what they were: simple rings, each on its side of the others, around nearly the same pixels. */
import { PAUSE_AFTER, type Steps } from '../cooperative.ts';
import { contactSteps, passedBySteps } from './contacts.ts';
import { gridSteps, type ChordGrid } from './grid.ts';
import { keepAll, isExact, reduceRingSteps, ringLength, splitSteps, type Outline } from './spans.ts';
import { trimSteps } from './trim.ts';

/** Rounds in which spans in contact get one corner more; from then on their rings get all of them. */
const ROUNDS_OF_CORNERS = 12;
/** Rounds after which every ring does. */
const ROUNDS = 24;

/** Reduces an outline in place. -> its grid */
export function* simplifySteps(outline: Outline, tolerance: number, width: number, height: number): Steps<ChordGrid> {
  const { rings, ringOf } = outline;
  let unpaused = 0;
  for (const ring of rings.keys()) {
    // A ring of four corners is a rectangle, and three are a half of it.
    if (ringLength(outline, ring) > 4 && tolerance > 0) yield* reduceRingSteps(outline, ring, tolerance);
    unpaused += ringLength(outline, ring);
    if (unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  for (let round = 0; ; round++) {
    yield* trimSteps(outline, tolerance);
    const grid = yield* gridSteps(outline, width, height);
    let wrong = yield* contactSteps(outline, grid);
    if (wrong.size === 0) wrong = yield* passedBySteps(outline, grid, tolerance);
    // With all corners nothing can be wrong: these are the mask's own edges.
    if (wrong.size === 0 || round > ROUNDS) return grid;
    if (round === ROUNDS) for (const ring of rings.keys()) keepAll(outline, ring);
    else if (round >= ROUNDS_OF_CORNERS)
      for (const ring of new Set([...wrong].map((span) => ringOf[span] as number))) keepAll(outline, ring);
    else for (const span of wrong) if (outline.next[span] !== -1 && !isExact(outline, span)) yield* splitSteps(outline, span, tolerance);
  }
}
