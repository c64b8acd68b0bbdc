/** From the rows of prompted objects to mean IoU per prompt and number of clicks. */
import { bootstrapMean } from './bootstrap.ts';
import { MAX_CLICKS } from './object-prompts.ts';
import { rankWithinFolds } from './rank-correlation.ts';
import type { PromptResult, PromptRow } from './result.ts';

/** Numbers of clicks whose mean is one figure. One click is too ambiguous to judge a model by. */
const SEVERAL = { from: 2, to: MAX_CLICKS };

/** One result per model and prompt, in the order of the rows: a box; each number of clicks, and several clicks in the mean. */
export function summarizePrompts(rows: readonly PromptRow[], seed: number): PromptResult[] {
  const groups = new Map<string, PromptRow[]>();
  for (const row of rows) {
    const key = `${row.prompt}\n${row.model}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].flatMap((own) => {
    const [{ prompt, model }] = own as [PromptRow];
    const result = (name: string, from: number, to: number): PromptResult => {
      const shares = own.map(({ fold, ious, samIous }) => ({
        fold,
        iou: mean(ious.slice(from - 1, to)),
        expected: mean(samIous.slice(from - 1, to)),
      }));
      const { value, low, high } = bootstrapMean(
        shares.map(({ iou }) => iou),
        seed,
      );
      const rankCorrelation = rankWithinFolds(shares);
      return {
        ...{ model, prompt: name, objects: own.length },
        iou: { value: 100 * value, low: 100 * low, high: 100 * high },
        ...(rankCorrelation !== undefined && { rankCorrelation }),
      };
    };
    if (prompt === 'box') return [result('box', 1, 1)];
    const counts = Array.from({ length: MAX_CLICKS }, (_, i) => i + 1);
    return [
      ...counts.map((count) => result(`${count} click${count === 1 ? '' : 's'}`, count, count)),
      result(`${SEVERAL.from} to ${SEVERAL.to} clicks`, SEVERAL.from, SEVERAL.to),
    ];
  });
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
