/** COCO's run-length encoding: runs of 0 and 1 in turn, counted down the columns, starting with zeros. */
import { ProsamError } from '../common/errors.ts';
import { runStepsSync, runSteps, PAUSE_AFTER, type Steps } from './cooperative.ts';
import type { BinaryMask } from './label-reduction.ts';

/** Run-length encoding of COCO's annotation files: size is [height, width], counts either compressed text or a list of runs. */
export interface CocoRle {
  /** Pixels of the image. */
  size: readonly [height: number, width: number];
  /** Runs down the columns, zeros first: COCO's compressed text, or their lengths. */
  counts: string | readonly number[];
}

/** Run-length encoding with its counts as COCO's compressed text. */
export interface CompressedRle {
  /** Pixels of the image. */
  size: [height: number, width: number];
  /** Runs down the columns, zeros first, as compressed text. */
  counts: string;
}

/** Run lengths down the columns; the first counts zeros and may be 0. */
export function runsFromMask(mask: BinaryMask): number[] {
  return runStepsSync(runLengthSteps(mask));
}

/** Columns whose pixels are read together: they lie beside each other in memory. */
const BLOCK_COLUMNS = 64;

function* runLengthSteps({ data, width, height }: BinaryMask): Steps<number[]> {
  const runs: number[] = [];
  let current = 0;
  /** First pixel of the run, counted down the columns. */
  let start = 0;
  let unpaused = 0;
  for (let left = 0; left < width; left += BLOCK_COLUMNS) {
    const columns = Math.min(BLOCK_COLUMNS, width - left);
    const last = new Uint8Array(columns);
    const first = new Uint8Array(columns);
    /** Rows where each column changes. */
    const changes = Array.from({ length: columns }, (): number[] => []);
    for (let x = 0; x < columns; x++) first[x] = last[x] = data[left + x] === 0 ? 0 : 1;
    for (let y = 1; y < height; y++) {
      const row = y * width + left;
      for (let x = 0; x < columns; x++) {
        const value = data[row + x] === 0 ? 0 : 1;
        if (value === last[x]) continue;
        last[x] = value;
        (changes[x] as number[]).push(y);
      }
      unpaused += columns;
      if (unpaused < PAUSE_AFTER) continue;
      unpaused = 0;
      yield;
    }
    for (let x = 0; x < columns; x++) {
      const top = (left + x) * height;
      if (first[x] !== current) {
        runs.push(top - start);
        start = top;
        current = first[x] as number;
      }
      for (const y of changes[x] as number[]) {
        runs.push(top + y - start);
        start = top + y;
        current = 1 - current;
      }
    }
  }
  runs.push(width * height - start);
  return runs;
}

/**
 * The mask as COCO's compressed RLE, a few milliseconds at a time, so that others on this thread get their turns between.
 * signal: rejects with its reason once it aborts.
 */
export function cocoRleFromMask(mask: BinaryMask, { signal }: { signal?: AbortSignal | undefined } = {}): Promise<CompressedRle> {
  return runSteps(cocoRleSteps(mask), signal);
}

/** The same at once: some 10 ms a megapixel, during which the thread does nothing else. */
export function cocoRleFromMaskSync(mask: BinaryMask): CompressedRle {
  return runStepsSync(cocoRleSteps(mask));
}

export function* cocoRleSteps(mask: BinaryMask): Steps<CompressedRle> {
  const runs = yield* runLengthSteps(mask);
  return { size: [mask.height, mask.width], counts: yield* textSteps(runs) };
}

/** Union of masks of one size, without drawing any. @throws ANNOTATION_INVALID */
export function* unionOfRlesSteps(rles: readonly CocoRle[]): Steps<{ rle: CompressedRle; area: number }> {
  const [first, ...others] = rles as [CocoRle, ...CocoRle[]];
  let runs = yield* runsFromCocoRleSteps(first);
  for (const other of others) runs = yield* unionOfRuns(runs, yield* runsFromCocoRleSteps(other));
  let area = 0;
  for (let i = 1; i < runs.length; i += 2) area += runs[i] as number;
  const [height, width] = cocoRleSize(first);
  return { rle: { size: [height, width], counts: yield* textSteps(runs) }, area };
}

function* unionOfRuns(one: readonly number[], other: readonly number[]): Steps<number[]> {
  const runs: number[] = [];
  let current = 0;
  let length = 0;
  // Places of both, and what is left of the run there.
  let [i, j] = [0, 0];
  let [leftOne, leftOther] = [one[0] ?? 0, other[0] ?? 0];
  for (let unpaused = 0; i < one.length && j < other.length;) {
    const step = Math.min(leftOne, leftOther);
    const value = i % 2 === 1 || j % 2 === 1 ? 1 : 0;
    if (step > 0 && value !== current) {
      runs.push(length);
      length = 0;
      current = value;
    }
    length += step;
    leftOne -= step;
    leftOther -= step;
    if (leftOne === 0) leftOne = one[++i] ?? 0;
    if (leftOther === 0) leftOther = other[++j] ?? 0;
    if (++unpaused % PAUSE_AFTER === 0) yield;
  }
  runs.push(length);
  return runs;
}

/** Nothing is allocated for a mask until its runs are known to fit. @throws ANNOTATION_INVALID when they do not add up to the size */
export function maskFromCocoRle(rle: CocoRle): BinaryMask {
  const [height, width] = cocoRleSize(rle);
  const runs = runsFromCocoRle(rle);
  const mask = { data: new Uint8Array(height * width), width, height };
  runStepsSync(paintRuns(mask, runs));
  return mask;
}

/** Marks its pixels on a mask of its size; those that are set stay. Returns the number of pixels painted. @throws ANNOTATION_INVALID */
export function* drawCocoRleSteps(mask: BinaryMask, rle: CocoRle): Steps<number> {
  return yield* paintRuns(mask, yield* runsFromCocoRleSteps(rle));
}

/** Column by column, each run a stretch of one column or several. */
function* paintRuns({ data, width, height }: BinaryMask, runs: readonly number[]): Steps<number> {
  let painted = 0;
  let unpaused = 0;
  let [x, y] = [0, 0];
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i] as number;
    if (i % 2 === 1) {
      for (let left = run; left > 0;) {
        const end = Math.min(height, y + left);
        left -= end - y;
        unpaused += end - y;
        for (let at = y * width + x; y < end; y++, at += width) data[at] = 1;
        if (y === height) [x, y] = [x + 1, 0];
        if (unpaused < PAUSE_AFTER) continue;
        unpaused = 0;
        yield;
      }
      painted += run;
    } else {
      x += Math.floor((y + run) / height);
      y = (y + run) % height;
    }
    if (++unpaused < PAUSE_AFTER) continue;
    unpaused = 0;
    yield;
  }
  return painted;
}

/** Lengths of zeros and ones in turn, without drawing them. @throws ANNOTATION_INVALID when they do not add up to the size */
function runsFromCocoRle(rle: CocoRle): readonly number[] {
  return runStepsSync(runsFromCocoRleSteps(rle));
}

function* runsFromCocoRleSteps(rle: CocoRle): Steps<readonly number[]> {
  const [height, width] = cocoRleSize(rle);
  const total = height * width;
  const runs = typeof rle.counts === 'string' ? yield* runsFromText(rle.counts, total) : rle.counts;
  if (!Array.isArray(runs)) throw invalid(`expected counts as text or a list of runs, got ${typeof runs}`);
  let covered = 0;
  for (let i = 0; i < runs.length; i++) {
    const run = runs[i] as number;
    if (!Number.isSafeInteger(run) || run < 0 || covered + run > total)
      throw invalid(`run ${i} of length ${run} does not fit ${height} x ${width} pixels`);
    covered += run;
    if (i % PAUSE_AFTER === PAUSE_AFTER - 1) yield;
  }
  if (covered !== total) throw invalid(`the runs cover ${covered} of ${height} x ${width} pixels`);
  return runs as readonly number[];
}

/** Number of marked pixels, without drawing them. @throws ANNOTATION_INVALID when the runs do not add up to the size */
export function cocoRleArea(rle: CocoRle): number {
  const runs = runsFromCocoRle(rle);
  let area = 0;
  for (let i = 1; i < runs.length; i += 2) area += runs[i] as number;
  return area;
}

/** Height and width, checked. @throws ANNOTATION_INVALID */
export function cocoRleSize(rle: CocoRle): readonly [height: number, width: number] {
  const size: unknown = (rle as CocoRle | null | undefined)?.size;
  const [height, width] = Array.isArray(size) && size.length === 2 ? (size as number[]) : [];
  if (!isSize(height) || !isSize(width) || height * width > MAX_MASK_PIXELS) {
    throw invalid(`expected a size [height, width] of 1 to ${MAX_MASK_PIXELS} pixels, got ${JSON.stringify(size)}`);
  }
  return [height, width];
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

/** Any difference of two runs within this fits the six groups of five bits that are read below. */
const MAX_MASK_PIXELS = 2 ** 29 - 1;
/** Groups of five bits that one count takes at most. */
const MAX_GROUPS = 7;

function invalid(problem: string): ProsamError {
  return new ProsamError('ANNOTATION_INVALID', `COCO RLE: ${problem}.`);
}

/**
 * Each count (from the third on: its difference to the count two before) in groups of five bits, low first, as characters
 * from '0' on; bit 5 says that more follow, the last group's bit 4 is the sign.
 */
function* textSteps(runs: readonly number[]): Steps<string> {
  let bytes = new Uint8Array(2 * runs.length + MAX_GROUPS);
  let length = 0;
  for (let i = 0; i < runs.length; i++) {
    if (length + MAX_GROUPS > bytes.length) {
      const larger = new Uint8Array(2 * bytes.length);
      larger.set(bytes);
      bytes = larger;
    }
    let rest = i > 2 ? (runs[i] as number) - (runs[i - 2] as number) : (runs[i] as number);
    for (;;) {
      const group = rest & 0x1f;
      rest >>= 5;
      const done = group & 0x10 ? rest === -1 : rest === 0;
      bytes[length++] = (done ? group : group | 0x20) + 48;
      if (done) break;
    }
    if (i % PAUSE_AFTER === PAUSE_AFTER - 1) yield;
  }
  return new TextDecoder().decode(bytes.subarray(0, length));
}

function* runsFromText(text: string, total: number): Steps<number[]> {
  const runs: number[] = [];
  let value = 0;
  let shift = 0;
  for (let i = 0; i < text.length; i++) {
    if (i % PAUSE_AFTER === PAUSE_AFTER - 1) yield;
    const code = text.charCodeAt(i) - 48;
    if (code < 0 || code > 63) throw invalid(`the counts hold the character ${JSON.stringify(text[i])}`);
    value |= (code & 0x1f) << shift;
    shift += 5;
    if (code & 0x20) {
      if (shift === 30) throw invalid('a count is too large');
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
