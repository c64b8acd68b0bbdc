/**
 * Evidence by which 'auto' decides with a single reference, on pairs of training images (docs/decisions/017-auto-is-the-default-method.md):
 *   node tools/bench/auto/evidence.ts --data FOLDER [--sets coco,ccp] [--pairs N]
 * FOLDER holds suites as `tools/bench/methods.ts` reads them. Prints class-wise mIoU of both methods and of 'auto' for several constants.
 */
import { parseArgs } from 'node:util';
import { createEngine, type MaskPrediction, type Method, type PixelImage } from '../../../src/index.ts';
import { mirrorRows } from '../../../src/core/image/pixels.ts';
import { confusion } from '../../../src/core/mask/metrics.ts';
import { openSet, SETS, type Shown } from './sets.ts';

const { values } = parseArgs({ options: { data: { type: 'string' }, sets: { type: 'string' }, pairs: { type: 'string' } } });
if (values.data === undefined) throw new Error('expected --data FOLDER, got none.');

/** Constants tried: share of the copy's IoU, and what is expected there. */
const TRIED = [0, 0.3, 0.4, 0.5, 0.6, 0.8].flatMap((share) =>
  share === 0 ? [[0, 0]] : [0.3, 0.4, 0.5].map((expected) => [share, expected]),
);

interface Answer {
  score: number;
  overlap: number;
  union: number;
}
interface Row {
  concept: string;
  prosam: Answer;
  nearest: Answer;
  onCopy: number;
}

const engine = await createEngine({ model: 'small', device: 'cpu', threads: 1 });

async function answer(reference: Shown, target: Shown, method: Method): Promise<Answer> {
  const { masks } = await engine.predict(target.image, [{ image: reference.image, mask: reference.mask }], { method, samples: 0 });
  const [{ mask, quality }] = masks as [MaskPrediction];
  const { tp, fp, fn } = confusion(mask.data, target.mask.data, target.ignore);
  return { score: quality.score, overlap: tp, union: tp + fp + fn };
}

/** Mirrored and darkened, as 'auto' makes it. */
function copyOf({ image, mask }: Shown): Shown {
  const { data, width, height } = image as PixelImage & { data: Uint8Array };
  const darker = mirrorRows(data, width, 3).map((value) => Math.min(255, Math.round(value * 0.85 + 10)));
  return { image: { data: darker, width, height, channels: 3 }, mask: { ...mask, data: mirrorRows(mask.data, width, 1) } };
}

/** Class-wise mIoU of the answers chosen. */
function miou(rows: readonly Row[], choose: (row: Row) => Answer): number {
  const sums = new Map<string, { overlap: number; union: number }>();
  for (const row of rows) {
    const { overlap, union } = choose(row);
    const sum = sums.get(row.concept) ?? { overlap: 0, union: 0 };
    sums.set(row.concept, { overlap: sum.overlap + overlap, union: sum.union + union });
  }
  return [...sums.values()].reduce((total, { overlap, union }) => total + overlap / Math.max(1, union), 0) / sums.size;
}

for (const name of values.sets?.split(',') ?? Object.keys(SETS)) {
  const rows: Row[] = [];
  for await (const { concept, reference, target } of openSet(
    name,
    values.data,
    values.pairs === undefined ? undefined : Number(values.pairs),
  )) {
    const copy = await answer(reference, copyOf(reference), 'prosam');
    const [prosam, nearest] = [await answer(reference, target, 'prosam'), await answer(reference, target, 'nearest')];
    rows.push({ concept, prosam, nearest, onCopy: copy.overlap / Math.max(1, copy.union) });
  }
  const plain = (method: 'prosam' | 'nearest'): string => `${method} ${miou(rows, (row) => row[method]).toFixed(3)}`;
  console.log(`${name}: ${rows.length} pairs, ${plain('prosam')}, ${plain('nearest')}`);
  for (const [share, expected] of TRIED as [number, number][]) {
    const leaves = ({ prosam, nearest, onCopy }: Row): boolean => nearest.score > (prosam.score || 0.5) + share * (onCopy - expected);
    const mean = miou(rows, (row) => (leaves(row) ? row.nearest : row.prosam));
    console.log(`  ${share} x (IoU on the copy - ${expected}): ${mean.toFixed(3)}, nearest ${rows.filter(leaves).length} times`);
  }
}
await engine.close();
