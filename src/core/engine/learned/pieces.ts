/** A map redrawn by SAM piece by piece: each connected region with its own mask prompt, its box and some points inside. */
import { MASK_PROMPT_LIMIT } from '../../networks/coarse-mask.ts';
import { runSteps } from '../../mask/cooperative.ts';
import { splitInstancesSteps, type Region } from '../../mask/instances.ts';
import { aboveZero } from '../../mask/resize-map.ts';
import { iou } from '../../mask/metrics.ts';
import type { ImageFeatures } from '../image-features.ts';
import { depthOf, innerPoints, placeIn } from '../instances/points.ts';
import type { MethodContext } from '../methods/method.ts';
import { decodeSamPrompts, type SamPrompt } from '../methods/sam-prompts.ts';

/** Pieces that are redrawn, the largest ones: each costs a run of the decoder. */
const MAX_PIECES = 12;
/** Pixels of the square that a piece has at least; a cell of the feature grid has 16. */
const MIN_PIECE = 12;
const MAX_POINTS = 3;
/** IoU with the piece from which on SAM's mask takes its place (docs/decisions/024-gf-sam-with-a-budget.md). */
const MIN_IOU = 0.6;

type PiecesContext = Pick<MethodContext, 'networks' | 'geometry' | 'checkpoint'>;

/** map: logits on SAM's low-resolution square. -> the same, each piece as SAM sees it where that is close to it; smallest pieces are gone. [4g * 4g] */
export async function redrawnByPieces(context: PiecesContext, target: ImageFeatures, map: Float32Array): Promise<Float32Array> {
  const side = Math.sqrt(map.length);
  const regions = await runSteps(splitInstancesSteps({ data: aboveZero(map), width: side, height: side }, MIN_PIECE));
  const found = new Float32Array(map.length).fill(-MASK_PROMPT_LIMIT);
  for (const [i, region] of regions.entries()) {
    const piece = pieceOf(map, side, region);
    const drawn = i < MAX_PIECES ? await redrawnPiece(context, target, piece, region) : undefined;
    const kept = drawn ?? piece.logits;
    for (let at = 0; at < found.length; at++) found[at] = Math.max(found[at] as number, kept[at] as number);
    context.checkpoint();
  }
  return found;
}

interface Piece {
  side: number;
  /** 1 = in the piece. */
  mask: Uint8Array;
  /** The map within the piece's box but for other pieces, the lowest value elsewhere. */
  logits: Float32Array;
}

function pieceOf(map: Float32Array, side: number, { boxXyxy: [x0, y0, x1, y1], mask: cut }: Region): Piece {
  const mask = new Uint8Array(map.length);
  const logits = new Float32Array(map.length).fill(-MASK_PROMPT_LIMIT);
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = y * side + x;
      const isOwn = cut.data[(y - y0) * cut.width + x - x0] !== 0;
      const value = map[at] as number;
      if (isOwn) mask[at] = 1;
      if (isOwn || value <= 0) logits[at] = value;
    }
  }
  return { side, mask, logits };
}

/** Logits of SAM's mask that is most like the piece; undefined where none is close. */
async function redrawnPiece(
  { networks, geometry }: PiecesContext,
  target: ImageFeatures,
  { side, mask, logits }: Piece,
  { boxXyxy: [x0, y0, x1, y1] }: Region,
): Promise<Float32Array | undefined> {
  const square = { data: mask, side };
  const place = placeIn(geometry, target);
  const promptAt = (x: number, y: number, kind: SamPrompt['kind']): SamPrompt => {
    const [column, row] = place({ x, y });
    return { x: column, y: row, kind };
  };
  const { all } = await decodeSamPrompts(
    networks,
    geometry,
    target,
    [
      ...innerPoints(square, depthOf(square), MAX_POINTS).map(({ x, y }) => promptAt(x, y, 'positive')),
      promptAt(x0 - 0.5, y0 - 0.5, 'boxTopLeft'),
      promptAt(x1 - 0.5, y1 - 0.5, 'boxBottomRight'),
    ],
    logits,
  );
  let [best, most]: [Float32Array | undefined, number] = [undefined, 0];
  for (const { logits: seen } of all) {
    const like = iou(aboveZero(seen), mask);
    if (like > most) [best, most] = [seen, like];
  }
  return most >= MIN_IOU ? best : undefined;
}
