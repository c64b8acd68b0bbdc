/** Messages of the page: for people who see it, and for those who do not. */
import { element } from 'prosam/client/page';

/** For screen readers: what just happened. */
export function announce(text: string): void {
  element('status').textContent = text;
}

/** What went wrong, and what to do about it; nothing takes it away. */
export function showProblem(problem: unknown): void {
  const box = element('problem');
  box.hidden = problem === undefined;
  box.textContent = problem === undefined ? '' : problem instanceof Error ? problem.message : JSON.stringify(problem);
}
