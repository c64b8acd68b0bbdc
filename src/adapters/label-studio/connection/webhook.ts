/** The webhook a project tells us of annotations with: found, judged and put right. */
import { isAnswerVersion } from '../../../service/answer-version.ts';
import type { ApiBackend, ApiWebhook } from '../api/responses.ts';
import type { LabelStudioClient } from '../api/client.ts';

export interface WebhookWanted {
  /** Address of the model backend, as Label Studio calls it, without a trailing slash. */
  backendUrl: string;
  /** Value of the Authorization header; absent where this service asks for none. */
  authorization?: string;
}

export type WebhookProblem =
  /** Annotations are not told of at all. */
  | { kind: 'missing' }
  /** Several for one address: everything is told more than once. */
  | { kind: 'twice'; webhook: ApiWebhook }
  /** Label Studio sends no or other credentials, so that we refuse it. */
  | { kind: 'credentials'; webhook: ApiWebhook }
  | { kind: 'inactive'; webhook: ApiWebhook }
  /** Without what happened in it. */
  | { kind: 'empty'; webhook: ApiWebhook }
  | { kind: 'actions'; webhook: ApiWebhook; missing: string[] }
  /** Its model backend was disconnected; it stays behind. */
  | { kind: 'left behind'; webhook: ApiWebhook };

/** Actions the webhook must report. */
export const WEBHOOK_ACTIONS = [
  'ANNOTATION_CREATED',
  'ANNOTATIONS_CREATED',
  'ANNOTATION_UPDATED',
  'ANNOTATIONS_DELETED',
  'TASKS_CREATED',
  'TASKS_DELETED',
  'PROJECT_UPDATED',
] as const;

/** Without credentials, query and slashes at the end; what is no address stays as it is. */
export function comparableUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const url = new URL(text);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

const LOOPBACK =
  /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|0\.0\.0\.0|host\.docker\.internal|host\.containers\.internal|gateway\.docker\.internal)$/;

/**
 * Whether two addresses lead to the same service: localhost, 127.0.0.1 and the names containers have for their host are one machine; so is
 * any of them and a name, such as a container's, with the same port and path.
 */
export function sameService(one: string, other: string): boolean {
  const [first, second] = [comparableUrl(one), comparableUrl(other)];
  if (first === second) return true;
  if (!URL.canParse(first) || !URL.canParse(second)) return false;
  const [a, b] = [new URL(first), new URL(second)];
  if (a.protocol !== b.protocol || a.port !== b.port || trimmedPath(a) !== trimmedPath(b)) return false;
  const isLocal = ({ hostname }: URL): boolean => LOOPBACK.test(hostname) || !/[.:]/.test(hostname);
  return a.hostname === b.hostname || (isLocal(a) && isLocal(b));
}

function trimmedPath({ pathname }: URL): string {
  return pathname.replace(/\/+$/, '');
}

export function webhookProblems(webhooks: readonly ApiWebhook[], backends: readonly ApiBackend[], wanted: WebhookWanted): WebhookProblem[] {
  const own = comparableUrl(wanted.backendUrl);
  const mine = webhooks.filter(({ url }) => sameService(url, `${own}/webhook`));
  const connected = backends.some(({ url }) => sameService(url, own));
  if (!connected) return mine.map((webhook) => ({ kind: 'left behind' as const, webhook }));
  const [first, ...others] = mine;
  if (first === undefined) return [{ kind: 'missing' }];
  const problems: WebhookProblem[] = others.map((webhook) => ({ kind: 'twice', webhook }));
  if (!first.is_active) problems.push({ kind: 'inactive', webhook: first });
  if (!first.send_payload) problems.push({ kind: 'empty', webhook: first });
  if (!hasCredentials(first, wanted.authorization)) problems.push({ kind: 'credentials', webhook: first });
  const missing = first.send_for_all_actions ? [] : WEBHOOK_ACTIONS.filter((action) => !first.actions.includes(action));
  if (missing.length > 0) problems.push({ kind: 'actions', webhook: first, missing });
  return problems;
}

function hasCredentials({ headers, url }: ApiWebhook, authorization: string | undefined): boolean {
  if (authorization === undefined) return true;
  const sent = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
  if (sent !== undefined) return sent === authorization;
  const { username, password } = new URL(url);
  if (username === '') return false;
  return `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}` === authorization;
}

/** Looks, puts right what is wrong, and says what that was. @throws LABEL_STUDIO_* */
export async function repairWebhook(
  client: LabelStudioClient,
  project: number,
  wanted: WebhookWanted,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<WebhookProblem[]> {
  const [webhooks, backends] = [await client.webhooks(project, options), await client.backends(project, options)];
  const problems = webhookProblems(webhooks, backends, wanted);
  const right = { is_active: true, send_payload: true, send_for_all_actions: false, actions: WEBHOOK_ACTIONS };
  const changed = new Set<number>();
  for (const problem of problems) {
    if (problem.kind === 'missing') {
      const headers = wanted.authorization === undefined ? {} : { Authorization: wanted.authorization };
      await client.createWebhook({ project, url: `${comparableUrl(wanted.backendUrl)}/webhook`, headers, ...right }, options);
    } else if (problem.kind === 'twice' || problem.kind === 'left behind') await client.deleteWebhook(problem.webhook.id, options);
    else if (!changed.has(problem.webhook.id)) {
      changed.add(problem.webhook.id);
      const { id, url, headers } = problem.webhook;
      const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization');
      const all = Object.fromEntries(
        wanted.authorization === undefined ? Object.entries(headers) : [...others, ['Authorization', wanted.authorization]],
      );
      await client.updateWebhook(id, { url, headers: all, ...right }, options);
    }
  }
  return problems;
}

/**
 * Sentence about a webhook of this service that nothing comes through, for a service that asks for credentials and does not know its own
 * address: without it no credentials are written anywhere. undefined: there is none. @throws LABEL_STUDIO_*
 */
export async function silentWebhook(
  client: Pick<LabelStudioClient, 'webhooks' | 'backends'>,
  project: number,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<string | undefined> {
  const [webhooks, backends] = [await client.webhooks(project, options), await client.backends(project, options)];
  const own = backends.find(({ model_version }) => isAnswerVersion(model_version ?? ''));
  if (own === undefined) return undefined;
  const [problem] = webhookProblems(webhooks, [own], { backendUrl: own.url, authorization: '' }).filter(
    (one) => one.kind !== 'credentials' || !carriesCredentials(one.webhook),
  );
  if (problem === undefined || problem.kind === 'twice' || problem.kind === 'actions') return undefined;
  return (
    `Project ${project}: ${describeProblem(problem)}. Set labelStudio.backendUrl (PROSAM_LABEL_STUDIO_BACKEND_URL=${comparableUrl(own.url)}), ` +
    `and it is put right; or: prosam label-studio connect --project ${project} --backend ${comparableUrl(own.url)}.`
  );
}

function carriesCredentials({ headers, url }: ApiWebhook): boolean {
  return Object.keys(headers).some((name) => name.toLowerCase() === 'authorization') || (URL.parse(url)?.username ?? '') !== '';
}

/** For logs and people. */
export function describeProblem(problem: WebhookProblem): string {
  switch (problem.kind) {
    case 'missing':
      return 'the project has no webhook for this backend: annotations are only noticed by asking';
    case 'twice':
      return `webhook ${problem.webhook.id} repeats another one`;
    case 'credentials':
      return `webhook ${problem.webhook.id} does not send the credentials this service asks for, so that its news are refused`;
    case 'inactive':
      return `webhook ${problem.webhook.id} is switched off`;
    case 'empty':
      return `webhook ${problem.webhook.id} sends no payload`;
    case 'actions':
      return `webhook ${problem.webhook.id} says nothing of ${problem.missing.join(', ')}`;
    case 'left behind':
      return `webhook ${problem.webhook.id} was left behind by a backend that was disconnected`;
  }
}
