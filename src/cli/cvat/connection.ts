/** Which CVAT, and who asks: options and environment of every `prosam cvat` command. */
import { createCvatClient, type CvatClient } from '../../adapters/cvat/api/client.ts';
import { UsageError } from '../common/usage.ts';

export const CVAT_CONNECTION_OPTIONS = {
  server: { type: 'string' },
  token: { type: 'string' },
  user: { type: 'string' },
  organization: { type: 'string' },
} as const;

export type CvatConnectionValues = Partial<Record<keyof typeof CVAT_CONNECTION_OPTIONS, string>>;
type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError without an address or anything that proves who asks */
export function cvatConnection(values: CvatConnectionValues, environment: Environment = process.env): CvatClient {
  const url = given(values.server) ?? given(environment.CVAT_URL);
  if (url === undefined) throw new UsageError('expected --server URL, the address of CVAT, got none.');
  const organization = given(values.organization) ?? given(environment.CVAT_ORGANIZATION);
  const shared = { url, ...(organization !== undefined && { organization }) };
  const username = given(values.user);
  if (username !== undefined) {
    const password = given(environment.CVAT_PASSWORD);
    if (password === undefined)
      throw new UsageError('expected the password of --user in the environment variable CVAT_PASSWORD, got none.');
    return createCvatClient({ ...shared, login: { username, password } });
  }
  const token = given(values.token) ?? given(environment.CVAT_TOKEN);
  if (token === undefined) throw new UsageError('expected a token in --token or in the environment variable CVAT_TOKEN, got none.');
  return createCvatClient({ ...shared, token });
}

function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim();
}
