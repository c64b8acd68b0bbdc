/** Options of reading image files that leave a choice: the values that are black and white, and the page. */
import { MAX_PAGE, type ImageReading } from '../../core/image/values/reading.ts';
import { UsageError } from './command.ts';
import { numberIn } from './parse.ts';
import { options, type Values } from './spec.ts';

export const READING_OPTIONS = options({
  'value-range': {
    ...{ type: 'text', value: 'BLACK,WHITE' },
    about: 'sample values that are read as black and white in images of more than 8 bits, signed ones and floats',
    otherwise: "by the format, or by each image's own values",
  },
  page: {
    ...{ type: 'whole', min: 1, max: MAX_PAGE, value: 'N' },
    about: 'page or frame of files with several',
    otherwise: 'the first, or the largest behind a thumbnail',
  },
});

/** @throws UsageError for a range that is none */
export function readingFrom({ valueRange, page }: Partial<Values<typeof READING_OPTIONS>>): ImageReading {
  return { ...(valueRange !== undefined && { valueRange: rangeOf(valueRange) }), ...(page !== undefined && { page }) };
}

function rangeOf(text: string): [number, number] {
  const numbers = text.split(',').map((part) => numberIn('value-range', part, { type: 'number' }));
  const [black, white] = numbers;
  if (numbers.length === 2 && black !== undefined && white !== undefined && black < white) return [black, white];
  throw new UsageError(
    `--value-range: expected two numbers BLACK,WHITE with BLACK below WHITE, such as 0,4095, got ${JSON.stringify(text)}.`,
  );
}
