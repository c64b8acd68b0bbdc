/** What proves to Label Studio who asks: a legacy token, a personal access token that is exchanged every few minutes, or a password. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import { within } from '../../../core/common/patience.ts';

export interface ApiCredentials {
  kind: 'legacy' | 'personal' | 'basic';
  /** Value of the Authorization header. renew: even if the last one should still be good. @throws LABEL_STUDIO_* */
  authorization(options?: { renew?: boolean; signal?: AbortSignal }): Promise<string>;
  /** Whether another value may help where one was refused. */
  renewable: boolean;
}

/** Asks for an access token; the transport without credentials. */
export type Refresh = (refresh: string, signal?: AbortSignal) => Promise<string>;

/** A token that ends within this time is exchanged before it is used. */
const BEFORE_END_MS = 30_000;
/** Where the token does not say when it ends. */
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
  /** Of a server in front of Label Studio that asks for them; Label Studio itself takes tokens only. */
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
    const value = `Basic ${Buffer.from(`${basic.user}:${basic.password}`).toString('base64')}`;
    return { kind: 'basic', renewable: false, authorization: () => Promise.resolve(value) };
  }
  if (!/^[\x21-\x7e]{1,4000}$/.test(token)) {
    throw new ProsamError(
      'CONFIG_INVALID',
      'The token of Label Studio: expected visible ASCII characters, got others. Copy it from Account & Settings once more.',
    );
  }
  if (!isPersonalToken(token)) return { kind: 'legacy', renewable: false, authorization: () => Promise.resolve(`Token ${token}`) };

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
    async authorization({ renew = false, signal } = {}) {
      if (!renew && current && current.untilMs - BEFORE_END_MS > nowMs()) return `Bearer ${current.access}`;
      // Calls that need one at the same time share it; the one that asks first must not take the others with it when it is aborted.
      asking ??= exchange(undefined).finally(() => (asking = undefined));
      const access = await within(asking, { signal });
      return `Bearer ${access}`;
    },
  };
}

/** Milliseconds since 1970 at which an access token ends, as it says itself. */
function endOf(access: string): number | undefined {
  try {
    return 1000 * claimsSchema.parse(JSON.parse(Buffer.from(access.split('.')[1] ?? '', 'base64url').toString('utf8'))).exp;
  } catch {
    return undefined;
  }
}
