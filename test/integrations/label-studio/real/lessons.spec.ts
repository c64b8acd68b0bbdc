/** Lessons of a real Label Studio: what skips, empty submits, rejections, deletions, thresholds and new versions do. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { installLabelStudio } from '../../../../examples/label-studio/label-studio-server.ts';
import { waitFor } from '../../../e2e/scenario.ts';
import { brushRegion, sceneFiles, type SceneFile } from './labelled-scenes.ts';
import { realService, type StoredRegion } from './real-service.ts';

const missing = await installLabelStudio().then(
  () => false,
  () => true,
);
const CONFIG = `<View><Image name="image" value="$image"/>
  <BrushLabels name="tag" toName="image"><Label value="cup"/></BrushLabels>
  <KeyPointLabels name="kp" toName="image" smart="true" smartOnly="true"><Label value="cup"/></KeyPointLabels>
  <Choices name="kind" toName="image"><Choice value="blurred"/></Choices></View>`;
const CHOICE = { id: 'choice', type: 'choices', from_name: 'kind', to_name: 'image', value: { choices: ['blurred'] } };
const COUNT = 8;
const scored = z.object({ tasks: z.array(z.object({ id: z.number(), predictions_score: z.number().nullish() })) });

describe.skipIf(missing)('lessons of a real Label Studio', () => {
  const here = realService();
  let files: SceneFile[];
  let tasks: number[];

  const truthOf = (at: number) => (files[at] as SceneFile).truth;
  const submit = async (at: number, result: object[], more: object = {}): Promise<number> =>
    (await here.client.createAnnotation(tasks[at] ?? 0, { result, lead_time: 3, ...more })).id;
  const provenance = async (id: number): Promise<string | undefined> => (await here.counted()).get(id)?.provenance;
  const becomes = (id: number, wanted: string): Promise<void> => waitFor(async () => (await provenance(id)) === wanted);
  const retrieve = (of: readonly number[]) => here.client.act(here.project.id, 'retrieve_tasks_predictions', of);
  const plain = (result: readonly StoredRegion[]) =>
    result.map((region) => ({ ...region, value: { ...region.value, rle: [...region.value.rle] } }));
  /** As the Data Manager shows it. */
  async function scores(): Promise<Map<number, number | null | undefined>> {
    const response = await fetch(`${here.studio.url}/api/tasks?project=${here.project.id}&fields=all&page_size=100`, {
      headers: { authorization: `Token ${here.token}` },
    });
    return new Map(scored.parse(await response.json()).tasks.map(({ id, predictions_score }) => [id, predictions_score]));
  }
  const isKnown = async (sha256: string): Promise<boolean> => {
    const found = await here.inProject<{ images: { sha256: string }[] }>('/next-images?limit=100');
    return (
      found.images.some((image) => image.sha256 === sha256) || [...(await here.counted()).values()].some((one) => one.sha256 === sha256)
    );
  };
  async function setParams(extra_params: object): Promise<void> {
    const [backend] = await here.client.backends(here.project.id);
    const { id = 0, url = '', title } = backend ?? {};
    const login = { auth_method: 'BASIC_AUTH' as const, basic_auth_user: 'label-studio', basic_auth_pass: 'a-long-password' };
    await here.client.updateBackend(id, { project: here.project.id, url, title: title ?? '', ...login, extra_params });
  }

  it('begin with one drawn mask', async () => {
    files = await sceneFiles({ count: COUNT, firstSeed: 100, concept: 31 });
    here.project = await here.client.createProject({ title: 'Lessons', label_config: CONFIG });
    const connected = await here.command('connect', '--project', String(here.project.id));
    expect(connected, connected.output).toMatchObject({ code: 0 });
    await here.client.uploadImages(here.project.id, files);
    const found = new Map<string, number>();
    for await (const { id, data } of here.client.tasks(here.project.id)) found.set(String(data.image), id);
    tasks = files.map(({ name }) => [...found].find(([path]) => path.endsWith(name))?.[1] ?? 0);
    await becomes(await submit(0, [brushRegion(truthOf(0), 'cup')]), 'drawn');
  });

  it('a skip and a rejection change no mask; an empty submit and an erased one say that the label is absent', async () => {
    const before = await here.versionThere();
    const skipped = await submit(1, [], { was_cancelled: true });
    await becomes(skipped, 'skipped');
    const rejected = await submit(2, [CHOICE]);
    await becomes(rejected, 'rejected');
    expect(await here.versionThere()).toBe(before);
    const empty = await submit(3, []);
    await becomes(empty, 'absent');
    expect(await here.versionThere()).not.toBe(before);
    const { data, ...size } = truthOf(4);
    const erased = await submit(4, [brushRegion({ ...size, data: new Uint8Array(data.length) }, 'cup')]);
    await becomes(erased, 'absent');
    // Erased in part: what is left is the mask, and the rest of the image is not.
    const half = { ...size, data: data.map((value, i) => (i % size.width < size.width / 2 ? value : 0)) };
    const left = half.data.reduce((sum, value) => sum + value, 0);
    const [, , , , , fifth = 0] = tasks;
    const partly = await submit(5, [brushRegion(half, 'cup')]);
    await becomes(partly, 'drawn');
    expect((await here.counted()).get(partly)?.labels).toEqual([{ label: 'cup', area: left }]);
    const all = await here.counted();
    for (const [id, task] of [
      [skipped, 1],
      [rejected, 2],
      [empty, 3],
      [erased, 4],
    ] as const) {
      expect(all.get(id)?.labels, `task ${task}`).toEqual([]);
    }
    // Taken back: another answer takes the place of the absence.
    await here.client.updateAnnotation(empty, { result: [brushRegion(truthOf(3), 'cup')] });
    await becomes(empty, 'drawn');
    await here.client.deleteAnnotation(partly);
    await waitFor(async () => !(await here.counted()).has(partly));
    expect(fifth).toBeGreaterThan(0);
  });

  it('the score column is filled, follows the version, and outdated predictions that nobody used go', async () => {
    const [used = 0, unused = 0] = tasks.slice(6);
    const first = await here.versionThere();
    await retrieve([used, unused]);
    // No other project's labels, skips or looks change a version: the second request finds nothing to do.
    await retrieve([used, unused]);
    expect((await here.predictionsOf(unused)).map(({ model_version }) => model_version)).toEqual([first]);
    await waitFor(async () => (await here.client.project(here.project.id)).model_version === first);
    const shown = await scores();
    for (const task of [used, unused]) expect(shown.get(task), `task ${task}`).toBeGreaterThan(0);
    const [prediction] = await here.predictionsOf(used);
    await becomes(await submit(6, plain(prediction?.result ?? []), { parent_prediction: prediction?.id }), 'accepted');
    await becomes(await submit(5, [brushRegion(truthOf(5), 'cup')]), 'drawn');
    const second = await here.versionThere();
    expect(second).not.toBe(first);
    await retrieve([used, unused]);
    await waitFor(async () => (await here.predictionsOf(unused)).length === 1);
    expect((await here.predictionsOf(unused)).map(({ model_version }) => model_version)).toEqual([second]);
    // An annotation was begun from it.
    expect((await here.predictionsOf(used)).map(({ model_version }) => model_version).sort()).toEqual([first, second].sort());
    await waitFor(async () => (await here.client.project(here.project.id)).model_version === second);
    expect((await scores()).get(unused)).toBeGreaterThan(0);
  });

  it("a project's own threshold holds masks back: that is said and counted, commands keep to it, and one click brings the mask", async () => {
    const [, task = 0] = tasks.slice(6);
    const before = await here.versionThere();
    await setParams({ threshold: 1 });
    const strict = await here.versionThere();
    expect(strict).not.toBe(before);
    await retrieve([task]);
    const held = (await here.predictionsOf(task)).find(({ model_version }) => model_version === strict);
    expect(held).toMatchObject({ result: [] });
    expect(held?.score).toBeGreaterThan(0);
    expect(here.served.output()).toContain('"heldBack":1');
    const metrics = await (
      await fetch(`${here.served.url}/metrics`, { headers: { authorization: 'Bearer a-token-that-may-do-everything' } })
    ).text();
    expect(metrics).toMatch(/^prosam_masks_withheld_total [1-9]/m);
    // A command that introduces the project again leaves its settings as they are.
    const tidied = await here.command('tidy', '--project', String(here.project.id), '--json');
    expect(JSON.parse(tidied.output.trim().split('\n').at(-1) ?? '')).toMatchObject({ version: strict });
    expect(await here.versionThere()).toBe(strict);
    const [backend] = await here.client.backends(here.project.id);
    const { truth } = files[7] as SceneFile;
    const at = truth.data.indexOf(1);
    const click = {
      ...{ id: 'click', type: 'keypointlabels', from_name: 'kp', to_name: 'image', origin: 'manual', is_positive: true },
      ...{ original_width: truth.width, original_height: truth.height, image_rotation: 0 },
      value: {
        ...{ x: (100 * (at % truth.width)) / truth.width, y: (100 * Math.floor(at / truth.width)) / truth.height, width: 0.2 },
        keypointlabels: ['cup'],
      },
    };
    const clicked = await here.client.interact(backend?.id ?? 0, { task, context: { result: [click] } });
    expect((clicked.data as { result: unknown[] }).result).toHaveLength(1);
    await setParams({});
    expect(await here.versionThere()).toBe(before);
  });

  it('a deleted annotation, a deleted task and an erased image are gone here with all that came of them', async () => {
    const ids = await here.counted();
    const image = (task: number): string => {
      const [, annotation] = [...ids].find(([id]) => annotationOf.get(task) === id) ?? [];
      return annotation?.sha256 ?? '';
    };
    const annotationOf = new Map<number, number>();
    for (const task of [tasks[0] ?? 0, tasks[3] ?? 0, tasks[5] ?? 0])
      annotationOf.set(task, (await here.client.annotations(task))[0]?.id ?? 0);
    const [first, third, fifth] = [tasks[0] ?? 0, tasks[3] ?? 0, tasks[5] ?? 0];
    const references = async (): Promise<string[]> => {
      const { concepts } = await here.inProject<{ concepts: { references: { sha256: string }[] }[] }>('');
      return concepts.flatMap((concept) => concept.references.map(({ sha256 }) => sha256));
    };
    for (const task of [first, third, fifth]) expect(await references()).toContain(image(task));

    await here.client.deleteAnnotation(annotationOf.get(first) ?? 0);
    await waitFor(async () => !(await references()).includes(image(first)));
    expect(await isKnown(image(first))).toBe(true);

    await here.client.act(here.project.id, 'delete_tasks', [third]);
    await waitFor(async () => !(await references()).includes(image(third)) && !(await isKnown(image(third))));
    const bytes = `/v1/images/${image(third)}?project=${encodeURIComponent(here.key())}`;
    const headers = { authorization: 'Bearer a-token-that-may-do-everything' };
    expect((await fetch(`${here.served.url}${bytes}`, { headers })).status).toBe(404);

    const erase = `/v1/images/${image(fifth)}?project=${encodeURIComponent(here.key())}`;
    const erased = await fetch(`${here.served.url}${erase}`, { method: 'DELETE', headers });
    // With the one that was deleted before: its record goes, too.
    expect(await erased.json()).toMatchObject({ erased: true, annotations: 2 });
    expect(await references()).not.toContain(image(fifth));
    expect((await fetch(`${here.served.url}${erase}`, { headers })).status).toBe(404);
  });
});
