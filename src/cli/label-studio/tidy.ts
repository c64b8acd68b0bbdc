/** `prosam label-studio tidy`: deletes predictions of earlier versions that no annotation was begun from. */
import { deleteOutdated } from '../../adapters/label-studio/connection/outdated.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { createBackendClient } from './backend-client.ts';
import type { LabelStudioContext } from './context.ts';
import { projectText } from './project-text.ts';

export interface TidyOptions {
  json: boolean;
  /** Also where a task has no prediction of the version in service. */
  all: boolean;
}

/** Resolves to the exit code. @throws LABEL_STUDIO_* */
export async function tidy(
  context: LabelStudioContext & { project: number },
  { print, signal }: Terminal,
  { json, all }: TidyOptions,
): Promise<number> {
  const { client, project: id } = context;
  const project = await client.project(id, { signal });
  const version = await createBackendClient(context).setup(project, signal);
  const { deleted, used, waiting } = await deleteOutdated(client, { projectId: id, version, withoutSuccessor: all, signal });
  if (json) print(JSON.stringify({ project: id, version, deleted, used, waiting: waiting.size }));
  else
    print(
      `${projectText(project)}: ${deleted} earlier predictions deleted, ${used} kept for their annotations, ${waiting.size} tasks wait for one of ${version}`,
    );
  return EXIT.ok;
}
