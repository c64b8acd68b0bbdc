/** The configuration: options over environment over file over defaults, checked once, frozen. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { messageOf, ProsamError } from '../core/common/errors.ts';
import { closest } from './suggest.ts';
import { configSchema } from './config-schema.ts';
import type { ProsamConfig, ProsamSettings } from './config-types/config.ts';
import { configFromEnvironment } from './environment.ts';
import { withTodaysKeys } from './old-keys.ts';

const CONFIG_FILES = ['prosam.config.ts', 'prosam.config.js', 'prosam.config.json'] as const;

export interface ConfigSources {
  options?: ProsamConfig;
  /** @default process.env */
  environment?: Readonly<Record<string, string | undefined>>;
  /** Path of the configuration file. @default the first of CONFIG_FILES in `folder`, if any */
  file?: string;
  /** @default the working folder */
  folder?: string;
}

/** @throws CONFIG_INVALID with every problem and, for unknown names, the one that was probably meant */
export async function loadConfig({
  options = {},
  environment = process.env,
  file,
  folder = '.',
}: ConfigSources = {}): Promise<ProsamSettings> {
  const found = file ?? CONFIG_FILES.map((name) => join(folder, name)).find((path) => existsSync(path));
  const fromFile = found === undefined ? {} : await readConfigFile(found);
  const merged = [fromFile, configFromEnvironment(environment), options].map(withTodaysKeys).reduce(mergedOver, {});
  return serverConfig(merged, found);
}

/**
 * Checks a configuration and fills in the defaults. Keys of 0.1.0 are still read. file: for messages.
 * @throws CONFIG_INVALID with every problem and, for unknown names, the one that was probably meant
 */
export function serverConfig(config: unknown, file?: string): ProsamSettings {
  const result = configSchema.safeParse(withTodaysKeys(config));
  if (!result.success) {
    const problems = result.error.issues.map((issue) => `  ${problemOf(issue)}`).join('\n');
    throw new ProsamError(
      'CONFIG_INVALID',
      `${file === undefined ? 'the configuration' : `the configuration (${file})`}:\n${problems}\nCorrect these.`,
    );
  }
  const settings = withoutUndefined(result.data) as ProsamSettings;
  refuseOpenDoors(settings);
  refuseSharedSecret(settings);
  refuseNobodyAsDefault(settings);
  return settings;
}

/** Configuration as JSON text that may be shown: secrets are replaced. */
export function printableConfig(settings: ProsamSettings): string {
  const hidden = new Set(['token', 'password', 'secret']);
  const shown = JSON.stringify(settings, (key, value: unknown) => {
    if (hidden.has(key) && typeof value === 'string') return '(hidden)';
    return typeof value === 'string' && value.includes('://') ? withoutCredentials(value) : value;
  });
  return JSON.stringify(JSON.parse(shown), null, 2);
}

function withoutCredentials(address: string): string {
  try {
    const url = new URL(address);
    if (url.password !== '') url.password = 'hidden';
    for (const key of [...url.searchParams.keys()]) if (/secret|password|token|key/i.test(key)) url.searchParams.set(key, 'hidden');
    return url.href;
  } catch {
    return address;
  }
}

async function readConfigFile(path: string): Promise<unknown> {
  try {
    if (path.endsWith('.json')) return JSON.parse(await readFile(path, 'utf8')) as unknown;
    const module = (await import(pathToFileURL(resolve(path)).href)) as { default?: unknown };
    const { default: exported } = module;
    if (typeof exported === 'object' && exported !== null) return exported;
  } catch (cause) {
    throw new ProsamError('CONFIG_INVALID', `${path}: cannot be read as a configuration: ${messageOf(cause)}. Correct the file.`, {
      cause,
    });
  }
  throw new ProsamError('CONFIG_INVALID', `${path}: expected a default export with the configuration, found none. Export one.`);
}

/** over wins; objects are merged, lists are not. */
function mergedOver(under: unknown, over: unknown): unknown {
  if (!isObject(under) || !isObject(over)) return over === undefined ? under : over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) merged[key] = mergedOver(under[key], value);
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemOf(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${path === '' ? 'it' : path}: ${issue.message}`;
  return issue.keys
    .map((key) => {
      const meant = closest(key, keysAt(issue.path));
      return `${[...issue.path, key].join('.')}: there is no such key${meant === undefined ? '' : `. Did you mean ${meant}?`}`;
    })
    .join('\n  ');
}

/** Names that the schema knows below a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  for (const step of path) schema = (typeof step === 'number' ? schema.items : schema.properties?.[String(step)]) ?? {};
  return Object.keys(schema.properties ?? {});
}

interface JsonSchema {
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
}

/** @throws CONFIG_INVALID where anybody on the network could use it */
function refuseOpenDoors({ host, auth }: ProsamSettings): void {
  const closed = auth.tokens.length + auth.basic.length + auth.hmac.length > 0;
  if (closed || isLoopback(host)) return;
  throw new ProsamError(
    'CONFIG_INVALID',
    `expected credentials before listening on ${host}, where others can reach this service, but none are configured. ` +
      'Set PROSAM_TOKEN or auth.tokens, or listen on 127.0.0.1.',
  );
}

/**
 * Refuses one secret for callbacks and for requests, which are signed alike: a caller that chooses the address of a callback would be sent
 * a signature that opens this service.
 * @throws CONFIG_INVALID
 */
function refuseSharedSecret({ auth, callbacks }: ProsamSettings): void {
  const shared = auth.hmac.find(({ secret }) => secret === callbacks.secret);
  if (shared === undefined) return;
  throw new ProsamError(
    'CONFIG_INVALID',
    `callbacks.secret: expected a secret of its own, got that of ${shared.name} in auth.hmac. Make another one, at random.`,
  );
}

function refuseNobodyAsDefault({ external }: ProsamSettings): void {
  if (!external.default || external.place !== undefined) return;
  throw new ProsamError('CONFIG_INVALID', 'external.default: expected external.place beside it, got none. Name the address or command.');
}

export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '').toLowerCase();
  return plain === 'localhost' || plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
}

/** A frozen copy. Absent and undefined are the same to zod, not to the types. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(withoutUndefined));
  if (!isObject(value)) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.freeze(Object.fromEntries(kept.map(([key, inner]) => [key, withoutUndefined(inner)])));
}
