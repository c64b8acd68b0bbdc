/** Callers: what they see where they are held to one project, and the memory they can fill. */
import { afterEach, describe, expect, it } from 'vitest';
import { configOf, createConnections } from '../../../src/adapters/label-studio/connection/connections.ts';
import { createPriors } from '../../../src/adapters/label-studio/priors.ts';
import type { Service } from '../../../src/service/types.ts';
import { exactService } from '../cvat/functions/facade-server.ts';
import { NAME, PROJECT, startBackend } from './backend-server.ts';

const CONFIG = '<View><Image name="i" value="$image"/><BrushLabels name="b" toName="i"><Label value="car"/></BrushLabels></View>';
const large = (number: number): string => CONFIG.replace('<View>', `<View><!-- ${number} ${'x'.repeat(2 ** 20 - 300)} -->`);
const setup = (number: number, schema: string, extra_params?: unknown) => ({ project: `${number}.1`, schema, hostname: '', extra_params });

describe('projects of Label Studio', () => {
  it('are forgotten by the characters of their configurations, those unused the longest first', () => {
    const connections = createConnections({ hostname: 'http://127.0.0.1:9' });
    for (let number = 1; number <= 40; number++) connections.setUp(setup(number, large(number)));
    const kept = connections.all();
    expect(kept.length).toBeLessThanOrEqual(16);
    expect(kept.at(-1)?.key).toBe('40.1');
    // Known again, with what is parsed anew, once somebody uses it.
    const again = connections.ofKey('1.1', large(1));
    expect(configOf(again).controls.map(({ labels }) => labels)).toEqual([['car']]);
  });

  it('are remembered in their thousands where configurations are small', () => {
    const connections = createConnections({ hostname: 'http://127.0.0.1:9' });
    for (let number = 1; number <= 1100; number++) connections.setUp(setup(number, CONFIG));
    expect(connections.all()).toHaveLength(1000);
  });

  it('keep those extra params alone that mean something', () => {
    const connections = createConnections({ hostname: 'http://127.0.0.1:9' });
    const { connection } = connections.setUp(setup(1, CONFIG, JSON.stringify({ threshold: 0.4, note: 'x'.repeat(1000) })));
    expect(connection.extraParams).toEqual({ threshold: 0.4 });
  });
});

describe('predictions kept for clicks', () => {
  it('are bounded by their pixels', async () => {
    const never = { predict: () => Promise.reject(new Error('asked anew')) };
    const priors = createPriors({ predictions: never } as never, new AbortController().signal);
    const side = 4000;
    const keyOf = (number: number) => ({ project: 'p', version: 'v', sha256: String(number), label: 'car' });
    const mask = { width: side, height: side, data: new Uint8Array(side * side) };
    for (let number = 1; number <= 12; number++) priors.keep(keyOf(number), { mask });
    const found = [];
    for (let number = 1; number <= 12; number++) found.push((await priors.get(keyOf(number), 1000)) !== undefined);
    expect(found.indexOf(true)).toBe(4);
    expect(found.slice(4).every(Boolean)).toBe(true);
  });
});

describe('versions', () => {
  let backend: Awaited<ReturnType<typeof startBackend>>;
  afterEach(() => backend.close());
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('are those of the projects a caller may use', async () => {
    const all = { name: 'all', token: 'token-of-all-projects', access: 'write' as const };
    const one = { name: 'one', token: 'token-of-one-project', access: 'write' as const, projects: [NAME] };
    const none = { name: 'none', token: 'token-of-another-tool', access: 'write' as const, projects: ['elsewhere'] };
    const asked: string[] = [];
    const exact: Service = exactService({ labels: ['car'] });
    const get: Service['projects']['get'] = async (name, options) => {
      asked.push(name);
      return { ...(await exact.projects.get(name, options)), version: `version of ${name}` };
    };
    const service = { ...exact, projects: { ...exact.projects, get } };
    backend = await startBackend({ service, guard: { tokens: [all, one, none] } });
    const other = '2.1795365113';
    for (const project of [PROJECT, other])
      await backend.call('POST', '/setup', { project, schema: CONFIG, hostname: '' }, bearer(all.token));
    asked.length = 0;
    const versions = async (token: string) => (await backend.call('GET', '/versions', undefined, bearer(token))).json;
    expect(await versions(one.token)).toEqual({ versions: [`version of ${NAME}`] });
    expect(await versions(none.token)).toEqual({ versions: [] });
    expect(asked).toEqual([NAME]);
    expect(await versions(all.token)).toEqual({ versions: [`version of ${NAME}`, `version of label-studio/${other}`] });
  });
});
