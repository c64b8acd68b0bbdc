/** `prosam label-studio doctor`: checks everything a connection needs, from the network to the labels, with a fix for each problem. */
import { findingText, problemsOf, verdictText } from '../../../core/common/finding.ts';
import { createFetchImage } from '../../../adapters/label-studio/connection/images.ts';
import { shownTitle } from '../../../adapters/label-studio/connection/project.ts';
import { describeProblem, webhookProblems } from '../../../adapters/label-studio/connection/webhook.ts';
import { isPersonalToken } from '../../../adapters/label-studio/api/credentials.ts';
import type { ApiProject } from '../../../adapters/label-studio/api/responses.ts';
import { hostAndPort } from '../../../adapters/http/address-check.ts';
import { valueAt } from '../../../adapters/label-studio/protocol/task-data.ts';
import { createImageSources } from '../../../adapters/http/images/image-sources.ts';
import { parseLabelConfig } from '../../../adapters/label-studio/protocol/label-config.ts';
import { isProsamError, messageOf } from '../../../core/common/errors.ts';
import { createBackendClient, keyOf } from '../backend-client.ts';
import { backendFindings, labelConfigFindings, legacyFindings, note, right, versionFinding, wrong, type Finding } from './checks.ts';
import { authorizationOf, type LabelStudioContext } from '../context.ts';
import { EXIT, type Terminal } from '../../common/command.ts';

/** Resolves to the exit code. */
export async function doctor(context: LabelStudioContext, { print }: Terminal, { json }: { json: boolean }): Promise<number> {
  const findings = await examine(context);
  if (json) print(JSON.stringify({ labelStudio: context.client.url, backend: context.backend, findings }));
  else [...findings.map((finding) => findingText(finding)), verdictText(findings)].forEach(print);
  return problemsOf(findings).length === 0 ? EXIT.ok : EXIT.someFailed;
}

/** Runs the checks in order, and stops where the next ones need an answer that did not come. */
export async function examine(context: LabelStudioContext): Promise<Finding[]> {
  const { client, project } = context;
  const findings: Finding[] = [];
  const reached = await attempt(() => client.version());
  findings.push(
    'value' in reached
      ? versionFinding(reached.value)
      : wrong('reach', reached.text, `start Label Studio, or correct --url (${client.url})`),
  );
  findings.push(...(await serviceFindings(context)));
  if (!('value' in reached)) return findings;
  const credentials = await credentialFindings(context);
  findings.push(...credentials);
  if (credentials.some(({ what, state }) => what === 'token' && state === 'problem')) return findings;
  if (project === undefined) {
    findings.push(note('project', 'none was named, so that connections, webhooks and labels were not looked at', 'add --project N'));
    return findings;
  }
  const found = await attempt(() => client.project(project));
  if (!('value' in found)) return [...findings, wrong('project', found.text, 'use the number in the address of the project')];
  return [...findings, ...(await projectFindings(context, found.value))];
}

async function serviceFindings({
  fromHere,
  backend,
  login,
  loginMissing,
  token,
  client,
  settings,
}: LabelStudioContext): Promise<Finding[]> {
  const findings: Finding[] = [];
  const response = await attempt(() => createBackendClient({ backend, fromHere, login, token, client }).health());
  if ('value' in response) findings.push(right('service', `${response.value} answers at ${fromHere}`));
  else if (response.code === 'LABEL_STUDIO_REFUSED') {
    findings.push(
      wrong(
        'service',
        `${fromHere} does not accept the login`,
        'set PROSAM_LABEL_STUDIO_LOGIN=user:password for "prosam serve" and here, or give --login',
      ),
    );
  } else
    findings.push(
      wrong(
        'service',
        `nothing answers at ${fromHere}/health as a model would`,
        'start "prosam serve", or correct --backend and --from-here',
      ),
    );
  if (settings.labelStudio.url === undefined) {
    findings.push(
      note(
        'service',
        'no address of Label Studio is configured here, and without one "prosam serve" lets none connect',
        `start "prosam serve" with PROSAM_LABEL_STUDIO_URL=${client.url}, or the address at which it reaches Label Studio`,
      ),
    );
  }
  if (loginMissing) {
    findings.push(
      wrong(
        'login',
        'this service asks for tokens, which Label Studio cannot send',
        'add a user and password: PROSAM_LABEL_STUDIO_LOGIN=user:password',
      ),
    );
  }
  if (new URL(backend).hostname !== new URL(fromHere).hostname) findings.push(note('service', `Label Studio is to use ${backend}`));
  return findings;
}

async function credentialFindings(context: LabelStudioContext): Promise<Finding[]> {
  const { client, token } = context;
  const what = 'token';
  if (token === undefined || token === '')
    return [wrong(what, 'none was given', 'copy one from Account & Settings in Label Studio into PROSAM_LABEL_STUDIO_TOKEN')];
  const kind = isPersonalToken(token) ? 'personal access token' : 'legacy token';
  const who = await attempt(() => client.whoami());
  if (!('value' in who)) {
    const fix =
      kind === 'legacy token'
        ? 'legacy tokens are off unless an administrator switches them on (Organization > API Tokens Settings, or LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN=true at the very first start): make a personal access token in Account & Settings instead'
        : 'make a new personal access token in Account & Settings';
    return [wrong(what, who.text, fix)];
  }
  return [right(what, `${kind} of ${who.value.email || `user ${who.value.id}`}`), ...(await legacyFindings(context))];
}

async function projectFindings(context: LabelStudioContext, project: ApiProject): Promise<Finding[]> {
  const { client, backend, login } = context;
  const connectFix = `prosam label-studio connect --project ${project.id} --backend ${backend}`;
  const findings = [right('project', `${project.id} "${shownTitle(project.title)}"`), ...labelConfigFindings(project)];
  const [backends, webhooks] = [await client.backends(project.id), await client.webhooks(project.id)];
  findings.push(...backendFindings(backends, backend, connectFix));
  const authorization = authorizationOf(login);
  const problems = webhookProblems(webhooks, backends, { backendUrl: backend, ...(authorization !== undefined && { authorization }) });
  findings.push(...problems.map((problem) => wrong('webhook', describeProblem(problem), connectFix)));
  if (problems.length === 0 && webhooks.length > 0) findings.push(right('webhook', 'tells this service of annotations'));
  // A service that was not introduced to the project, or is of an older version, does not know it.
  const compared = await attempt(() => createBackendClient(context).problem(project));
  if ('value' in compared && compared.value !== undefined) {
    const fix = `when that is put right: prosam label-studio sync --project ${project.id}`;
    findings.push(wrong('annotations', compared.value, fix));
  }
  const images = await attempt(() => imageFindings(context, project));
  findings.push(
    ...('value' in images ? images.value : [wrong('images', images.text, 'look at what answers at the address of Label Studio')]),
  );
  return findings;
}

/** Checks whether the first task's image can be fetched from here. */
async function imageFindings({ client, token, settings }: LabelStudioContext, project: ApiProject): Promise<Finding[]> {
  const what = 'images';
  const field = parsedField(project);
  if (field === undefined) return [];
  for await (const task of client.tasks(project.id, { pageSize: 1 })) {
    const held = valueAt(task.data, field);
    const value: unknown = Array.isArray(held) ? held[0] : held;
    if (typeof value !== 'string')
      return [wrong(what, `task ${task.id} has no text at "${field}"`, 'import tasks with the field that the <Image> names')];
    const { allowHosts, maxBytes, timeoutMs } = settings.images;
    const images = { allowHosts, maxBytes, timeoutMs };
    const own = createImageSources({ ...images, allowHosts: [...images.allowHosts, hostAndPort(client.url)] });
    const elsewhere = createImageSources(images);
    try {
      const connection = {
        key: keyOf(project),
        projectId: project.id,
        project: '',
        hostname: client.url,
        labelConfig: '',
        extraParams: {},
      };
      const fetchImage = createFetchImage({ own, elsewhere, clients: () => client });
      const bytes = await fetchImage(task, value, { ...connection, ...(token !== undefined && { token }) });
      return [right(what, `task ${task.id}: ${bytes instanceof Uint8Array ? `${bytes.byteLength} bytes` : 'known'}`)];
    } catch (error) {
      return [
        wrong(
          what,
          `task ${task.id}: ${messageOf(error)}`,
          "private hosts of images belong into images.allowHosts (PROSAM_ALLOW_HOSTS); cloud storages into the project's Settings > Cloud Storage",
        ),
      ];
    } finally {
      await own.close();
      await elsewhere.close();
    }
  }
  return [note(what, 'the project has no tasks yet')];
}

function parsedField({ label_config }: ApiProject): string | undefined {
  try {
    return parseLabelConfig(label_config).images[0]?.field;
  } catch {
    return undefined;
  }
}

async function attempt<T>(work: () => Promise<T>): Promise<{ value: T } | { text: string; code: string | undefined }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { text: messageOf(error), code: isProsamError(error) ? error.code : undefined };
  }
}
