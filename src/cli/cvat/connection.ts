/** Connection to CVAT: address and credentials from options and environment. */
import { createCvatClient, type CvatClient } from '../../adapters/cvat/api/client.ts';
import { UsageError } from '../common/command.ts';
import type { Values } from '../common/spec.ts';
import type { CVAT_CONNECTION_OPTIONS } from './spec.ts';

export type CvatConnectionValues = Values<typeof CVAT_CONNECTION_OPTIONS>;
type Environment = Readonly<Record<string, string | undefined>>;

/** @throws UsageError without an address or credentials */
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
