/** The one schema of text in requests: names, filters, reasons and addresses, in bodies, queries and paths. */
import { z } from 'zod';
import { PLAIN_TEXT } from '../../core/common/limits.ts';

/** 1 to `longest` characters of well-formed Unicode without control characters: what every store can hold. */
export function plainText(longest: number) {
  return z.string().min(1).max(longest).regex(PLAIN_TEXT, 'expected well-formed text without control characters');
}
