/**
 * Evidence for and against a mask, as a few numbers: how well the target's cells match those of the references, how the mask lies on the
 * cells that match, and what the networks say of it. The same for every method.
 */
import type { Matching } from '../../checkpoint/methods-section.ts';
import { visibleCells, visibleIndices } from '../../image/geometry.ts';
import type { ImageFeatures } from '../image-features.ts';
import { cosinesTo } from '../methods/feature-contrast.ts';
import type { MethodContext, MethodResult } from '../methods/method.ts';
import type { PreparedReference } from '../references.ts';
import { bestTwo, contentOf, cosine, unitFeatures } from './content.ts';
import { coverOf } from './cover.ts';
import { expectedIou } from './expected-iou.ts';
import { foundAgain } from './forward.ts';
import type { Evidence } from './evidence-numbers.ts';

/** Sources of evidence. */
export interface Seen {
  target: ImageFeatures;
  references: readonly PreparedReference[];
  matching: Matching;
  /** Mean features of what was found in images without the concept. */
  rivals: readonly Float32Array[];
}

/** Share of the object's cells that count as leading. */
const LEADING_SHARE = 0.25;
const MIN_SHARE = 1e-3;
/** References whose likeness is measured, at most: the first ones. The numbers were fitted with one and with five. */
const MAX_REFERENCES = 5;
const EPSILON = 1e-6;

export async function evidenceOf(context: MethodContext, seen: Seen, result: MethodResult): Promise<Evidence> {
  const { target, references, matching, rivals } = seen;
  const { object, rest } = await cosinesTo(context, target, references, matching);
  const cells = visibleIndices(context.geometry, target);
  const lead = cells.map((cell) => (object[cell] as number) - (rest[cell] as number));
  const cover = coverOf(result, visibleCells(context.geometry, target));
  const [covered, leads] = [sum(cover), lead.filter((value) => value > 0).length];
  const both = cover.reduce((total, share, i) => total + ((lead[i] as number) > 0 ? share : 0), 0);
  const shown = mean(references.map((reference) => mean([...reference.cells])));
  const [share, leading] = [covered / cells.length, Math.max(1, Math.round(LEADING_SHARE * shown * cells.length))];

  const features = await unitFeatures(context, target, matching.parts);
  const weights = new Float32Array(features.cells);
  cells.forEach((cell, i) => (weights[cell] = cover[i] as number));
  const content = contentOf(features, weights);
  const few = references.slice(0, MAX_REFERENCES);
  const [alike, ahead]: [number[], number[]] = [[], []];
  for (const reference of few) {
    const { object: own, rest: others } = await contentsOf(context, reference, matching);
    const likeness = cosine(content, own);
    alike.push(likeness);
    ahead.push(likeness - cosine(content, others));
  }
  return {
    found: await foundAgain(context, target, few, matching.parts),
    lead: mean([...lead].sort((a, b) => b - a).slice(0, leading)),
    likeness: bestTwo(alike),
    likenessLead: bestTwo(ahead),
    ...(rivals.length > 0 && { rival: Math.max(...rivals.map((rival) => cosine(content, rival))) }),
    precision: both / (covered + EPSILON),
    coverage: both / (leads + EPSILON),
    size: Math.log(share + MIN_SHARE),
    relativeSize: Math.log((share + MIN_SHARE) / (shown + MIN_SHARE)),
    certainty: expectedIou(result),
    ...(result.samIou !== undefined && { samIou: result.samIou }),
  };
}

/** Mean features of a reference's object and of everything else, once a call. */
function contentsOf(context: MethodContext, { key, features, cells }: PreparedReference, { parts }: Matching) {
  return context.once(JSON.stringify(['contents', key, parts]), async () => {
    const unit = await unitFeatures(context, features, parts);
    return {
      object: contentOf(unit, cells),
      rest: contentOf(
        unit,
        cells.map((cell) => 1 - cell),
      ),
    };
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / Math.max(1, values.length);
}
