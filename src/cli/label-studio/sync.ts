/** `prosam label-studio sync`: compares the running service's annotations of a project with Label Studio now. */
import { createBackendClient } from './backend-client.ts';
import type { LabelStudioContext } from './context.ts';
import { projectText } from './project-text.ts';
import { EXIT, type Terminal } from '../common/command.ts';

export interface SyncOptions {
  json: boolean;
  /** Removes everything that is missing in Label Studio. */
  acceptRemovals: boolean;
  /** Reactivates annotations that Label Studio shows although they were removed here. */
  restore: boolean;
}

/** Resolves to the exit code. @throws LABEL_STUDIO_* */
export async function sync(
  context: LabelStudioContext & { project: number },
  { print, warn, signal }: Terminal,
  { json, acceptRemovals, restore }: SyncOptions,
): Promise<number> {
  const backend = createBackendClient(context);
  const project = await context.client.project(context.project, { signal });
  await backend.setup(project, signal);
  const report = await backend.sync(project, { acceptRemovals, restore }, signal);
  const { annotations, tasks, stored, removed, failed, failure, missing, refused } = report;
  if (json) print(JSON.stringify(report));
  else {
    print(
      `${projectText(project)}: ${annotations} annotations in ${tasks} tasks: ${stored} newly counted, ${removed} removed, ${failed} not taken`,
    );
    if (failure !== undefined) warn(`Not taken, as the first of them: ${failure}`);
    if (refused !== undefined)
      warn(`${missing} are missing and were not removed: ${refused}. If they are gone, repeat this with --accept-removals.`);
  }
  return failed > 0 || refused !== undefined ? EXIT.someFailed : EXIT.ok;
}
