/** The user and password with which Label Studio logs in here, in its connection and in its webhooks. */
import type { ProsamSettings } from './config-types/config.ts';

/** Credential with the least rights among those that may write, as managers of a project there can read it; undefined without one. */
export function labelStudioLogin({ auth }: Pick<ProsamSettings, 'auth'>): { user: string; password: string } | undefined {
  const able = auth.basic.filter(({ access }) => access !== 'read');
  const grant = able.find(({ access }) => access === 'write') ?? able[0];
  return grant && { user: grant.name, password: grant.password };
}

/** Value of an Authorization header. */
export function basicAuthorization({ user, password }: { user: string; password: string }): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}
