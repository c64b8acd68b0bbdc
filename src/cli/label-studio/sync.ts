/** `prosam label-studio sync`: has the running service compare a project's annotations with Label Studio now. */
import { createBackendClient } from './backend-client.ts';
import type { LabelStudioContext } from './context.ts';
import type { Terminal } from '../common/terminal.ts';
import { EXIT } from '../common/usage.ts';

export interface SyncOptions {
  json: boolean;
  /** All that is missing in Label Studio is gone. */
  acceptRemovals: boolean;
  /** What Label Studio shows counts again although it was removed here. */
  restore: boolean;
}

/** -> exit code @throws LABEL_STUDIO_* */
export async function sync(
  context: LabelStudioContext & { project: number },
  { print, warn, signal }: Terminal,
  { json, acceptRemovals, restore }: SyncOptions,
): Promise<number> {
  const backend = createBackendClient(context);
  const project = await context.client.project(context.project, { signal });
  await backend.setup(project, signal);
  const report = await backend.sync(project, { acceptRemovals, restore }, signal);
  const { annotations, tasks, stored, removed, failed, missing, refused } = report;
  if (json) print(JSON.stringify(report));
  else {
    print(`${annotations} annotations in ${tasks} tasks: ${stored} newly counted, ${removed} removed, ${failed} not taken`);
    if (refused !== undefined)
      warn(`${missing} are missing and were not removed: ${refused}. If they are gone, repeat this with --accept-removals.`);
  }
  return failed > 0 || refused !== undefined ? EXIT.someFailed : EXIT.ok;
}
