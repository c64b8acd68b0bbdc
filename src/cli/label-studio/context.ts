/** Who talks to whom: Label Studio, this service, and what each needs to be let in by the other. */
import { sameServer } from '../../adapters/http/address-check.ts';
import { baseAddress, createLabelStudioClient, type LabelStudioClient } from '../../adapters/label-studio/api/client.ts';
import { loadConfig } from '../../server/config.ts';
import type { ProsamSettings } from '../../server/config-schema.ts';
import { basicAuthorization, labelStudioLogin } from '../../server/label-studio-login.ts';
import { UsageError } from '../common/usage.ts';

export interface Login {
  user: string;
  password: string;
}

export interface LabelStudioContext {
  client: LabelStudioClient;
  /** As given: legacy and personal tokens look different. */
  token: string | undefined;
  settings: ProsamSettings;
  /** Of this service as Label Studio reaches it, and as it is reached from here; no slash at the end. */
  backend: string;
  fromHere: string;
  /** With which Label Studio logs in here; undefined where this service lets anybody in. */
  login: Login | undefined;
  /** This service asks for credentials, but has none that Label Studio could use. */
  loginMissing: boolean;
  project: number | undefined;
  configFile: string | undefined;
}

export interface ContextInput {
  url: string | undefined;
  token: string | undefined;
  backend: string | undefined;
  fromHere: string | undefined;
  login: string | undefined;
  configFile: string | undefined;
  project: number | undefined;
}

/** @throws CONFIG_INVALID, UsageError where it is not said which Label Studio is meant */
export async function openContext(input: ContextInput, environment: NodeJS.ProcessEnv = process.env): Promise<LabelStudioContext> {
  const settings = await loadConfig({ environment, ...(input.configFile !== undefined && { file: input.configFile }) });
  const { labelStudio, auth, host, port } = settings;
  const url = input.url ?? environment.LABEL_STUDIO_URL ?? labelStudio.url;
  if (url === undefined || url === '') throw new UsageError('expected --url, or LABEL_STUDIO_URL, with the address of Label Studio.');
  // That of the configuration belongs to the address beside it.
  const configured = labelStudio.url !== undefined && sameServer(url, labelStudio.url) ? labelStudio.token : undefined;
  const token = input.token ?? environment.LABEL_STUDIO_API_KEY ?? configured;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const backend = baseAddress(input.backend ?? labelStudio.backendUrl ?? input.fromHere ?? `http://${reachable}:${port}/label-studio`);
  const login = input.login === undefined ? labelStudioLogin(settings) : loginOf(input.login);
  return {
    client: createLabelStudioClient({ url, ...(token !== undefined && { token }) }),
    ...{ token, settings, backend, fromHere: input.fromHere === undefined ? backend : baseAddress(input.fromHere) },
    login,
    loginMissing: login === undefined && auth.tokens.length + auth.hmac.length > 0,
    ...{ project: input.project, configFile: input.configFile },
  };
}

export function authorizationOf(login: Login | undefined): string | undefined {
  return login && basicAuthorization(login);
}

function loginOf(text: string): Login {
  const [user = '', ...password] = text.split(':');
  if (user === '' || password.join(':') === '') throw new UsageError('--login: expected user:password.');
  return { user, password: password.join(':') };
}
