/** `prosam label-studio connect`: makes this service a project's model, through Label Studio's own interface. */
import { findingText, problemsOf, type Finding } from '../../core/common/finding.ts';
import type { ApiBackend } from '../../adapters/label-studio/api/responses.ts';
import type { NewBackend } from '../../adapters/label-studio/api/connection-calls.ts';
import { describeProblem, repairWebhook, sameService } from '../../adapters/label-studio/connection/webhook.ts';
import { isProsamError } from '../../core/common/errors.ts';
import { createBackendClient } from './backend-client.ts';
import { labelConfigFindings, legacyFindings, SSRF_FIX } from './doctor/checks.ts';
import { projectText } from './project-text.ts';
import { readingFinding } from './reading.ts';
import { authorizationOf, type LabelStudioContext } from './context.ts';
import { EXIT, type Terminal } from '../common/command.ts';

const TITLE = 'ProSAM';

/** Resolves to the exit code. @throws LABEL_STUDIO_* */
export async function connect(
  context: LabelStudioContext & { project: number },
  { print, warn, signal }: Terminal,
  { json }: { json: boolean },
): Promise<number> {
  const { client, backend, login, project: id } = context;
  const say = (line: string): void => {
    if (!json) print(line);
  };
  const project = await client.project(id, { signal });
  const model = await createBackendClient(context).health();
  say(`${model} answers at ${context.fromHere}`);
  // Without these two nothing is predicted, or nothing is ever read: whoever connects must hear of it now.
  const findings: Finding[] = [...labelConfigFindings(project), ...(await legacyFindings(context))];
  for (const finding of findings) if (finding.state !== 'ok') warn(findingText(finding));
  const connected = await connectBackend(context, signal);
  say(`${projectText(project)} asks it at ${backend} (version ${connected.backend?.model_version ?? 'unknown'})`);
  const authorization = authorizationOf(login);
  const problems: string[] = [];
  if (connected.webhooksRefused)
    warn(`Label Studio refuses webhooks to this address: ${SSRF_FIX}. Annotations are pulled every few minutes instead.`);
  try {
    const repaired = await repairWebhook(
      client,
      id,
      { backendUrl: backend, ...(authorization !== undefined && { authorization }) },
      { signal },
    );
    problems.push(...repaired.map(describeProblem));
  } catch (error) {
    if (!connected.webhooksRefused) throw error;
  }
  problems.forEach((problem) => say(`put right: ${problem}`));
  const unread = await readingFinding(context, project, { signal });
  findings.push(unread);
  if (unread.state !== 'ok') warn(findingText(unread));
  const blocked = problemsOf(findings).length > 0;
  // Predictions are shown to people who open a task.
  // The model that answers when one is opened is the one whose title the project names as its version.
  const { title } = connected.backend ?? {};
  const shown = title && project.model_version !== title ? { model_version: title } : {};
  await client.updateProject(id, { show_collab_predictions: true, ...shown }, { signal });
  if (json) {
    print(
      JSON.stringify({
        project: id,
        backend,
        backendId: connected.backend?.id,
        version: connected.backend?.model_version,
        repaired: problems,
        webhooks: !connected.webhooksRefused,
        problems: problemsOf(findings).map((finding) => findingText(finding)),
      }),
    );
  } else if (!blocked)
    print(
      `label one image, then select others in the Data Manager and choose Actions > Retrieve Predictions: ${client.url}/projects/${id}/data`,
    );
  return connected.webhooksRefused || blocked ? EXIT.someFailed : EXIT.ok;
}

async function connectBackend(
  { client, backend, login, project }: LabelStudioContext & { project: number },
  signal: AbortSignal | undefined,
): Promise<{ backend: ApiBackend | undefined; webhooksRefused: boolean }> {
  const wanted: NewBackend = {
    ...{ project, url: backend, title: TITLE, is_interactive: true },
    ...(login ? { auth_method: 'BASIC_AUTH', basic_auth_user: login.user, basic_auth_pass: login.password } : { auth_method: 'NONE' }),
  };
  const mine = async () => (await client.backends(project, { signal })).find(({ url }) => sameService(url, backend));
  const before = await mine();
  // A title somebody gave, or the version that scores are shown of, stays.
  if (before?.title) wanted.title = before.title;
  try {
    const made = before ? await client.updateBackend(before.id, wanted, { signal }) : await client.createBackend(wanted, { signal });
    return { backend: made, webhooksRefused: false };
  } catch (error) {
    if (!isProsamError(error) || !/reserved network/i.test(error.message)) throw error;
    // The connection is made before its webhook is refused: where it exists, everything but the webhook works.
    const left = await mine();
    if (left && (left.state === 'CO' || left.state === 'PR' || left.state === 'TR')) return { backend: left, webhooksRefused: true };
    throw Object.assign(error, { message: `${error.message} Fix: ${SSRF_FIX}.` });
  }
}
