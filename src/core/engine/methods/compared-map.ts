/** The features that a model's plan names, side by side in one map. */
import type { FeaturePart } from '../../checkpoint/methods-section.ts';
import type { Tensor } from '../../onnx/session.ts';
import type { ImageMaps } from '../image-features.ts';
import type { PreparedReference } from '../references.ts';

/** Parts of the features, in one map: each of `widths` channels is scaled to length 1 by itself. */
export interface ComparedMap {
  /** [1, C, h, w] */
  map: Tensor;
  widths: readonly number[];
}

/** The same of a reference. */
export type ShownMap = ComparedMap & { reference: Pick<PreparedReference, 'features' | 'cells'> };

/** Channels of an image's maps in the order of the parts; without a copy where they already lie so. */
export function comparedMap(maps: Pick<ImageMaps, 'mid' | 'high'>, parts: readonly FeaturePart[]): ComparedMap {
  const [, , rows, columns] = maps.mid.shape as [number, number, number, number];
  const cells = rows * columns;
  const ranges = parts.map(({ map, from, to }) => ({ map, from, to: to ?? (maps[map].shape[1] as number) }));
  const widths = ranges.map(({ from, to }) => to - from);
  const channels = widths.reduce((sum, width) => sum + width, 0);
  const [first] = ranges as [(typeof ranges)[number]];
  const inOrder = ranges.every(({ map, from }, i) => map === first.map && (i === 0 || from === ranges[i - 1]?.to));
  const valuesOf = ({ map, from, to }: { map: FeaturePart['map']; from: number; to: number }): Float32Array =>
    maps[map].data.subarray(from * cells, to * cells);
  let data: Float32Array;
  if (inOrder) data = valuesOf({ ...first, to: first.from + channels });
  else {
    data = new Float32Array(channels * cells);
    let at = 0;
    for (const range of ranges) {
      data.set(valuesOf(range), at);
      at += (range.to - range.from) * cells;
    }
  }
  return { map: { data, shape: [1, channels, rows, columns] }, widths };
}
