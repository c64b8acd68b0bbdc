/** Label Studio as it is installed: no legacy tokens, no private addresses. What is wrong is found, and what works without a connection works. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installLabelStudio, startLabelStudio, type LabelStudioServer } from '../../../../examples/label-studio/label-studio-server.ts';
import { createLabelStudioClient, type LabelStudioClient } from '../../../../src/adapters/label-studio/api/client.ts';
import { decodeBrushRleSync } from '../../../../src/core/mask/brush-rle.ts';
import { iou } from '../../../../src/core/mask/metrics.ts';
import { startProcess, startServe, type Served } from '../../../e2e/serve-process.ts';
import { personalToken } from './personal-token.ts';
import { brushRegion, sceneFiles, type SceneFile } from './labelled-scenes.ts';

const missing = await installLabelStudio().then(
  () => false,
  () => true,
);
const CONFIG = '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="cup"/></BrushLabels></View>';

describe.skipIf(missing)('a Label Studio as it is installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-label-studio-stock-'));
  let studio: LabelStudioServer;
  let served: Served;
  let token: string;
  let client: LabelStudioClient;
  let project: number;

  beforeAll(async () => {
    for (const name of ['studio', 'service', 'alone']) mkdirSync(join(folder, name));
    studio = await startLabelStudio({
      folder: join(folder, 'studio'),
      environment: { LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN: 'false', ML_BLOCK_LOCAL_IP: 'true', SSRF_PROTECTION_ENABLED: 'true' },
    });
    writeFileSync(join(folder, 'service', 'prosam.config.json'), JSON.stringify({ learner: { run: 'off' } }));
    served = await startServe({ folder: join(folder, 'service') });
    token = await personalToken(studio);
    client = createLabelStudioClient({ url: studio.url, token });
    ({ id: project } = await client.createProject({ title: 'Cups', label_config: CONFIG }));
  });
  afterAll(async () => {
    await (served as Served | undefined)?.stop();
    await (studio as LabelStudioServer | undefined)?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const command = async (key: string, ...args: string[]) => {
    const running = startProcess(['label-studio', ...args], {
      folder: join(folder, 'alone'),
      environment: { LABEL_STUDIO_URL: studio.url, LABEL_STUDIO_API_KEY: key },
    });
    return { code: await running.ended, output: running.output() };
  };

  it('does not take the legacy token, and says what to use instead', async () => {
    const { code, output } = await command(studio.token, 'doctor', '--backend', `${served.url}/label-studio`);
    expect(code).toBe(1);
    expect(output).toContain('legacy tokens are off');
    expect(output).toContain('personal access token');
  });

  it('takes a personal token, and finds that the one handed to models opens nothing', async () => {
    const { code, output } = await command(
      token,
      'doctor',
      '--project',
      String(project),
      '--backend',
      `${served.url}/label-studio`,
      '--json',
    );
    expect(code).toBe(1);
    const { findings } = JSON.parse(output) as { findings: { what: string; state: string; fix?: string }[] };
    expect(findings.find(({ what }) => what === 'token')?.state).toBe('ok');
    expect(findings.find(({ what }) => what === 'legacy')).toMatchObject({
      state: 'problem',
      fix: expect.stringContaining('PROSAM_LABEL_STUDIO_TOKEN') as string,
    });
    expect(findings.find(({ what }) => what === 'connection')?.state).toBe('problem');
  });

  it('refuses a model at a private address, and connect says why', async () => {
    const { code, output } = await command(token, 'connect', '--project', String(project), '--backend', `${served.url}/label-studio`);
    expect(code).toBe(2);
    expect(output).toContain('ML_BLOCK_LOCAL_IP=false');
    expect(output).toContain('SSRF_PROTECTION_ENABLED=false');
    // Nothing half-made is left.
    expect(await client.backends(project)).toEqual([]);
  });

  it('is annotated all the same: through its interface, with a personal token', async () => {
    const files = await sceneFiles({ count: 4, firstSeed: 100, concept: 31 });
    await client.uploadImages(project, files);
    const scenes = new Map<number, SceneFile>();
    for await (const { id, data } of client.tasks(project)) {
      const file = files.find(({ name }) => String(data.image).endsWith(name));
      if (file) scenes.set(id, file);
    }
    const [[first, scene] = [0, files[0] as SceneFile], ...rest] = [...scenes];
    await client.createAnnotation(first, { result: [brushRegion(scene.truth, 'cup')] });
    const { code, output } = await command(token, 'annotate', '--project', String(project));
    expect(output).toContain('3 predicted, 0 were before');
    expect(code).toBe(0);
    for (const [task, { truth }] of rest) {
      const [prediction] = await client.predictions(task);
      const [region] = (prediction?.result ?? []) as { value: { rle: Uint8Array } }[];
      const share = iou(decodeBrushRleSync(region?.value.rle ?? new Uint8Array(), truth.width, truth.height).data, truth.data);
      console.log(`task ${task}: IoU ${share.toFixed(3)}`);
      expect(share).toBeGreaterThan(0.2);
    }
    expect((await command(token, 'annotate', '--project', String(project))).output).toContain('0 predicted, 3 were before');
  });
});
