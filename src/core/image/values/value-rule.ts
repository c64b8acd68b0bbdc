/**
 * The rule that brings samples of any format to 0..255, once: which values become black and white where nobody says so.
 *
 * 1. 8-bit samples are read as they are.
 * 2. A value range that is given: black and white, values beyond are clipped.
 * 3. A natural full scale of the format, if the image fills more than half of it: see `FULL_SCALES`.
 * 4. Otherwise the image's own values: the range that leaves out the lowest and the highest thousandth, of all channels together, so
 *    that single hot pixels do not move it and colours keep their balance.
 *
 * NaN, infinities and the file's own mark for no data take no part in it; they become black, +infinity white.
 */
import type { Notice } from '../../common/notice.ts';
import { ProsamError } from '../../common/errors.ts';
import { PAUSE_AFTER_PLAIN, type Steps } from '../../mask/cooperative.ts';
import type { ValueRange } from './reading.ts';
import type { Samples, SampleType } from './samples.ts';

/** Full scales that an image may fill, in ascending order: 8 and 12 bits in a wider format, the format's own; 1 and 255 of floats. */
const FULL_SCALES: Readonly<Record<SampleType, readonly number[]>> = {
  uint8: [255],
  int8: [127],
  uint16: [255, 4095, 65_535],
  int16: [255, 4095, 32_767],
  uint32: [255, 4095, 65_535, 2 ** 32 - 1],
  int32: [255, 4095, 65_535, 2 ** 31 - 1],
  uint64: [255, 4095, 65_535, 2 ** 32 - 1],
  int64: [255, 4095, 65_535, 2 ** 31 - 1],
  float16: [1, 255],
  float32: [1, 255],
  float64: [1, 255],
};

/** Formats whose own full scale is meant by definition: filled, it needs no notice. */
const WHOLE: Partial<Record<SampleType, number>> = { uint8: 255, uint16: 65_535 };

/** Share of the values at either end that has no say in the range. */
const LEFT_OUT = 0.001;
/** Values that are looked at for the range, spread evenly. */
const LOOKED_AT = 2 ** 18;
/** Values as large as this are marks for no data, such as the lowest float. */
const HUGE = 1e37;
/** Share of a full scale that values may lie below 0 or above it: what filters leave of black and white. */
const BEYOND = 0.01;
/** Fraction of the golden ratio: its multiples fill 0..1 evenly, in step with no row and no column. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

interface Levels {
  /** 0..255, as many as there are samples. */
  levels: Uint8Array;
  notices: Notice[];
}

/** @throws IMAGE_UNREADABLE for an image without a single number */
export function* levelsOf(samples: Samples, label: string, asked: ValueRange | undefined): Steps<Levels> {
  const { data, type, inverted = false } = samples;
  const notices: Notice[] = [];
  if (type === 'uint8') {
    if (asked) notices.push(unused(asked));
    return { levels: inverted ? (data.map((value) => 255 - value) as Uint8Array) : (data as Uint8Array), notices };
  }
  const facts = yield* look(samples);
  if (facts.numbers === 0)
    throw new ProsamError(
      'IMAGE_UNREADABLE',
      `${label}: expected samples that are numbers, got ${type} samples all of which are NaN, infinite or marked as no data. Write the image again.`,
    );
  if (facts.numbers < data.length) notices.push(missing(data.length - facts.numbers, data.length));
  if (facts.least === facts.most) notices.push(constant(type, facts.least));
  const [black, white] = asked ?? rangeOf(type, facts, notices);
  const levels = yield* mapped(samples, black, white, inverted);
  return { levels, notices };
}

/** Notice about a range that has no meaning for 8-bit samples. */
export function unused([black, white]: ValueRange): Notice {
  return {
    code: 'VALUE_RANGE_UNUSED',
    message: `the value range ${black} to ${white} was not used: the samples are 8 bit and are read as they are, 0 to 255.`,
  };
}

function missing(count: number, of: number): Notice {
  const message = `${count} of ${of} samples are NaN, infinite or marked as no data; they are read as black (+infinity as white).`;
  return { code: 'VALUES_MISSING', message };
}

function constant(type: SampleType, value: number): Notice {
  return { code: 'VALUES_CONSTANT', message: `every ${type} sample that is a number is ${value}: there is nothing to see in this image.` };
}

interface Facts {
  numbers: number;
  least: number;
  most: number;
  /** Without the lowest and the highest thousandth. */
  low: number;
  high: number;
}

const isNumber = (value: number, noData: number | undefined): boolean => value > -HUGE && value < HUGE && value !== noData;

function* look({ data, noData }: Samples): Steps<Facts> {
  let [numbers, least, most] = [0, Infinity, -Infinity];
  for (let start = 0; start < data.length; start += PAUSE_AFTER_PLAIN) {
    for (let i = start, end = Math.min(data.length, start + PAUSE_AFTER_PLAIN); i < end; i++) {
      const value = data[i] as number;
      if (!isNumber(value, noData)) continue;
      numbers++;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    yield;
  }
  const count = Math.min(data.length, LOOKED_AT);
  const all = count === data.length;
  const seen = new Float64Array(count);
  let found = 0;
  for (let i = 0; i < count; i++) {
    const value = data[all ? i : Math.floor(((i * GOLDEN) % 1) * data.length)] as number;
    if (isNumber(value, noData)) seen[found++] = value;
  }
  yield;
  const sorted = seen.subarray(0, found).sort();
  const at = (share: number): number => sorted[Math.round(share * (found - 1))] ?? NaN;
  return found === 0
    ? { numbers, least, most, low: least, high: most }
    : { numbers, least, most, low: at(LEFT_OUT), high: at(1 - LEFT_OUT) };
}

/** Black and white where nobody named them; says what was taken. */
function rangeOf(type: SampleType, { least, most, low, high }: Facts, notices: Notice[]): ValueRange {
  if (least === most) return WHOLE[type] === undefined ? [least, least + 1] : [0, WHOLE[type]];
  const full = FULL_SCALES[type].find((scale) => high > scale / 2 && high <= (1 + BEYOND) * scale && low >= -BEYOND * scale);
  if (full !== undefined && full === WHOLE[type]) return [0, full];
  const found = `the samples are ${type}, from ${short(least)} to ${short(most)}`;
  const remedy =
    'Name another range with --value-range BLACK,WHITE (valueRange in the SDK and over HTTP), the same for all images of a kind.';
  if (full !== undefined) {
    notices.push({ code: 'VALUES_SCALED', message: `${found}; 0 is read as black and ${full} as white. ${remedy}` });
    return [0, full];
  }
  // What is left of an image that is nearly all background lies in its last thousandth.
  const [black, white] = low < high ? [low, high] : [least, most];
  const message = `${found}; ${short(black)} is read as black and ${short(white)} as white, this image's own range. ${remedy}`;
  notices.push({ code: 'VALUES_SCALED', message });
  return [black, white];
}

const short = (value: number): string => String(Number(value.toPrecision(6)));

function* mapped({ data, noData }: Samples, black: number, white: number, inverted: boolean): Steps<Uint8Array> {
  const out = new Uint8Array(data.length);
  // Halves first: the difference of two large floats may be no number.
  const span = white / 2 - black / 2;
  const level = (value: number): number => {
    if (value !== value || value === noData || (value <= -HUGE && value !== black)) return 0;
    const share = Math.min(1, Math.max(0, (value / 2 - black / 2) / span));
    return Math.round(255 * (inverted ? 1 - share : share));
  };
  const table = data instanceof Uint16Array ? Uint8Array.from({ length: 2 ** 16 }, (_, value) => level(value)) : undefined;
  for (let start = 0; start < out.length; start += PAUSE_AFTER_PLAIN) {
    const end = Math.min(out.length, start + PAUSE_AFTER_PLAIN);
    if (table) for (let i = start; i < end; i++) out[i] = table[data[i] as number] as number;
    else for (let i = start; i < end; i++) out[i] = level(data[i] as number);
    yield;
  }
  return out;
}
