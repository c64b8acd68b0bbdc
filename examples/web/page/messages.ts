/** Messages of the page: for people who see it, and for those who do not. */
import { element } from 'prosam/client/page';

/** For screen readers: what just happened. */
export function announce(text: string): void {
  element('status').textContent = text;
}

/** Shows an error with its advice; it stays. */
export function showProblem(problem: unknown): void {
  const box = element('problem');
  box.hidden = problem === undefined;
  box.textContent = problem === undefined ? '' : problem instanceof Error ? problem.message : JSON.stringify(problem);
}
