/** `prosam label-studio connect` asks the running service whether it reads the project, and says what to do where it does not. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiProject } from '../../../src/adapters/label-studio/api/types.ts';
import { connect } from '../../../src/cli/label-studio/connect.ts';
import { openContext } from '../../../src/cli/label-studio/context.ts';
import { readingFinding } from '../../../src/cli/label-studio/reading.ts';
import { plainServer, type Answer } from './plain-server.ts';

const PROJECT: ApiProject = {
  ...{ id: 3, title: 'Cups', created_at: '2026-11-22T16:31:53.521413Z', model_version: 'ProSAM' },
  label_config: `<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="cup"/></BrushLabels>\n    <KeyPointLabels name="kp" toName="image" smart="true"><Label value="cup"/></KeyPointLabels></View>`,
};
const READ = { project: 'label-studio/3.1795365113', tasks: 4, annotations: 3, stored: 3, removed: 0, missing: 0, failed: 0 };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A Label Studio with one project, and a service that answers the question in some way. */
async function place(sync: Answer) {
  const service = await plainServer((path) => {
    if (path === '/label-studio/health') return { status: 200, body: { status: 'UP', model_class: 'ProSAM' } };
    return path === '/label-studio/sync' ? sync : { status: 500 };
  });
  const backend = {
    ...{ id: 8, url: `${service.url}/label-studio`, title: 'ProSAM', state: 'CO', is_interactive: true, error_message: null },
    ...{ auth_method: 'NONE', basic_auth_pass_is_set: false, model_version: 'v1', project: 3 },
  };
  const studio = await plainServer((path, method) => {
    if (path === '/api/projects/3' || path === '/api/projects/3/') return { status: 200, body: PROJECT };
    if (path === '/api/ml' || path === '/api/ml/8') return { status: 200, body: method === 'GET' ? [backend] : backend };
    if (path === '/api/jwt/settings') return { status: 200, body: { api_tokens_enabled: true, legacy_api_tokens_enabled: true } };
    if (path.startsWith('/api/webhooks/')) return { status: 200, body: method === 'GET' ? [] : webhook(service.url) };
    return { status: 404, body: { detail: 'Not found.' } };
  });
  closers.push(service.close, studio.close);
  const context = await openContext(
    { ...{ url: studio.url, token: 'a'.repeat(40), backend: `${service.url}/label-studio` }, login: undefined, fromHere: undefined },
    {},
  );
  return { ...{ service, studio }, context: { ...context, project: 3 } };
}

function webhook(url: string) {
  return {
    ...{ id: 1, project: 3, url: `${url}/label-studio/webhook`, headers: {}, send_payload: true, is_active: true },
    ...{ send_for_all_actions: true, actions: [] },
  };
}

async function connected(sync: Answer) {
  const { context, service, studio } = await place(sync);
  const [printed, warned]: [string[], string[]] = [[], []];
  const terminal = { print: (line: string) => void printed.push(line), warn: (line: string) => void warned.push(line) };
  const code = await connect(context, terminal, { json: false });
  return { code, service, studio, printed: printed.join('\n'), warned: warned.join('\n') };
}

const refused = (status: number, message: string): Answer => ({
  status,
  body: { error: { code: 'X', message, hint: '', requestId: 'r' } },
});

describe('connect, once the project is connected', () => {
  it('is done where the service reads the project', async () => {
    const { code, printed, warned, service, studio } = await connected({ status: 200, body: READ });
    expect([code, warned]).toEqual([0, '']);
    expect(printed).toContain('label one image');
    expect(service.asked.filter(({ path }) => path === '/label-studio/sync').map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { key: '3.1795365113', acceptRemovals: false, restore: false },
    ]);
    expect(studio.asked.find(({ method, path }) => method === 'PATCH' && path === '/api/projects/3/')?.body).toContain(
      '"show_collab_predictions":true',
    );
  });

  it.each<[string, Answer, string[]]>([
    [
      'asks for a login it was not given',
      refused(401, 'Credentials are needed.'),
      ['Credentials are needed', 'PROSAM_LABEL_STUDIO_LOGIN='],
    ],
    ['lets this login read only', refused(403, 'This needs the access write.'), ['needs the access write', 'of a user who may write']],
    ['knows no such question', { status: 404, body: {} }, ['--from-here', 'update "prosam serve"']],
    ['answers as something else would', { status: 200, body: { pages: 3 } }, ['this service of the same version']],
    [
      'may not read Label Studio',
      refused(502, 'Something failed inside the service (LABEL_STUDIO_REFUSED). Its log tells more under r.'),
      ['(LABEL_STUDIO_REFUSED)', 'PROSAM_LABEL_STUDIO_TOKEN=(a personal access token)'],
    ],
    [
      'was never introduced to the project',
      refused(422, 'key: expected a project that Label Studio has introduced, got "3.1795365113".'),
      ['expected a project that Label Studio has introduced'],
    ],
    [
      "cannot read the project's images",
      { status: 200, body: { ...READ, stored: 1, failed: 2, failure: 'task 7, annotation 9: expected an image, got a login page.' } },
      ['could not take 2 of 3 annotations: task 7, annotation 9: expected an image, got a login page.', 'PROSAM_ALLOW_HOSTS'],
    ],
  ])('ends with 1, the reason and its fix where the service %s', async (_, sync, said) => {
    const { code, printed, warned } = await connected(sync);
    for (const words of said) expect(warned).toContain(words);
    expect(warned).not.toMatch(/Label Studio (answered|to accept|to allow)/);
    expect(code).toBe(1);
    // Who was told what is wrong is not told to go on.
    expect(printed).not.toContain('label one image');
  });

  it('ends with 1 where the service went away meanwhile', async () => {
    const { code, warned } = await connected('gone');
    expect(code).toBe(1);
    expect(warned).toContain('expected an answer of this service, got none');
    expect(warned).toContain('look whether "prosam serve" still runs');
  });

  it('says so, and is done, where a large project is still being read', async () => {
    const { context } = await place('never');
    const late = new AbortController();
    const finding = readingFinding(context, PROJECT, { late: late.signal });
    late.abort();
    expect(await finding).toMatchObject({ state: 'note', found: expect.stringContaining('still reading') as string });
    const stop = new AbortController();
    const stopped = readingFinding(context, PROJECT, { signal: stop.signal });
    stop.abort(new Error('Ctrl-C'));
    await expect(stopped).rejects.toThrow('Ctrl-C');
  });
});

describe('connect, before', () => {
  it('changes nothing where no service answers', async () => {
    const { context, service, studio } = await place({ status: 200, body: READ });
    await service.close();
    const terminal = { print: () => undefined, warn: () => undefined };
    await expect(connect(context, terminal as never, { json: false })).rejects.toThrow(
      /GET \/health: expected an answer of this service, got none/,
    );
    expect(studio.asked.filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});
