/** Credentials for Label Studio: a legacy token, a personal access token exchanged every few minutes, or a password. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { within } from '../../../core/common/patience.ts';
import type { OutboundCredentials } from '../../http/outbound-types.ts';

export interface ApiCredentials extends OutboundCredentials {
  kind: 'legacy' | 'personal' | 'basic';
}

/** Asks for an access token; the transport without credentials. */
export type Refresh = (refresh: string, signal?: AbortSignal) => Promise<string>;

/** A token that ends within this time is exchanged before it is used. */
const BEFORE_END_MS = 30_000;
/** Assumed lifetime where the token states no end. */
const USUAL_LIFE_MS = 240_000;

export const accessSchema = z.object({ access: z.string().min(1).max(10_000) });
const claimsSchema = z.object({ exp: z.number() });

/** Personal access tokens are three parts with dots; legacy ones are 40 hexadecimal digits. */
export function isPersonalToken(token: string): boolean {
  return /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token);
}

export interface CredentialsInput {
  /** Legacy or personal: told apart by their form. */
  token?: string;
  /** Credentials of a proxy in front of Label Studio; Label Studio itself takes tokens only. */
  basic?: { user: string; password: string };
}

/** @throws CONFIG_INVALID for a token that can be no header */
export function createCredentials(
  { token, basic }: CredentialsInput,
  refresh: Refresh,
  nowMs: () => number = Date.now,
): ApiCredentials | undefined {
  if (token === undefined || token === '') {
    if (basic === undefined) return undefined;
    return fixedCredentials('basic', `Basic ${Buffer.from(`${basic.user}:${basic.password}`).toString('base64')}`);
  }
  if (!/^[\x21-\x7e]{1,4000}$/.test(token)) {
    throw new ProsamError(
      'CONFIG_INVALID',
      'The token of Label Studio: expected visible ASCII characters, got others. Copy it from Account & Settings once more.',
    );
  }
  if (!isPersonalToken(token)) return fixedCredentials('legacy', `Token ${token}`);

  let current: { access: string; untilMs: number } | undefined;
  let asking: Promise<string> | undefined;
  const exchange = async (signal: AbortSignal | undefined): Promise<string> => {
    const access = await refresh(token, signal);
    current = { access, untilMs: endOf(access) ?? nowMs() + USUAL_LIFE_MS };
    return access;
  };
  return {
    kind: 'personal',
    renewable: true,
    async headers({ renew = false, signal } = {}) {
      if (!renew && current && current.untilMs - BEFORE_END_MS > nowMs()) return { authorization: `Bearer ${current.access}` };
      // Calls that need one at the same time share it; the one that asks first must not take the others with it when it is aborted.
      asking ??= exchange(undefined).finally(() => (asking = undefined));
      const access = await within(asking, { signal });
      return { authorization: `Bearer ${access}` };
    },
  };
}

/** Credentials that are always the same. */
export function fixedCredentials(kind: 'legacy' | 'basic', authorization: string): ApiCredentials {
  return { kind, renewable: false, headers: () => Promise.resolve({ authorization }) };
}

/** Milliseconds since 1970 at which an access token ends, as it says itself. */
function endOf(access: string): number | undefined {
  try {
    return 1000 * claimsSchema.parse(JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString('utf8'))).exp;
  } catch {
    return undefined;
  }
}
