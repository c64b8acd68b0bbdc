/** The question with the same answer. */
export type Same = 'plain' | ((plain: Question) => Question | Promise<Question>);

/** A kind of file or number that people arrive with, and the right answer to it. */
import type { Question } from './ways.ts';

export interface Case {
  name: string;
  /** What is asked instead of the plain question. */
  question: (plain: Question) => Question | Promise<Question>;
  /**
   * The right answer:
   * - same: the mask of the plain question, or of another one
   * - iou: at least this overlap with it, where samples cannot be the same to the last bit
   * - code, says: an error, and words of its message
   */
  expected: { same: Same; iou?: number } | { code: string; says: readonly string[] };
  /** Words of a notice that must be said beside the answer. */
  said?: readonly string[];
  /** Codes of ways that refuse earlier than the engine. */
  codes?: { CLI?: string; HTTP?: string };
}
