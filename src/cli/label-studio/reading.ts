/** Question to the running service whether it reads a project: its token and its images are its own, not those of a command. */
import { note, ok, problem, type Finding } from '../../core/common/finding.ts';
import { messageOf } from '../../core/common/errors.ts';
import { NO_ANSWER } from '../../core/common/retry.ts';
import type { ApiProject } from '../../adapters/label-studio/api/responses.ts';
import { OutboundError } from '../../adapters/http/outbound-response.ts';
import { createBackendClient, type SyncReport } from './backend-client.ts';
import { serveFix } from './doctor/checks.ts';
import type { LabelStudioContext } from './context.ts';

/** Longest wait for the service's first look at the annotations, in milliseconds: what it may not read shows in the first call. */
const MAX_FIRST_LOOK_MS = 15_000;

const WHAT = 'reading';

/** Compares annotations once. late: ends the wait, and not the comparison. @throws the reason of signal */
export async function readingFinding(
  context: LabelStudioContext,
  project: ApiProject,
  { signal, late = AbortSignal.timeout(MAX_FIRST_LOOK_MS) }: { signal?: AbortSignal | undefined; late?: AbortSignal } = {},
): Promise<Finding> {
  try {
    const options = { acceptRemovals: false, restore: false };
    const report = await createBackendClient(context).sync(project, options, signal ? AbortSignal.any([signal, late]) : late);
    return reportFinding(report);
  } catch (error) {
    signal?.throwIfAborted();
    if (late.aborted)
      return note(WHAT, 'the service is still reading the annotations of the project', 'prosam label-studio doctor says how it went');
    return problem(WHAT, `the service cannot read the project: ${messageOf(error)}`, fixOf(error, context));
  }
}

function reportFinding({ annotations, failed, failure, refused }: SyncReport): Finding {
  if (failed > 0) {
    const why = failure === undefined ? '' : `: ${failure}`;
    const fix =
      "what the service may fetch: private hosts of images belong into images.allowHosts (PROSAM_ALLOW_HOSTS), cloud storages into the project's Settings > Cloud Storage; its log names every annotation";
    return problem(WHAT, `the service could not take ${failed} of ${annotations} annotations${why}`, fix);
  }
  if (refused !== undefined) return note(WHAT, `the service misses annotations and removed none: ${refused}`, 'prosam label-studio doctor');
  return ok(WHAT, 'the service reads the annotations of the project');
}

function fixOf(error: unknown, { client, fromHere }: LabelStudioContext): string {
  switch (error instanceof OutboundError ? error.answered : undefined) {
    case NO_ANSWER:
      return 'look whether "prosam serve" still runs, then connect again';
    case 401:
    case 403:
      return 'set PROSAM_LABEL_STUDIO_LOGIN=user:password for "prosam serve" and here, or give --login, of a user who may write';
    case 404:
      return `correct --backend and --from-here (${fromHere}), or update "prosam serve"`;
    default:
      return serveFix(client.url);
  }
}
