/** Addresses and credentials of Label Studio and of this service, each as the other needs them. */
import { sameServer } from '../../adapters/http/address-check.ts';
import { baseAddress, createLabelStudioClient, type LabelStudioClient } from '../../adapters/label-studio/api/client.ts';
import { loadConfig } from '../../server/config.ts';
import type { ProsamSettings } from '../../server/config-schema.ts';
import { basicAuthorization, labelStudioLogin } from '../../server/label-studio-login.ts';
import { UsageError } from '../common/command.ts';
import type { Camel } from '../common/spec.ts';
import type { CONNECTION_OPTIONS } from './spec.ts';

export interface Login {
  user: string;
  password: string;
}

export interface LabelStudioContext {
  client: LabelStudioClient;
  /** Token as it was given: legacy and personal tokens look different. */
  token: string | undefined;
  settings: ProsamSettings;
  /** Address of this service as Label Studio reaches it; no slash at the end. */
  backend: string;
  /** Address of this service as it is reached from here; no slash at the end. */
  fromHere: string;
  /** Login of Label Studio at this service; undefined where none is needed. */
  login: Login | undefined;
  /** Whether this service asks for credentials but has none that Label Studio could use. */
  loginMissing: boolean;
  project: number | undefined;
  configFile: string | undefined;
}

/** Options of the command line; the configuration fills in what is missing. */
export type ContextInput = { [K in keyof typeof CONNECTION_OPTIONS as Camel<K>]?: string | undefined } & { project?: number | undefined };

/** Combines options, environment and configuration. @throws CONFIG_INVALID, UsageError without an address of Label Studio */
export async function openContext(input: ContextInput, environment: NodeJS.ProcessEnv = process.env): Promise<LabelStudioContext> {
  const settings = await loadConfig({ environment, ...(input.config !== undefined && { file: input.config }) });
  const { labelStudio, auth, host, port } = settings;
  const { PROSAM_LABEL_STUDIO_URL, PROSAM_LABEL_STUDIO_TOKEN, LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY } = environment;
  const url = input.url ?? nonEmpty(PROSAM_LABEL_STUDIO_URL) ?? nonEmpty(LABEL_STUDIO_URL) ?? labelStudio.url;
  if (url === undefined || url === '')
    throw new UsageError('expected --url, or PROSAM_LABEL_STUDIO_URL, with the address of Label Studio.');
  // The configured token is for the configured address only.
  const configured = labelStudio.url !== undefined && sameServer(url, labelStudio.url) ? labelStudio.token : undefined;
  const ofEnvironment = nonEmpty(PROSAM_LABEL_STUDIO_TOKEN) === undefined ? undefined : configured;
  const token = input.token ?? ofEnvironment ?? nonEmpty(LABEL_STUDIO_API_KEY) ?? configured;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const backend = baseAddress(input.backend ?? labelStudio.backendUrl ?? input.fromHere ?? `http://${reachable}:${port}/label-studio`);
  const login = input.login === undefined ? labelStudioLogin(settings) : loginOf(input.login);
  return {
    client: createLabelStudioClient({ url, ...(token !== undefined && { token }) }),
    ...{ token, settings, backend, fromHere: input.fromHere === undefined ? backend : baseAddress(input.fromHere) },
    login,
    loginMissing: login === undefined && auth.tokens.length + auth.hmac.length > 0,
    ...{ project: input.project, configFile: input.config },
  };
}

/** A variable that is set to nothing is not set. */
function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

export function authorizationOf(login: Login | undefined): string | undefined {
  return login && basicAuthorization(login);
}

function loginOf(text: string): Login {
  const [user = '', ...password] = text.split(':');
  if (user === '' || password.join(':') === '') throw new UsageError('--login: expected user:password.');
  return { user, password: password.join(':') };
}
