/** Data sets whose images are read in a way of their own. */
import { readingKey, type ImageReading } from '../core/image/values/reading.ts';
import type { Dataset } from './types.ts';

/** The same data read otherwise. Its name says so: what was made of it with another reading is not taken for it. */
export function readAs(dataset: Dataset, reading: ImageReading, onNotice: NonNullable<Dataset['onNotice']>): Dataset {
  return { ...dataset, name: `${dataset.name}${readingKey(reading)}`, reading, onNotice };
}

/** Options of an image source for a data set. */
export function sourceOptions({ reading, onNotice }: Pick<Dataset, 'reading' | 'onNotice'>) {
  return { ...reading, ...(onNotice && { onNotice }) };
}
