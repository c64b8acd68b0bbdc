/** Asks a hub for a repository and for one of its files. */
import { askingFetch, readRepository } from '../../../src/core/models/hub/client.ts';
import { hubSettings } from '../../../src/core/models/hub/settings.ts';

export async function listHub(endpoint: string, token: string): Promise<void> {
  const hub = await hubSettings({ env: { HF_ENDPOINT: endpoint, HF_TOKEN: token, HF_HOME: '/nowhere' } });
  await readRepository(hub, 'a/b', 'main');
  await askingFetch(hub, { repo: 'a/b', revision: 'main' }, undefined)(`${endpoint}/a/b/resolve/main/file`);
}
