/** The whole service before a Label Studio that vanishes, with callers of this project and of another. */
import { expect } from 'vitest';
import { createServer, type ProsamServer } from '../../../../src/server/index.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import type { Storage } from '../../../../src/service/ports/storage.ts';
import { CREATED, KEY, NAME, TOKEN, XML, type VanishingStudio } from './vanishing-studio.ts';

const OWN = 'a-token-of-this-project-alone';
export const OTHER = 'a-token-of-another-project';
export const LOGIN = { user: 'studio', password: 'a-long-password' };
export const ALL = ['10', '20', '30', '40', '50'];

export interface Place {
  database: string;
  objects: string;
}

export interface Started {
  prosam: ProsamServer;
  url: string;
  storage: Storage;
  call(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; json: Record<string, unknown> }>;
  setup(): Promise<void>;
  sync(options?: object): Promise<{ status: number; json: Record<string, unknown> }>;
  event(action: string, more: object, token?: string): Promise<number>;
  counted(): Promise<string[]>;
  close(): Promise<void>;
}

/** The service on storage of its own, connected to the Label Studio that vanishes. */
export async function start(place: Place, studio: VanishingStudio, reconcileMinutes = 0): Promise<Started> {
  const storage = await openStorage(place);
  const prosam = await createServer({
    ...{ model: 'tiny', storage, port: 0, cache: '', environment: {}, learner: { run: 'off' } },
    labelStudio: { url: studio.url, token: TOKEN, reconcileMinutes },
    auth: {
      basic: [{ name: LOGIN.user, password: LOGIN.password }],
      tokens: [
        { name: 'own', token: OWN, projects: [NAME] },
        { name: 'other', token: OTHER, projects: ['label-studio/2.1795365113', 'label-studio/3.1795365113'] },
      ],
    },
    logger: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const url = await prosam.listen();
  const call: Started['call'] = async (method, path, body, token = OWN) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  return {
    ...{ prosam, url, storage, call },
    async setup() {
      const body = { project: KEY, schema: XML, hostname: studio.url, access_token: null, extra_params: null };
      expect((await call('POST', '/label-studio/setup', body)).status).toBe(200);
    },
    sync: (options = {}) => call('POST', '/label-studio/sync', { key: KEY, ...options }),
    event: async (action, more, token) => {
      const body = { action, project: { id: 1, created_at: CREATED, label_config: XML }, ...more };
      return (await call('POST', '/label-studio/webhook', body, token)).status;
    },
    counted: async () => (await prosam.service.annotations.list(NAME, { limit: 100 })).map(({ externalId }) => externalId).sort(),
    close: () => prosam.close(),
  };
}
