/** Numbers fitted to a label's accepted masks in seconds, as plain data that can be stored as JSON and read back. */
import * as z from 'zod';
import { ProsamError } from '../common/errors.ts';

/**
 * Maps of a target that are taken, or added up. 'tuned' is the one of the tuned prompt encoder, 'likelier' that or the own one's, whichever is
 * expected to have the larger IoU.
 */
export const LEARNED_MAPS = ['prosam', 'nearest', 'probe', 'redrawn', 'sharpened', 'pieces', 'likelier', 'tuned'] as const;
export type LearnedMap = (typeof LEARNED_MAPS)[number];
/** Maps that are drawn without fitted numbers. */
export const PLAIN_MAPS = ['prosam', 'nearest', 'pieces'] as const satisfies readonly LearnedMap[];
export type PlainMap = (typeof PLAIN_MAPS)[number];

/**
 * Images from which on what left-out ones say is believed in every target, and weights of maps are fitted. Of five images they said 0.68 of a
 * label that had 0.45 elsewhere, and weights fitted to five lost 0.06 on another.
 */
export const ENOUGH_EXAMPLES = 8;

const MAX_WIDTH = 2 ** 14;
const MAX_CHANGE = 2 ** 18;
const number = z.number().min(-1e9).max(1e9);
const share = z.number().min(0).max(1);
const MAX_EXAMPLES = 1000;

/** Numbers fitted to one label: `engine.fit` makes them, `learned` of a prediction takes them. */
export interface LearnedValues {
  format: 'prosam-learned/1';
  /** Stands for the networks whose features the numbers are for. */
  features: string;
  /** Id of the prompt encoder they were fitted with, where it was not the model's own. */
  promptEncoder?: string | undefined;
  label: string;
  /** Images they were fitted to. */
  examples: number;
  /** IoU in each of those images, predicted from the others: without these numbers, and with numbers fitted to the others, 0 to 1. */
  held: { plain: number; learned: number }[];
  /** Absent where what is drawn without them was better. */
  numbers?:
    | {
        /** Weights of a cell's features; the last one is the constant. */
        probe: number[];
        bias: number;
        /** Weight of each map. */
        maps: Partial<Record<LearnedMap, number>>;
        /** Map that stands in where what is drawn shows something else than it does: the better one of those that need no numbers. @default none does */
        plain?: PlainMap | undefined;
        /** Change of the weights that draw the coarse mask of the model's own prompt encoder, where the map 'tuned' or 'likelier' is taken. */
        change?: number[] | undefined;
      }
    | undefined;
}

const schema: z.ZodType<LearnedValues> = z.strictObject({
  format: z.literal('prosam-learned/1'),
  features: z.string().min(1).max(200),
  promptEncoder: z.string().max(200).optional(),
  label: z.string().min(1).max(1000),
  examples: z.int().min(0).max(MAX_EXAMPLES),
  held: z.array(z.strictObject({ plain: share, learned: share })).max(MAX_EXAMPLES),
  numbers: z
    .strictObject({
      probe: z.array(number).min(2).max(MAX_WIDTH),
      bias: number,
      maps: z.partialRecord(z.enum(LEARNED_MAPS), number),
      plain: z.enum(PLAIN_MAPS).optional(),
      change: z.array(number).min(1).max(MAX_CHANGE).optional(),
    })
    .optional(),
});

/** From JSON, or as an option of a call. @throws OPTION_INVALID */
export function parseLearnedValues(value: unknown): LearnedValues {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ProsamError(
    'OPTION_INVALID',
    `learned: expected what fit returned (prosam-learned/1), got something else at ${issue?.path.join('.') || 'its top'}: ${issue?.message}. Fit again.`,
  );
}
