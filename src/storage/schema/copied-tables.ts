/** The tables that move with a store, in an order in which each row finds those it refers to. Messages move through their queues; leases belong to processes. */
import type { Tables } from './schema.ts';

export interface MovedTable {
  name: Exclude<keyof Tables, 'messages' | 'leases' | 'migrations'>;
  /** Columns that name a row, by which pages go on. */
  key: readonly string[];
  /** Column the database numbers by itself. */
  identity?: string;
  /** Column of bytes. */
  bytes?: string;
}

export const MOVED_TABLES: readonly MovedTable[] = [
  { name: 'projects', key: ['project'] },
  { name: 'images', key: ['project', 'sha256'] },
  { name: 'annotations', key: ['sequence'], identity: 'sequence' },
  { name: 'tombstones', key: ['project', 'source', 'external_id'] },
  { name: 'masks', key: ['id'], identity: 'id', bytes: 'feature' },
  { name: 'absences', key: ['id'], identity: 'id' },
  { name: 'erasures', key: ['id'], identity: 'id' },
  { name: 'concepts', key: ['project', 'label'] },
  { name: 'fits', key: ['project', 'label'] },
  { name: 'predictions', key: ['id'], identity: 'id' },
  { name: 'versions', key: ['id'] },
  { name: 'pointer_changes', key: ['id'], identity: 'id' },
  { name: 'runs', key: ['id'] },
  { name: 'batches', key: ['id'] },
  { name: 'batch_items', key: ['batch', 'position'] },
  { name: 'deliveries', key: ['id'] },
  { name: 'used_signatures', key: ['signature'] },
];
