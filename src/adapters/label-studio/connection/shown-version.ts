/**
 * The version that a project's scores are of. Label Studio averages the scores of predictions whose version is the project's own
 * `model_version`, and asks a model when a task is opened only where that is the title of its connection. Both hold when title and
 * `model_version` are the version itself.
 */
import { isAnswerVersion } from '../../../service/answer-version.ts';
import type { LabelStudioClient } from '../api/client.ts';
import type { ApiBackend, ApiProject } from '../api/types.ts';

export interface ShownVersionParts {
  client: Pick<LabelStudioClient, 'backends' | 'updateBackend' | 'updateProject'>;
  project: ApiProject;
  version: string;
  /** Whether a connection is to this service. @default the one that has one of its versions */
  isOwn?: ((url: string) => boolean) | undefined;
  /** Password of a user of this service, for the connection to be accepted again. */
  passwordOf?: ((user: string) => string | undefined) | undefined;
  signal?: AbortSignal | undefined;
}

/** - 'same': nothing to do - 'changed' - 'not ours': people chose another model, or there is no connection to this service */
export type ShownVersion = 'same' | 'changed' | 'not ours';

/** @throws LABEL_STUDIO_* */
export async function showVersion(parts: ShownVersionParts): Promise<ShownVersion> {
  const { client, project, version, isOwn, signal } = parts;
  const backends = await client.backends(project.id, { signal });
  const own = backends.find((one) => isOwn?.(one.url) ?? isAnswerVersion(one.model_version ?? ''));
  if (own === undefined || !followsUs(project, own)) return 'not ours';
  if (own.title === version && project.model_version === version) return 'same';
  if (own.title !== version) await client.updateBackend(own.id, renamed(own, version, parts), { signal });
  // A title that was the project's version before is so again, without a word; another one is not.
  await client.updateProject(project.id, { model_version: version }, { signal });
  return 'changed';
}

/** Whether a project shows the predictions of a connection, or of none. */
function followsUs({ model_version: shown }: Pick<ApiProject, 'model_version'>, { title }: Pick<ApiBackend, 'title'>): boolean {
  return shown === undefined || shown === null || shown === '' || shown === title || isAnswerVersion(shown);
}

/** Label Studio tries the connection anew with what a change of it says: address and login belong to it. */
function renamed(own: ApiBackend, title: string, { project, passwordOf }: ShownVersionParts) {
  const { url, auth_method, basic_auth_user, extra_params } = own;
  const password = basic_auth_user ? passwordOf?.(basic_auth_user) : undefined;
  const basic = auth_method === 'BASIC_AUTH' && basic_auth_user && password !== undefined;
  return {
    ...{ project: project.id, url, title },
    // It is set up anew with what the change says: without them the settings of the connection would not hold meanwhile.
    ...(extra_params !== undefined && extra_params !== null && { extra_params }),
    ...(basic && { auth_method: 'BASIC_AUTH' as const, basic_auth_user, basic_auth_pass: password }),
  };
}
