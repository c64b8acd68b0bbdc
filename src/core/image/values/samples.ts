/** Samples of an image as its file has them, before they become 8 bit. */

/** Formats of one sample. */
export const SAMPLE_TYPES = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'uint64',
  'int64',
  'float16',
  'float32',
  'float64',
] as const;
export type SampleType = (typeof SAMPLE_TYPES)[number];

export type SampleArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** Pixels row by row, channels interleaved. */
export interface Samples {
  data: SampleArray;
  type: SampleType;
  width: number;
  height: number;
  channels: 1 | 3;
  /** Value that the file says stands for nothing. */
  noData?: number | undefined;
  /** The lowest value is white. */
  inverted?: boolean;
}

/** Room for samples of a type; 64-bit integers become floats. */
export function sampleArray(type: SampleType, length: number): SampleArray {
  switch (type) {
    case 'uint8':
      return new Uint8Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'uint16':
      return new Uint16Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'float16':
    case 'float32':
      return new Float32Array(length);
    case 'uint64':
    case 'int64':
    case 'float64':
      return new Float64Array(length);
  }
}
