/** Label Studio's own interface, as far as this adapter uses it: typed calls, one function each. */
import { ProsamError } from '../../../core/common/errors.ts';
import { accessSchema, createCredentials, type CredentialsInput } from './credentials.ts';
import { backendCalls, predictionCalls } from './connection-calls.ts';
import { projectCalls } from './project-calls.ts';
import { taskCalls } from './task-calls.ts';
import { createTransport, type TransportOptions } from './transport.ts';

export interface LabelStudioClientOptions extends Omit<TransportOptions, 'credentials'>, CredentialsInput {
  /** Milliseconds since 1970. @default Date.now */
  nowMs?: () => number;
}

/** Legacy tokens are refused where they are off, which is the default, in the words of a wrong one. */
const LEGACY_ADVICE =
  'A legacy token counts only where an administrator switched legacy tokens on: give a personal access token (Account & Settings), as PROSAM_LABEL_STUDIO_TOKEN.';

export type LabelStudioClient = ReturnType<typeof createLabelStudioClient>;

/** @throws CONFIG_INVALID for an address or token that can be none */
export function createLabelStudioClient(options: LabelStudioClientOptions) {
  const { token, basic, nowMs, ...rest } = options;
  const url = baseAddress(options.url);
  const open = createTransport({ ...rest, url });
  const credentials = createCredentials(
    { ...(token !== undefined && { token }), ...(basic && { basic }) },
    async (refresh, signal) =>
      (await open({ method: 'POST', path: '/api/token/refresh/', json: { refresh }, response: accessSchema, repeatable: true, signal }))
        .access,
    nowMs,
  );
  const refusedAdvice = credentials?.kind === 'legacy' ? LEGACY_ADVICE : undefined;
  const call = credentials ? createTransport({ ...rest, url, credentials, refusedAdvice }) : open;
  return { url, credentials, ...projectCalls(call), ...taskCalls(call), ...predictionCalls(call), ...backendCalls(call) };
}

/** Without path ends that would double slashes. @throws CONFIG_INVALID */
export function baseAddress(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
    return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  throw new ProsamError(
    'CONFIG_INVALID',
    'The address of Label Studio: expected http(s)://host[:port][/path] without credentials, got something else. Copy it from the browser.',
  );
}
