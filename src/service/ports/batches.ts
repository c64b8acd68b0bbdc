/** Ports of jobs and of callbacks that have to be delivered. */
import type { Message } from './message.ts';

/** Many images to predict, asked for at once. Items and results are plain JSON. */
export interface BatchRecord {
  id: string;
  project: string;
  createdMs: number;
  /** Set once no item waits any more. */
  endedMs?: number;
  /** Request without its images. */
  request: unknown;
  total: number;
  done: number;
  failed: number;
  cancelled: boolean;
}

export interface BatchItem {
  index: number;
  input: unknown;
  state: 'waiting' | 'done' | 'failed';
  result?: unknown;
}

export interface BatchStore {
  /** Batch, items and message in one transaction. */
  create(batch: Pick<BatchRecord, 'id' | 'project' | 'createdMs' | 'request'>, inputs: readonly unknown[], message: Message): Promise<void>;
  get(id: string): Promise<BatchRecord | undefined>;
  /** By index, after the one given. limit 1 to 1,000. */
  items(id: string, options: { after?: number; limit: number; state?: BatchItem['state'] }): Promise<BatchItem[]>;
  /** Stores a result once (a second one for the same item changes nothing). With the last one the batch ends and the messages are sent, in the same transaction. */
  settle(
    id: string,
    index: number,
    result: { state: 'done' | 'failed'; result: unknown; nowMs: number },
    whenEnded: readonly Message[],
  ): Promise<BatchRecord>;
  /** Items that wait are given up; the batch ends, and the messages are sent, in the same transaction. */
  cancel(id: string, nowMs: number, whenEnded?: readonly Message[]): Promise<BatchRecord | undefined>;
}

/** Something to be pushed to an address of the user. */
export interface DeliveryRecord {
  id: string;
  project: string;
  url: string;
  /** Plain JSON. */
  body: unknown;
  state: 'waiting' | 'delivered' | 'dead';
  attempts: number;
  createdMs: number;
  lastError?: string;
}

export interface DeliveryStore {
  add(delivery: Pick<DeliveryRecord, 'id' | 'project' | 'url' | 'body' | 'createdMs'>, message: Message): Promise<void>;
  get(id: string): Promise<DeliveryRecord | undefined>;
  /** One attempt more; messages (the next attempt) in the same transaction. */
  attempted(id: string, result: { state: DeliveryRecord['state']; lastError?: string }, messages: readonly Message[]): Promise<void>;
  /** Newest first. limit 1 to 1,000. */
  list(options: { project?: string; state?: DeliveryRecord['state']; limit: number }): Promise<DeliveryRecord[]>;
}
