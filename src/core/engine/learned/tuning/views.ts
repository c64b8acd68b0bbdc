/** Views of a label's images, cell by cell: each as a whole and in crops, so that a few images teach more. */
import { seededRandom } from '../../../common/random.ts';
import { drawCrop, type Alteration } from '../../../image/alterations.ts';
import { gridOf, visibleIndices, type Geometry } from '../../../image/geometry.ts';
import { cellShares, reduceLabels, type BinaryMask, type LabelReduction } from '../../../mask/label-reduction.ts';
import type { ImageMaps } from '../../image-features.ts';
import type { MethodContext } from '../../methods/method.ts';
import type { ShownReference } from '../../one-per-image.ts';
import type { AlteredCopies } from '../../references.ts';

export interface View {
  maps: ImageMaps;
  /** 0/1 per cell: marked, where the view is the reference. */
  marks: Float32Array;
  /** Numbers of the marked cells. */
  marked: readonly number[];
  /** Share of each cell that is object, 0..1, where the view is the target. */
  shares: Float64Array;
  /** Numbers of the cells that show some of the object, and of those that show none. */
  object: readonly number[];
  rest: readonly number[];
}

/** Crops of an image, and views of all images together, at most. */
const [MAX_CROPS, MAX_VIEWS] = [6, 48];
/** Share of its cells that a crop shows of the object at least. */
const MIN_SHOWN = 0.005;

/** Views of each reference's image, the whole first. */
export async function viewsOf(
  context: MethodContext,
  references: readonly ShownReference[],
  altered: AlteredCopies,
  reduction: LabelReduction,
): Promise<View[][]> {
  const crops = Math.min(MAX_CROPS, Math.floor(MAX_VIEWS / references.length) - 1);
  const found: View[][] = [];
  for (const reference of references) {
    const { features, mask } = reference;
    const copies = await altered(
      reference,
      Array.from({ length: crops }, (_, i) => cropOf(features.key, i)),
    );
    const views = [{ maps: features, mask }, ...copies].map((shown) => viewOf(context.geometry, shown, reduction));
    found.push(views.filter((view, i) => i === 0 || showsEnough(view)));
    context.checkpoint();
  }
  return found;
}

/** key: of the image, in hexadecimal digits. The same crops whenever it is seen. */
function cropOf(key: string, number: number): Alteration {
  return drawCrop(`view${number}`, seededRandom((parseInt(key.slice(0, 7), 16) || 0) + number));
}

function viewOf(geometry: Geometry, { maps, mask }: { maps: ImageMaps; mask: BinaryMask }, reduction: LabelReduction): View {
  const grid = gridOf(geometry, maps);
  const visible = visibleIndices(geometry, maps);
  const shares = cellShares(mask, grid).map((share) => Math.min(1, share));
  const marks = reduceLabels(mask, grid, reduction);
  return {
    ...{ maps, marks, shares },
    marked: visible.filter((cell) => marks[cell] !== 0),
    object: visible.filter((cell) => (shares[cell] as number) > 0),
    rest: visible.filter((cell) => shares[cell] === 0),
  };
}

function showsEnough({ shares, object, rest, marked }: View): boolean {
  const shown = object.reduce((sum, cell) => sum + (shares[cell] as number), 0);
  return marked.length > 0 && shown >= MIN_SHOWN * (object.length + rest.length);
}
