/** Expected IoU of a mask by the probabilities of its own method. */
import type { MethodResult } from '../methods/method.ts';

/** Sum of p inside the decision / (its size + sum of p outside): the IoU to expect if places were independent. 0 for an empty mask. */
export function expectedIou({ probability, decision }: Pick<MethodResult, 'probability' | 'decision'>): number {
  let inside = 0;
  let size = 0;
  let outside = 0;
  probability.data.forEach((p, i) => {
    if (decision[i] === 0) outside += p;
    else {
      inside += p;
      size++;
    }
  });
  return size === 0 ? 0 : inside / (size + outside);
}
