/** What the doctor makes of what it sees. The way to it is walked with a real server in test/integrations/label-studio/real. */
import { describe, expect, it } from 'vitest';
import type { ApiBackend } from '../../../src/adapters/label-studio/api/responses.ts';
import { backendFindings, isPrivate, labelConfigFindings, SSRF_FIX, versionFinding } from '../../../src/cli/label-studio/doctor/checks.ts';
import { authorizationOf, openContext } from '../../../src/cli/label-studio/context.ts';
import { loadConfig, printableConfig } from '../../../src/server/config.ts';

const image = '<Image name="image" value="$image"/>';
const states = (config: string) =>
  labelConfigFindings({ label_config: `<View>${config}</View>` }).map(({ what, state }) => `${what} ${state}`);

describe('the labels of a project', () => {
  const brush = '<BrushLabels name="tag" toName="image"><Label value="cup"/></BrushLabels>';
  const points = (label: string) => `<KeyPointLabels name="kp" toName="image" smart="true"><Label value="${label}"/></KeyPointLabels>`;

  it.each([
    ['right', `${image}${brush}${points('cup')}`, ['labels ok', 'clicks ok']],
    ['without clicks', `${image}${brush}`, ['labels ok', 'clicks note']],
    ['clicks for another label', `${image}${brush}${points('plate')}`, ['labels ok', 'clicks problem']],
    ['without an image', brush, ['labels problem']],
    ['without a mask', `${image}<Choices name="c" toName="image"><Choice value="x"/></Choices>`, ['labels problem']],
    ['without labels', `${image}<BrushLabels name="tag" toName="image"/>`, ['labels problem']],
    [
      'a smart brush, which does nothing',
      `${image}${brush.replace('<BrushLabels', '<BrushLabels smart="true"')}${points('cup')}`,
      ['labels ok', 'clicks ok', 'clicks note'],
    ],
    ['not well formed', '<Image', ['labels problem']],
  ])('%s', (_, config, expected) => {
    expect(states(config)).toEqual(expected);
  });
});

describe('the connection of a project', () => {
  const url = 'http://prosam.example.org:9090/label-studio';
  const backend = (changes: Partial<ApiBackend> = {}): ApiBackend => ({
    ...{ id: 1, url, title: null, state: 'CO', is_interactive: true, error_message: null, auth_method: 'NONE', basic_auth_user: null },
    ...{ basic_auth_pass_is_set: false, model_version: 'v1', project: 3, ...changes },
  });
  const judged = (backends: ApiBackend[], at = url) => backendFindings(backends, at, 'connect it').filter(({ state }) => state !== 'ok');

  it('is right, or says how to put it right', () => {
    expect(judged([backend()])).toEqual([]);
    expect(judged([])).toMatchObject([{ state: 'problem', fix: 'connect it' }]);
    expect(judged([backend({ url: 'http://other:1' })])[0]?.found).toContain('http://other:1');
    expect(judged([backend(), backend({ id: 2, url: `${url}/` })])).toMatchObject([{ state: 'problem' }]);
    expect(judged([backend({ is_interactive: false })])).toMatchObject([{ what: 'clicks', state: 'note' }]);
    const refused = 'URL resolves to a reserved network address (block: 127.0.0.0/8)';
    expect(judged([backend({ state: 'ER', error_message: refused })])).toMatchObject([{ state: 'problem', fix: SSRF_FIX }]);
    expect(judged([backend({ state: 'DI', error_message: 'authentication parameters' })])[0]?.fix).toContain('PROSAM_LABEL_STUDIO_LOGIN');
    expect(judged([backend({ state: 'DI' })])[0]?.fix).toContain(`curl ${url}/health`);
  });

  it.each([
    ['http://127.0.0.1:9090', true],
    ['http://localhost', true],
    ['http://[::1]:9090', true],
    ['http://192.168.1.2', true],
    ['http://172.17.0.1', true],
    ['http://172.33.0.1', false],
    ['https://prosam.example.org', false],
  ])('%s is private: %s', (address, expected) => expect(isPrivate(address)).toBe(expected));

  it('knows which Label Studio it was made for', () => {
    expect(versionFinding('1.23.2').state).toBe('ok');
    expect(versionFinding('2.0.0').state).toBe('note');
  });
});

describe('who talks to whom', () => {
  const input = {
    url: undefined,
    token: undefined,
    backend: undefined,
    fromHere: undefined,
    login: undefined,
    configFile: undefined,
    project: undefined,
  };

  it('comes from options, environment and configuration', async () => {
    const context = await openContext(input, {
      ...{ LABEL_STUDIO_URL: 'http://ls:8080/', LABEL_STUDIO_API_KEY: 'a'.repeat(40) },
      ...{ PROSAM_LABEL_STUDIO_LOGIN: 'ls:pass:word-1', PROSAM_LABEL_STUDIO_BACKEND_URL: 'http://prosam:9090/label-studio/' },
    });
    expect(context).toMatchObject({
      backend: 'http://prosam:9090/label-studio',
      fromHere: 'http://prosam:9090/label-studio',
      loginMissing: false,
    });
    expect(context.client.url).toBe('http://ls:8080');
    expect(authorizationOf(context.login)).toBe(`Basic ${Buffer.from('ls:pass:word-1').toString('base64')}`);
  });

  it('has the names of the service for address and token; the earlier ones are still read', async () => {
    const [own, earlier] = [
      { PROSAM_LABEL_STUDIO_URL: 'http://own:8080', PROSAM_LABEL_STUDIO_TOKEN: 'own-token' },
      { LABEL_STUDIO_URL: 'http://earlier:8080', LABEL_STUDIO_API_KEY: 'earlier-token' },
    ];
    const of = async (environment: Record<string, string>, more: { url?: string; token?: string } = {}) => {
      const { client, token } = await openContext({ ...input, ...more }, environment);
      return [client.url, token];
    };
    expect(await of(own)).toEqual(['http://own:8080', 'own-token']);
    expect(await of(earlier)).toEqual(['http://earlier:8080', 'earlier-token']);
    expect(await of({ ...own, ...earlier })).toEqual(['http://own:8080', 'own-token']);
    expect(await of({ ...earlier, PROSAM_LABEL_STUDIO_URL: '' })).toEqual(['http://earlier:8080', 'earlier-token']);
    expect(await of({ ...own, ...earlier }, { url: 'http://given', token: 'given-token' })).toEqual(['http://given', 'given-token']);
    // The service's token is for its own address alone.
    expect(await of(own, { url: 'http://given' })).toEqual(['http://given', undefined]);
  });

  it('finds that tokens alone are nothing Label Studio could send', async () => {
    const context = await openContext({ ...input, url: 'http://ls' }, { PROSAM_TOKEN: 'a-token-that-is-long' });
    expect(context).toMatchObject({ login: undefined, loginMissing: true, backend: 'http://127.0.0.1:9090/label-studio' });
  });

  it('asks for the address, and shows no secrets', async () => {
    await expect(openContext(input, {})).rejects.toThrow('LABEL_STUDIO_URL');
    const settings = await loadConfig({
      environment: {
        PROSAM_LABEL_STUDIO_URL: 'http://ls',
        PROSAM_LABEL_STUDIO_TOKEN: 'secret-token',
        PROSAM_LABEL_STUDIO_LOGIN: 'u:secret-password',
      },
    });
    expect(printableConfig(settings)).not.toContain('secret');
  });
});
