/** 'auto': which methods may draw the mask of a label, and whose mask is kept. */
import type { Matching } from '../checkpoint/methods-section.ts';
import type { ImageFeatures } from './image-features.ts';
import type { Methods } from './methods/available.ts';
import type { MethodContext, MethodResult } from './methods/method.ts';
import type { PreparedReference } from './references.ts';
import { expectedIou } from './scoring.ts';
import type { Method, PredictOptions, SelfCheck } from './types.ts';

/**
 * A copy of a single reference says little about other images: there the methods below draw both their masks, and the one that expects the
 * higher IoU is kept. Scores of these two can be compared (docs/decisions/017-auto-is-the-default-method.md, which has all figures).
 */
const BY_SCORE: readonly Method[] = ['prosam', 'nearest'];

/**
 * Share of the trained method's IoU on the copy, beyond what is to be expected there, that is added to its score: a concept it cannot even
 * find again, such as the ground or the sky, is none it knows.
 */
const COPY_SHARE = 0.5;
const EXPECTED_ON_COPY = 0.4;

/** Least score that another method's mask needs where the trained one finds nothing: more likely right than wrong. */
const ABSENT_SCORE = 0.5;

/** Methods that have to be checked on the references. count: references of the label. */
export function contenders(methods: Methods, count: number, nearest: Matching): Methods {
  const byScore = count === 1 && nearest.compare === 'cells' && BY_SCORE.every((name) => methods.has(name));
  return byScore ? new Map([...methods].filter(([name]) => BY_SCORE.includes(name))) : methods;
}

export interface DrawnMask {
  name: Method;
  result: MethodResult;
  check: Pick<SelfCheck, 'basis' | 'referenceIou'>;
}

/** methods: those that were checked. The best of several references' check draws alone; after a copy's check both do. */
export async function drawAutomatically(
  context: MethodContext,
  methods: Methods,
  check: SelfCheck,
  target: ImageFeatures,
  references: readonly PreparedReference[],
  options: PredictOptions,
): Promise<DrawnMask> {
  const both = check.basis === 'mirrored-copy' && methods.size === BY_SCORE.length && BY_SCORE.every((name) => methods.has(name));
  const drawn: { name: Method; result: MethodResult; score: number }[] = [];
  for (const [name, run] of methods) {
    if (!both && name !== check.best) continue;
    const result = await run(context, target, references, options);
    const score = expectedIou(result);
    drawn.push({ name, result, score: name === 'prosam' ? (score || ABSENT_SCORE) + knownShare(check) : score });
  }
  const { name, result } = drawn.reduce((best, one) => (one.score > best.score ? one : best));
  return { name, result, check: { basis: check.basis, referenceIou: check.methods[name]?.iou ?? 0 } };
}

function knownShare({ methods }: SelfCheck): number {
  return COPY_SHARE * ((methods.prosam?.iou ?? EXPECTED_ON_COPY) - EXPECTED_ON_COPY);
}
