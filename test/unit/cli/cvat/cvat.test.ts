/** `prosam cvat` as people type it, with the built-in model against the stand-in. */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { cvatRleFromMaskSync, maskFromCvatRle } from '../../../../src/core/mask/cvat-rle.ts';
import { checkFacade } from '../../../../src/cli/cvat/doctor/checks.ts';
import { checkFunctions, functionCalls } from '../../../../src/cli/cvat/doctor/functions.ts';
import { checkContainers } from '../../../../src/cli/cvat/doctor/containers.ts';
import { checkLearning } from '../../../../src/cli/cvat/doctor/learning.ts';
import { composeOverride } from '../../../../src/cli/cvat/doctor/compose.ts';
import { frameNumbers } from '../../../../src/cli/cvat/frame-numbers.ts';
import { pngFromRgb } from '../../../../src/cli/common/draw.ts';
import { iou } from '../../../../src/core/mask/metrics.ts';
import { TOKEN } from '../../../integrations/cvat/stand-in-cvat.ts';
import { pngOf, startServer, TOKENS } from '../../adapters/webhook/webhook-server.ts';
import { cvatPlace, scenesFrom } from './cvat-place.ts';
import { jsonLines } from '../run-cli.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';

const { cvat, folder } = await cvatPlace('cvat-cli');
const scenes = scenesFrom(1000, 2000, 3000, 4000);

function cli(args: readonly string[], environment: Readonly<Record<string, string>> = { CVAT_TOKEN: TOKEN }) {
  const env = { ...process.env, ...environment };
  return new Promise<{ code: number; stdout: string; stderr: string }>((done) => {
    execFile(...dyingWithUs(process.execPath, [resolve('src/cli.ts'), 'cvat', ...args]), { cwd: folder, env }, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr }),
    );
  });
}

async function sceneTask(broken = false) {
  const frames = await Promise.all(
    scenes.map(async ({ image }, i) => ({
      name: `scene ${i}.png`,
      width: image.width,
      height: image.height,
      bytes: await pngFromRgb(image),
    })),
  );
  if (broken && frames[2]) frames[2].bytes = frames[2].bytes.slice(0, 600);
  const task = cvat.addTask({ frames, labels: [{ name: 'cup' }], jobSize: 3 });
  const [first] = scenes;
  if (!first) throw new Error('a scene was expected');
  cvat.addShape(task, { type: 'mask', frame: 0, label: 'cup', points: cvatRleFromMaskSync(first.truth) });
  return task;
}

describe('prosam cvat annotate', () => {
  it('draws first, fills the task then, goes on where it stopped, and takes it back', async () => {
    const task = await sceneTask();
    const call = ['annotate', '--server', cvat.url, '--task', String(task.id), '--reference-frame', '0', '--method', 'prosam'];
    const dry = await cli([...call, '--dry-run', '--out', 'drawn', '--json']);
    expect(dry.code, dry.stderr).toBe(0);
    expect(jsonLines(dry.stdout).map(({ frame, outcome }) => [frame, outcome])).toEqual([1, 2, 3].map((frame) => [frame, 'predicted']));
    expect(readdirSync(join(folder, 'drawn'))).toEqual(['frame-000001.png', 'frame-000002.png', 'frame-000003.png']);
    expect((await sharp(join(folder, 'drawn', 'frame-000001.png')).metadata()).height).toBeGreaterThan(scenes[1]?.image.height ?? Infinity);
    expect(cvat.shapes(task)).toHaveLength(1);

    const real = await cli(call);
    expect(real.code, real.stderr).toBe(0);
    const uploaded = cvat.shapes(task).filter(({ source }) => source === 'auto');
    expect(uploaded.map(({ frame }) => frame)).toEqual([1, 2, 3]);
    const shares = uploaded.map(({ points, frame }) => {
      const truth = scenes[frame]?.truth;
      return truth ? iou(maskFromCvatRle(points, truth.width, truth.height).data, truth.data) : 0;
    });
    expect(Math.max(...shares)).toBeGreaterThan(0.5);

    const again = await cli(call);
    expect(again.stderr).toContain('3 of 3 frames were done before');
    expect(cvat.shapes(task)).toHaveLength(4);
    expect((await cli([...call, '--form', 'polygon'])).stderr).toContain('--undo');
    const undone = await cli(['annotate', '--server', cvat.url, '--task', String(task.id), '--undo']);
    expect(undone.stderr).toContain('3 shapes were taken back');
    expect(cvat.shapes(task)).toHaveLength(1);
    expect((await cli([...call, '--form', 'rectangle'])).code).toBe(0);
    expect(cvat.shapes(task).some(({ type }) => type === 'rectangle')).toBe(true);
  });

  it('says which frame failed, does the others, and exits with 1', async () => {
    const task = await sceneTask(true);
    const { code, stderr } = await cli(['annotate', '--server', cvat.url, '--task', String(task.id), '--reference-frame', '0']);
    expect(code).toBe(1);
    expect(stderr).toContain('frame 2 (scene 2.png): IMAGE_UNREADABLE');
    expect(stderr).toContain('1 failed');
    expect(cvat.shapes(task).map(({ frame }) => frame)).toEqual([0, 1, 3]);
  });

  it('asks a running service with the threshold, and uploads the score of what it gives', async () => {
    const server = await startServer();
    try {
      const frames = await Promise.all(
        [0, 1, 2].map(async (i) => ({ name: `${i}.png`, width: 40, height: 30, bytes: await pngOf(i, 40, 30) })),
      );
      const task = cvat.addTask({ frames, labels: [{ name: 'cup' }] });
      cvat.addShape(task, { type: 'polygon', frame: 0, label: 'cup', points: [5, 5, 15, 5, 15, 15] });
      const made = () => cvat.shapes(task).filter(({ source }) => source === 'auto');
      const call = ['annotate', '--server', cvat.url, '--task', String(task.id), '--reference-frame', '0', '--url', server.url];
      const environment = { CVAT_TOKEN: TOKEN, PROSAM_TOKEN: TOKENS.admin };
      // The fake service is 0.9 sure that the object is there, and gives its masks a score of 0.8.
      const none = await cli([...call, '--threshold', '0.95', '--log', 'strict.jsonl'], environment);
      expect(none.stderr).toContain('2 where nothing was found');
      expect(none.code).toBe(0);
      expect(made()).toEqual([]);
      const asked = server.service.state.calls.filter(({ name }) => name === 'predictions.predict');
      expect(asked.map(({ args }) => (args as { options: unknown }).options)).toMatchObject([{ threshold: 0.95 }, { threshold: 0.95 }]);
      const some = await cli([...call, '--threshold', '0.5', '--log', 'lenient.jsonl'], environment);
      expect(some.code, some.stderr).toBe(0);
      expect(made().map(({ frame, score }) => [frame, score])).toEqual([
        [1, 0.8],
        [2, 0.8],
      ]);
      // A person changes the first; running again with other options replaces the other one alone.
      const [edited] = made();
      Object.assign(edited as object, { source: 'semi-auto', points: [0, 1, 3, 3, 3, 3] });
      const again = [...call, '--threshold', '0.4', '--form', 'rectangle', '--log', 'lenient.jsonl'];
      const refused = await cli(again, environment);
      expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('--replace') as string]);
      const replaced = await cli([...again, '--replace'], environment);
      expect(replaced.stderr).toContain('1 shapes were taken back, 1 kept');
      expect(replaced.code, replaced.stderr).toBe(0);
      const after = cvat.shapes(task).filter(({ source }) => source !== 'manual');
      expect(after.map(({ frame, type, source }) => [frame, type, source])).toEqual([
        [1, 'mask', 'semi-auto'],
        [2, 'rectangle', 'auto'],
      ]);
    } finally {
      await server.close();
    }
  });

  it('explains what it needs', async () => {
    const task = await sceneTask();
    const call = ['annotate', '--server', cvat.url, '--task', String(task.id), '--reference-frame', '0'];
    for (const [args, environment, said] of [
      [call, { CVAT_TOKEN: '' }, 'CVAT_TOKEN'],
      [call, { CVAT_TOKEN: 'pat_revoked' }, 'CVAT_REFUSED'],
      [['annotate', '--server', cvat.url], { CVAT_TOKEN: TOKEN }, '--task N or --job N'],
      [[...call, '--frames', '1-99'], { CVAT_TOKEN: TOKEN }, 'frames from 0 to 3'],
      [[...call, '--undo'], { CVAT_TOKEN: TOKEN }, 'there is no'],
      [['paint'], {}, 'cvat annotate'],
    ] as const) {
      const { code, stderr } = await cli(args, environment);
      expect(stderr).toContain(said);
      expect(code).toBe(2);
    }
    expect(existsSync(join(folder, 'drawn', 'frame-000000.png'))).toBe(false);
  });

  it('reads ranges of frames', () => {
    expect([...frameNumbers('frames', '0-2, 7,3')]).toEqual([0, 1, 2, 7, 3]);
    expect(frameNumbers('frames', '').size).toBe(0);
    for (const bad of ['3-1', 'x', '1--2', '-1', '0-99999999']) expect(() => frameNumbers('frames', bad), bad).toThrow('--frames');
  });
});

describe('prosam cvat doctor', () => {
  const facade = new URL('http://host.docker.internal:9090');
  const environment = (changes: Record<string, string> = {}) =>
    JSON.stringify(
      Object.entries({ CVAT_NUCLIO_HOST: 'host.docker.internal', CVAT_NUCLIO_PORT: '9090', CVAT_SERVERLESS: '1', ...changes }).map(
        ([name, value]) => `${name}=${value}`,
      ),
    );

  it('finds a switched-off plugin, a prosam that is not there and a filtered webhook, and prints the override', async () => {
    cvat.state.plugins = { MODELS: false };
    cvat.webhooks.push({
      id: 7,
      target_url: 'http://127.0.0.1:9/hook',
      secret: 's',
      project_id: null,
      events: ['update:job'],
      is_active: true,
      type: 'project',
    });
    await fetch(`${cvat.url}/api/webhooks/7/ping`, { method: 'POST', headers: { authorization: `Bearer ${TOKEN}` } });
    const { code, stdout } = await cli(['doctor', '--server', cvat.url, '--json', '--url', 'http://host.docker.internal:65533']);
    expect(code).toBe(1);
    const { findings, override } = JSON.parse(stdout) as { findings: { what: string; state: string; fix?: string }[]; override: string };
    const wrong = findings.filter(({ state }) => state === 'problem').map(({ what }) => what);
    expect(wrong).toEqual(expect.arrayContaining(['AI tools', 'CVAT reaches prosam', 'prosam', 'webhook 7']));
    expect(findings.find(({ what }) => what === 'webhook 7')?.fix).toContain('SMOKESCREEN_OPTS');
    expect(override).toBe(composeOverride(new URL('http://host.docker.internal:65533')));
    for (const text of ['cvat_server:', 'cvat_worker_annotation:', "CVAT_SERVERLESS: '1'", 'host-gateway', "CVAT_NUCLIO_PORT: '65533'"])
      expect(override).toContain(text);
    const refused = await cli(['doctor', '--server', cvat.url], { CVAT_TOKEN: 'pat_x' });
    expect(refused.stdout).toMatch(/problem {2}token/);
  });

  it('prints the override that lies among the examples', () => {
    expect(readFileSync('examples/cvat/docker-compose.override.yml', 'utf8')).toBe(
      composeOverride(new URL('http://host.docker.internal:8070')),
    );
  });

  it('looks into both containers', async () => {
    const good = await checkContainers(facade, [], ([command]) => Promise.resolve(command === 'inspect' ? environment() : '200\n'));
    expect(good.map(({ state }) => state)).toEqual(['ok', 'ok', 'ok', 'ok']);
    const half = await checkContainers(facade, [], ([command, ...rest]) => {
      if (command === 'exec') return Promise.reject(new Error('Connection refused'));
      return Promise.resolve(environment(rest.includes('cvat_worker_annotation') ? { CVAT_NUCLIO_HOST: 'nuclio' } : {}));
    });
    expect(half.map(({ what, state }) => `${what} ${state}`)).toEqual([
      'cvat_server ok',
      'cvat_server reaches prosam problem',
      'cvat_worker_annotation problem',
      'cvat_worker_annotation reaches prosam problem',
    ]);
    expect(half[2]?.found).toContain('CVAT_NUCLIO_HOST is nuclio');
    const none = await checkContainers(facade, [], () => Promise.reject(new Error('docker: not found')));
    expect(none.map(({ state }) => state)).toEqual(['note', 'note']);
  });

  it('asks prosam from here, and says what credentials CVAT never sends', async () => {
    const response = (status: number, body: unknown) => ({ fetch: () => Promise.resolve(new Response(JSON.stringify(body), { status })) });
    expect(await checkFacade(facade, response(200, { 'prosam-cup': { status: { httpPort: 18_071 } } }))).toMatchObject([
      { state: 'ok' },
      { what: 'ports', found: 'prosam-cup 18071' },
    ]);
    expect((await checkFacade(facade, response(401, {})))[0]?.fix).toContain('no credentials');
  });

  it('calls each function as CVAT does before it says that it works', async () => {
    const asked: string[] = [];
    const entry = (type: string, httpPort: number) => ({ metadata: { annotations: { type } }, status: { httpPort } });
    const list = {
      'prosam-cup': entry('detector', 18_071),
      'prosam-click': entry('interactor', 1),
      'prosam-track': entry('tracker', 18_073),
    };
    const prosam = (url: string, init: RequestInit) => {
      const to = new URL(url);
      if (to.pathname === '/api/functions') return Promise.resolve(Response.json(list));
      const body = JSON.parse(init.body as string) as Record<string, unknown>;
      asked.push(`${to.port}${to.pathname} ${new Headers(init.headers).get('x-nuclio-function-name') ?? ''} ${Object.keys(body).join()}`);
      if (to.port === '18073') return Promise.reject(new Error('connect ECONNREFUSED'));
      if (to.port === '18071')
        return Promise.resolve(new Response('{}', { status: 422, statusText: 'cups has no labeled reference any more' }));
      return Promise.resolve(Response.json({}));
    };
    const parts = { fetch: prosam, token: 'of prosam' };
    const calls = await functionCalls(facade, parts);
    const found = await checkFunctions(calls, parts);
    expect(asked).toEqual([
      '18071/  image',
      '9090/api/function_invocations prosam-click image,pos_points,neg_points,obj_bbox',
      '18073/  image,shapes,states',
    ]);
    expect(found.map(({ what, state }) => `${what} ${state}`)).toEqual([
      'prosam-cup is called problem',
      'prosam-click is called ok',
      'prosam-track is called problem',
    ]);
    expect(found[0]?.found).toContain('cups has no labeled reference');
    expect(found[2]?.fix).toContain('18073');
    expect(await functionCalls(facade, { fetch: () => Promise.reject(new Error('nobody there')) })).toEqual([]);
    expect(calls.map(({ url }) => new URL(url).hostname)).toEqual(Array(3).fill(facade.hostname));
  });

  it('says what waits for review, at either of the two addresses', async () => {
    const asked: string[] = [];
    const prosam = (path: string, problems: string[]) => ({
      fetch: (url: string) => {
        asked.push(url);
        return Promise.resolve(url.endsWith(path) ? new Response(JSON.stringify({ problems })) : new Response('', { status: 404 }));
      },
    });
    const waits = 'cvat: 3 machine-made shapes wait for review';
    expect(await checkLearning(facade, prosam('9090/status', [waits]))).toEqual([{ what: 'learning', state: 'note', found: waits }]);
    expect(await checkLearning(facade, prosam('/cvat/status', []))).toMatchObject([{ state: 'ok' }]);
    expect(await checkLearning(facade, prosam('/elsewhere', []))).toEqual([]);
    expect(asked[0]).toBe('http://127.0.0.1:9090/status');
    expect(await checkLearning(facade, { fetch: () => Promise.reject(new Error('no')) })).toMatchObject([{ state: 'note' }]);
  });
});

describe('prosam cvat function-file', () => {
  it('prints Python whose texts cannot break out of their quotes', async () => {
    const { code, stdout } = await cli(['function-file', '--project', 'a"b\\c', '--url', 'http://127.0.0.1:9090/']);
    expect(code).toBe(0);
    expect(stdout).toContain('def create(url="http://127.0.0.1:9090", project="a\\"b\\\\c")');
  });
});
