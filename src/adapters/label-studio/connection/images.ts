/** Images of tasks: uploads, local files, cloud storages, plain addresses and data: URIs, each with what it may be told. */
import { isProsamError } from '../../../core/common/errors.ts';
import type { ImageSources } from '../../http/images/image-input.ts';
import { imageAddress } from './addresses.ts';
import type { ConnectionClients } from './clients.ts';
import type { FetchImage } from '../types.ts';

export interface FetchImageOptions {
  /** Reaches Label Studio, even at a private address; asked for paths of Label Studio only. */
  own: Pick<ImageSources, 'read'>;
  /** For everything else, under the rules for all addresses. */
  elsewhere: Pick<ImageSources, 'read'>;
  clients: ConnectionClients;
}

export function createFetchImage({ own, elsewhere, clients }: FetchImageOptions): FetchImage {
  return async (task, value, connection, { signal } = {}) => {
    const address = imageAddress(value, task.id, connection.hostname);
    const options = signal ? { signal } : {};
    if (address.from === 'elsewhere') return elsewhere.read({ url: address.url }, options);
    const { credentials } = clients(connection);
    // The headers are dropped by what reads, as soon as a redirect leaves this origin.
    const read = async (url: string, renew: boolean) => {
      const headers = await credentials?.headers({ renew, ...options });
      return own.read({ url }, { ...options, ...(headers && { headers }) });
    };
    const tries: (() => ReturnType<typeof read>)[] = [() => read(address.url, false)];
    if (credentials?.renewable === true) tries.push(() => read(address.url, true));
    const { fallback } = address;
    if (fallback !== undefined) tries.push(() => read(fallback, false));
    let first: unknown;
    for (const attempt of tries) {
      try {
        return await attempt();
      } catch (error) {
        signal?.throwIfAborted();
        first ??= error;
        if (!isProsamError(error) || error.code !== 'URL_FAILED') break;
      }
    }
    throw first;
  };
}
