/** Credentials for CVAT: a personal access token, an older key, a browser session, or name and password. */
import { ProsamError } from '../../../core/common/errors.ts';
import { within } from '../../../core/common/patience.ts';
import type { OutboundCredentials } from '../../http/outbound-types.ts';

export interface CvatCredentialsInput {
  /** A personal access token, or the key that /api/auth/login answered with: told apart by their form. */
  token?: string | undefined;
  /** Exchanged for a key at the first call, and again where CVAT has forgotten the key. */
  login?: { username: string; password: string } | undefined;
  /** The cookies of a browser that is logged in. */
  session?: { sessionId: string; csrfToken: string } | undefined;
}

export type Login = (credentials: { username: string; password: string }) => Promise<string>;

/** Keys of /api/auth/login are 40 hexadecimal digits; personal access tokens are not. */
function authorizationOf(token: string): string {
  return /^[0-9a-f]{40}$/.test(token) ? `Token ${token}` : `Bearer ${token}`;
}

/** @throws CONFIG_INVALID for what can be no header */
export function createCvatCredentials({ token, login, session }: CvatCredentialsInput, ask: Login): OutboundCredentials | undefined {
  for (const [name, value] of [
    ['token', token],
    ['session', session?.sessionId],
    ['csrf token', session?.csrfToken],
  ] as const) {
    if (value !== undefined && !/^[\x21-\x3a\x3c-\x7e]{1,4000}$/.test(value)) {
      throw new ProsamError('CONFIG_INVALID', `The ${name} of CVAT: expected visible ASCII characters, got others. Copy it once more.`);
    }
  }
  if (token !== undefined) {
    const headers = { authorization: authorizationOf(token) };
    return { renewable: false, headers: () => Promise.resolve(headers) };
  }
  if (session) {
    const headers = { cookie: `sessionid=${session.sessionId}; csrftoken=${session.csrfToken}`, 'x-csrftoken': session.csrfToken };
    return { renewable: false, headers: () => Promise.resolve(headers) };
  }
  if (!login) return undefined;
  let key: Promise<string> | undefined;
  return {
    renewable: true,
    async headers({ renew = false, signal } = {}) {
      if (renew) key = undefined;
      // Calls at the same time share one login; one that failed is not remembered.
      const asked = (key ??= ask(login));
      asked.catch(() => {
        if (key === asked) key = undefined;
      });
      const value = await within(asked, { signal });
      return { authorization: `Token ${value}` };
    },
  };
}
