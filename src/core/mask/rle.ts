/** COCO's run-length encoding: runs of 0 and 1 in turn, counted down the columns, starting with zeros. */
import { ProsamError } from '../errors.ts';
import type { BinaryMask } from './label-reduction.ts';

/** As in COCO's annotation files: size is [height, width], counts either compressed text or a list of runs. */
export interface CocoRle {
  size: readonly [height: number, width: number];
  counts: string | readonly number[];
}

/** Run lengths down the columns; the first counts zeros and may be 0. */
export function runsFromMask(mask: BinaryMask): number[] {
  const runs: number[] = [];
  let current = 0;
  let length = 0;
  for (let x = 0; x < mask.width; x++) {
    for (let y = 0; y < mask.height; y++) {
      const value = mask.data[y * mask.width + x] === 0 ? 0 : 1;
      if (value !== current) {
        runs.push(length);
        length = 0;
        current = value;
      }
      length++;
    }
  }
  runs.push(length);
  return runs;
}

/** Compressed, as COCO's own tools write it. */
export function cocoRleFromMask(mask: BinaryMask): { size: [height: number, width: number]; counts: string } {
  return { size: [mask.height, mask.width], counts: textFromRuns(runsFromMask(mask)) };
}

/** @throws ANNOTATION_INVALID when the runs do not add up to the size */
export function maskFromCocoRle(rle: CocoRle): BinaryMask {
  const [height, width] = rle.size;
  const total = height * width;
  if (!Number.isSafeInteger(height) || !Number.isSafeInteger(width) || height < 1 || width < 1 || total > MAX_MASK_PIXELS) {
    throw invalid(`wanted a size [height, width] of 1 to ${MAX_MASK_PIXELS} pixels, got [${rle.size.join(', ')}]`);
  }
  const runs = typeof rle.counts === 'string' ? runsFromText(rle.counts, total) : rle.counts;
  const data = new Uint8Array(total);
  let at = 0;
  runs.forEach((run, i) => {
    if (!Number.isSafeInteger(run) || run < 0 || at + run > total)
      throw invalid(`run ${i} of length ${run} does not fit ${height} x ${width} pixels`);
    if (i % 2 === 1) for (let j = at; j < at + run; j++) data[(j % height) * width + Math.floor(j / height)] = 1;
    at += run;
  });
  if (at !== total) throw invalid(`the runs cover ${at} of ${height} x ${width} pixels`);
  return { data, width, height };
}

const MAX_MASK_PIXELS = 1_000_000_000;

function invalid(problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `COCO RLE: ${problem}.`);
}

/**
 * Each count (from the third on: its difference to the count two before) in groups of five bits, low first, as characters
 * from '0' on; bit 5 says that more follow, the last group's bit 4 is the sign.
 */
function textFromRuns(runs: readonly number[]): string {
  let text = '';
  runs.forEach((run, i) => {
    let rest = i > 2 ? run - (runs[i - 2] as number) : run;
    for (;;) {
      const group = rest & 0x1f;
      rest >>= 5;
      const done = group & 0x10 ? rest === -1 : rest === 0;
      text += String.fromCharCode((done ? group : group | 0x20) + 48);
      if (done) break;
    }
  });
  return text;
}

function runsFromText(text: string, total: number): number[] {
  const runs: number[] = [];
  let value = 0;
  let shift = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i) - 48;
    if (code < 0 || code > 63) throw invalid(`the counts hold the character ${JSON.stringify(text[i])}`);
    value |= (code & 0x1f) << shift;
    shift += 5;
    if (code & 0x20) {
      if (shift > 30) throw invalid('a count is too large');
      continue;
    }
    if (code & 0x10) value |= -1 << shift;
    const run = runs.length > 2 ? value + (runs[runs.length - 2] as number) : value;
    if (run < 0 || run > total) throw invalid(`run ${runs.length} of length ${run} does not fit ${total} pixels`);
    runs.push(run);
    value = 0;
    shift = 0;
  }
  if (shift > 0) throw invalid('the counts end in the middle of a number');
  return runs;
}
