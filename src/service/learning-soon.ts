/** Lines on learners for answers of tools that wait for a moment only. */
import { within } from '../core/common/patience.ts';
import type { LearningLine } from './learning/lines.ts';
import type { Service } from './types.ts';

/** Tools ask for a sign of life and wait for a second or three. */
const SOON_MS = 500;

/** Lines of the projects that may be seen, for answers that must not be late: none where the stores hang. */
export async function learningSoon(service: Pick<Service, 'status'>, visible?: (project: string) => boolean): Promise<LearningLine[]> {
  const status = within(service.status(visible), { ms: SOON_MS });
  return status.then(({ learning }) => learning).catch(() => []);
}
