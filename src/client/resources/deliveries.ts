/** `client.deliveries`: callbacks that the service sent, or could not. */
import { segment, type Calls, type PageOptions } from '../calls.ts';
import type { CallOptions } from '../send.ts';
import type { Delivery } from '../types/records.ts';

export interface DeliveriesClient {
  /** Newest first. */
  list(
    options?: PageOptions & {
      /** Those of one project. @default all the caller may see */
      project?: string;
      /** Those in one state. @default all */
      state?: Delivery['state'];
    },
  ): Promise<Delivery[]>;
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
