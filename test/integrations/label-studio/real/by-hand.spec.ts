/** A real Label Studio without legacy tokens, as it is installed: connections that people make by hand, and the line of the documentation. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { installLabelStudio } from '../../../../examples/label-studio/label-studio-server.ts';
import type { NewBackend } from '../../../../src/adapters/label-studio/api/connection-calls.ts';
import { waitFor } from '../../../e2e/scenario.ts';
import { startServe } from '../../../e2e/serve-process.ts';
import { brushRegion, sceneFiles, type SceneFile } from './labelled-scenes.ts';
import { LOGIN, realService } from './real-service.ts';

const missing = await installLabelStudio().then(
  () => false,
  () => true,
);
const IMAGE = '<Image name="image" value="$image"/>';
const BRUSH = '<BrushLabels name="tag" toName="image"><Label value="cup"/></BrushLabels>';

describe.skipIf(missing)('a Label Studio without legacy tokens', () => {
  const here = realService({ studio: { LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN: 'false' }, personal: true, knowsItself: false });
  let files: SceneFile[];
  /** Numbers of the tasks of the newest project, one for each file. */
  let tasks: number[];

  const number = (): string => String(here.project.id);
  async function project(title: string, controls = BRUSH): Promise<void> {
    here.project = await here.client.createProject({ title, label_config: `<View>${IMAGE}${controls}</View>` });
    await here.client.uploadImages(here.project.id, files);
    tasks = [];
    for await (const { id } of here.client.tasks(here.project.id)) tasks.push(id);
    tasks.sort((one, other) => one - other);
  }
  async function drawn(at: number): Promise<number> {
    const [task = 0, { truth }] = [tasks[at], files[at] as SceneFile];
    return (await here.client.createAnnotation(task, { result: [brushRegion(truth, 'cup')], lead_time: 3 })).id;
  }

  beforeAll(async () => {
    files = await sceneFiles({ count: 3, firstSeed: 100, concept: 31 });
  });

  it('connect: a legacy token ends it with the fix, and nothing is connected', async () => {
    await project('Cups');
    const { code, output } = await here.commandWith({ LABEL_STUDIO_API_KEY: here.studio.token }, [
      ...['connect', '--project', number(), '--backend', here.backendUrl],
    ]);
    expect(code, output).toBe(2);
    expect(output).toContain('personal access token');
    expect(output).toContain('PROSAM_LABEL_STUDIO_TOKEN');
    expect(await here.client.backends(here.project.id)).toEqual([]);
  });

  it.each([
    ['no control that could hold a mask', '<Choices name="kind" toName="image"><Choice value="cup"/></Choices>'],
    ['the controls have no labels', '<BrushLabels name="tag" toName="image"/>'],
  ])('connect: ends with 1 where a labeling configuration has %s', async (said, controls) => {
    here.project = await here.client.createProject({ title: said, label_config: `<View>${IMAGE}${controls}</View>` });
    const { code, output } = await here.command('connect', '--project', number(), '--backend', here.backendUrl);
    expect(code, output).toBe(1);
    expect(output).toContain(said);
    expect(output).toContain('Settings > Labeling Interface');
  });

  it('by hand: the service and the doctor say why its webhook tells nothing', async () => {
    await project('By hand');
    await here.client.createBackend({
      ...{ project: here.project.id, url: here.backendUrl.replace('127.0.0.1', 'localhost'), title: 'ours', is_interactive: true },
      ...{ auth_method: 'BASIC_AUTH', basic_auth_user: LOGIN.name, basic_auth_pass: LOGIN.password },
    } satisfies NewBackend);
    const [webhook] = await here.client.webhooks(here.project.id);
    expect(webhook).toMatchObject({ url: `${here.backendUrl.replace('127.0.0.1', 'localhost')}/webhook`, headers: {} });
    const said = 'does not send the credentials this service asks for';
    await waitFor(() => Promise.resolve(here.served.output().includes(said)));
    expect(here.served.output()).toContain('PROSAM_LABEL_STUDIO_BACKEND_URL=');
    const { code, output } = await here.command('doctor', '--project', number(), '--backend', here.backendUrl);
    expect(code, output).toBe(1);
    expect(output).toContain(said);
    expect(output).toContain('1 problem found.');
  });

  it('by hand: connect finds it under another name of this machine, puts it right and makes no second one', async () => {
    const silent = await drawn(0);
    const { code, output } = await here.command('connect', '--project', number(), '--backend', here.backendUrl);
    expect(code, output).toBe(0);
    expect(await here.client.backends(here.project.id)).toMatchObject([{ title: 'ours', state: 'CO' }]);
    expect(await here.client.webhooks(here.project.id)).toMatchObject([{ headers: { Authorization: expect.any(String) as string } }]);
    // What its webhook could not tell has been read; what is drawn from now on comes by the webhook, for nothing is compared in the next hour.
    expect([...(await here.counted()).keys()]).toEqual([silent]);
    const told = await drawn(1);
    await waitFor(async () => (await here.counted()).has(told));
    for (const backend of [here.backendUrl, here.backendUrl.replace('127.0.0.1', 'localhost')]) {
      const found = await here.command('doctor', '--project', number(), '--backend', backend);
      expect(found.output).toContain('No problems found.');
    }
  });

  it('by hand: a second one for the same service is found', async () => {
    await here.client.createBackend({
      ...{ project: here.project.id, url: here.backendUrl, title: 'twice', is_interactive: true },
      ...{ auth_method: 'BASIC_AUTH', basic_auth_user: LOGIN.name, basic_auth_pass: LOGIN.password },
    } satisfies NewBackend);
    const { code, output } = await here.command('doctor', '--project', number(), '--backend', here.backendUrl);
    expect(code).toBe(1);
    expect(output).toContain('2 connections to the same address');
    expect(output).toContain('repeats another one');
  });

  it("the documentation's own lines work, and without the service's token connect says what is missing", async () => {
    await project('By its lines');
    const folder = join(here.folder, 'lines');
    mkdirSync(folder);
    writeFileSync(join(folder, 'prosam.config.json'), JSON.stringify({ learner: { run: 'off' } }));
    const variables = { PROSAM_LABEL_STUDIO_URL: here.studio.url, PROSAM_LABEL_STUDIO_LOGIN: 'label-studio:a-long-password' };
    const all = { ...variables, PROSAM_LABEL_STUDIO_TOKEN: here.token };
    const connect = (url: string) => here.commandWith(all, ['connect', '--project', number(), '--backend', `${url}/label-studio`], folder);
    const first = await startServe({ folder, environment: variables });
    try {
      const { code, output } = await connect(first.url);
      expect(code, output).toBe(1);
      expect(output).toContain('the service cannot read the project');
      expect(output).toContain('PROSAM_LABEL_STUDIO_TOKEN=(a personal access token)');
    } finally {
      await first.stop();
    }
    const second = await startServe({ folder, environment: all }, ['--port', new URL(first.url).port]);
    try {
      const { code, output } = await connect(second.url);
      expect(code, output).toBe(0);
      await drawn(0);
      const [, other = 0] = tasks;
      // The lesson comes with the batch at the latest.
      await here.client.act(here.project.id, 'retrieve_tasks_predictions', tasks);
      await waitFor(async () => {
        if ((await here.predictionsOf(other)).length > 0) return true;
        await here.client.act(here.project.id, 'retrieve_tasks_predictions', tasks);
        return false;
      });
      expect(await here.client.backends(here.project.id)).toHaveLength(1);
    } finally {
      await second.stop();
    }
  });
});
