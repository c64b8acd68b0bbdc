/** `client.deliveries`: callbacks that the service sent, or could not. */
import { segment, type Calls, type PageOptions } from '../calls.ts';
import type { CallOptions } from '../send.ts';
import type { Delivery } from '../types.ts';

export interface DeliveriesClient {
  /** Newest first. */
  list(options?: PageOptions & { project?: string; state?: Delivery['state'] }): Promise<Delivery[]>;
  /** Sends a delivery that was given up once more. */
  retry(id: string, options?: CallOptions): Promise<Delivery>;
}

export function deliveriesClient({ get, post }: Calls): DeliveriesClient {
  return {
    list: async ({ project, state, limit, ...call } = {}) =>
      (await get<{ deliveries: Delivery[] }>('/deliveries', call, { project, state, limit })).deliveries,
    retry: (id, call) => post(`/deliveries/${segment(id)}/retry`, undefined, true, call),
  };
}
