/** Settings of the hub: address, token and cache, from the environment variables the hub's other tools read. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ProsamError } from '../../common/errors.ts';

export interface HubSettings {
  /** Address of the hub without a slash at its end. */
  endpoint: string;
  /** Sent to the endpoint alone; never printed. */
  token: string | undefined;
  /** Folder of the cache that is shared with other tools. */
  cache: string;
  /** Only the cache is used. */
  offline: boolean;
  fetch: typeof fetch;
}

export interface HubOptions {
  /** Only the cache is used, whatever the environment says. @default false */
  offline?: boolean;
  /** @default process.env */
  env?: Readonly<Record<string, string | undefined>>;
  /** @default the user's home folder */
  home?: string;
  /** @default the global one */
  fetch?: typeof fetch;
}

/** @throws OPTION_INVALID for an HF_ENDPOINT that is no address, and a token that is none */
export async function hubSettings(options: HubOptions = {}): Promise<HubSettings> {
  const { env = process.env, home = homedir() } = options;
  const folder = hubHome(env, home);
  return {
    endpoint: endpointOf(env['HF_ENDPOINT']),
    token: await tokenOf(env, home, folder),
    cache: hubCache(env, home),
    offline: options.offline === true || isTrue(env['HF_HUB_OFFLINE'] ?? '') || isTrue(env['TRANSFORMERS_OFFLINE'] ?? ''),
    fetch: options.fetch ?? fetch,
  };
}

/** Folder of the cache: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, or `hub` below HF_HOME. */
export function hubCache(env: Readonly<Record<string, string | undefined>> = process.env, home: string = homedir()): string {
  return expanded(given(env['HF_HUB_CACHE']) ?? given(env['HUGGINGFACE_HUB_CACHE']) ?? join(hubHome(env, home), 'hub'), env, home);
}

function hubHome(env: Readonly<Record<string, string | undefined>>, home: string): string {
  const cache = given(env['XDG_CACHE_HOME']) ?? join(home, '.cache');
  return expanded(given(env['HF_HOME']) ?? join(cache, 'huggingface'), env, home);
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';

function endpointOf(text: string | undefined): string {
  const address = (given(text) ?? DEFAULT_ENDPOINT).replace(/\/+$/, '');
  const url = URL.parse(address);
  // What stands before an @ is a secret, and every message names the endpoint.
  if (url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return address;
  throw new ProsamError('OPTION_INVALID', 'HF_ENDPOINT: expected an address such as https://huggingface.co, got something else.');
}

async function tokenOf(env: Readonly<Record<string, string | undefined>>, home: string, folder: string): Promise<string | undefined> {
  const token = cleaned(env['HF_TOKEN']) ?? cleaned(env['HUGGING_FACE_HUB_TOKEN']) ?? (await tokenInFile(env, home, folder));
  // What cannot stand in a header would come back in the error about it.
  if (token === undefined || /^[\x21-\x7e]+$/.test(token)) return token;
  throw new ProsamError(
    'OPTION_INVALID',
    'HF_TOKEN, or the file of the token: expected letters, digits and signs without blanks, got something else.',
  );
}

async function tokenInFile(env: Readonly<Record<string, string | undefined>>, home: string, folder: string): Promise<string | undefined> {
  const file = expanded(given(env['HF_TOKEN_PATH']) ?? join(folder, 'token'), env, home);
  return cleaned(await readFile(file, 'utf8').catch(() => undefined));
}

/** Files end with a line break, and what is pasted into a variable often does. */
function cleaned(token: string | undefined): string | undefined {
  return given(token?.trim());
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function isTrue(text: string): boolean {
  return /^(1|on|yes|true)$/i.test(text);
}

/** `~` and `$NAME`, which a service's own file of variables leaves as they are. */
function expanded(path: string, env: Readonly<Record<string, string | undefined>>, home: string): string {
  return path.replace(/^~(?=$|[/\\])/, home).replace(/\$(?:(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
    return env[plain ?? braced ?? ''] ?? whole;
  });
}
