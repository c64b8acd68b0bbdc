/** Checks of learning from CVAT's jobs, as the running prosam reports them. */
import { messageOf } from '../../../core/common/errors.ts';
import { hereOf } from './here.ts';
import type { FacadeParts, Finding } from './checks.ts';

const what = 'learning';

/** No findings where prosam does not learn from CVAT, or does not answer, which another check finds. */
export async function checkLearning(facade: URL, { fetch: ask, token, signal }: FacadeParts): Promise<Finding[]> {
  const here = hereOf(facade);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const late = AbortSignal.timeout(10_000);
  try {
    // On the port CVAT takes for Nuclio's, and on the service's own.
    for (const path of ['/status', '/cvat/status']) {
      const response = await ask(new URL(path, here).href, { headers, signal: signal ? AbortSignal.any([signal, late]) : late });
      if (!response.ok) continue;
      const { problems } = (await response.json()) as { problems?: unknown };
      if (!Array.isArray(problems)) continue;
      if (problems.length === 0)
        return [
          { what, state: 'ok', found: 'no shape waits for review; `prosam cvat import --project N` reads back what was finished before' },
        ];
      return problems.map((problem) => ({ what, state: 'note', found: String(problem) }));
    }
    return [];
  } catch (error) {
    return [{ what, state: 'note', found: messageOf(error) }];
  }
}
