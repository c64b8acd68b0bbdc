/** One client for each Label Studio and token, made when it is first needed. */
import { createHash } from 'node:crypto';
import { createLruMap } from '../../../core/common/lru-map.ts';
import { createLabelStudioClient, type LabelStudioClient, type LabelStudioClientOptions } from '../api/client.ts';
import type { Connection } from '../types.ts';

/** More are not kept; the least recently used goes. */
const MAX_CLIENTS = 100;

export type ConnectionClients = (connection: Pick<Connection, 'hostname' | 'token'>) => LabelStudioClient;

/** Creates clients. @throws CONFIG_INVALID where the connection has no address */
export function createConnectionClients(options: Omit<LabelStudioClientOptions, 'url' | 'token' | 'basic'> = {}): ConnectionClients {
  const clients = createLruMap<string, LabelStudioClient>({ max: MAX_CLIENTS });
  return ({ hostname, token }) => {
    const key = `${hostname} ${createHash('sha256')
      .update(token ?? '')
      .digest('base64')}`;
    const client = clients.get(key) ?? createLabelStudioClient({ ...options, url: hostname, ...(token !== undefined && { token }) });
    clients.set(key, client);
    return client;
  };
}
