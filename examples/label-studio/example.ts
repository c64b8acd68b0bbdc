/** A project of a real Label Studio, connected, with one image labelled and the rest predicted. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createServer } from 'prosam/server';
import { createLabelStudioClient, encodeBrushRleSync, repairWebhook, type LabelStudioClient } from 'prosam/label-studio';
import { CONCEPTS, conceptMask, generateScene } from 'prosam/scenes';
import sharp from 'sharp';
import { startLabelStudio } from './label-studio-server.ts';

export interface ExampleOptions {
  /** Keeps everything. */
  folder: string;
  /** Folder of photos of your own, of which you label one. @default generated scenes, of which one is labelled for you */
  photos?: string;
  /** @default 8 */
  scenes?: number;
  /** Port of Label Studio. @default any free one */
  port?: number;
  say: (line: string) => void;
}

export interface RunningExample {
  /** Shows the result. */
  url: string;
  user: string;
  password: string;
  project: number;
  /** Tasks that have a prediction. */
  predicted: number;
  client: LabelStudioClient;
  close(): Promise<void>;
}

const LOGIN = { name: 'label-studio', password: 'between-the-two' };
const CONCEPT = CONCEPTS[31];
const LABEL = 'object';
const CONFIG = `<View>
  <Image name="image" value="$image" zoom="true" zoomControl="true"/>
  <BrushLabels name="tag" toName="image"><Label value="${LABEL}" background="#FF00FF"/></BrushLabels>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true"><Label value="${LABEL}" background="#FF00FF"/></KeyPointLabels>
  <RectangleLabels name="box" toName="image" smart="true" smartOnly="true"><Label value="${LABEL}" background="#FF00FF"/></RectangleLabels>
</View>`;
const TYPES: Record<string, string> = { '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.png': 'image/png', '.webp': 'image/webp' };

export async function startExample({ folder, photos, scenes = 8, port, say }: ExampleOptions): Promise<RunningExample> {
  const studio = await startLabelStudio({ folder: join(folder, 'label-studio'), ...(port !== undefined && { port }), onStep: say });
  const prosam = await createServer({
    port: 0,
    database: join(folder, 'prosam.db'),
    objects: join(folder, 'objects'),
    cache: join(folder, 'cache'),
    auth: { basic: [LOGIN] },
    labelStudio: { url: studio.url },
    log: { level: 'error' },
  });
  const close = async (): Promise<void> => {
    await prosam.close();
    await studio.stop();
  };
  try {
    const client = createLabelStudioClient({ url: studio.url, token: studio.token });
    const { id: project } = await client.createProject({ title: 'ProSAM', label_config: CONFIG });
    const backendUrl = `${await prosam.listen()}/label-studio`;
    await connect(client, project, backendUrl);
    say(`connected: ${backendUrl}`);

    const pictures = photos === undefined ? await generated(scenes) : await own(photos);
    await client.uploadImages(project, pictures);
    const tasks: number[] = [];
    for await (const { id } of client.tasks(project)) tasks.push(id);
    const [first = 0, ...rest] = tasks;
    const address = (task: number): string => `${studio.url}/projects/${project}/data?task=${task}`;

    const before = await versionOf(client, project);
    const [{ mask }] = pictures as [RgbImage];
    if (mask) await client.createAnnotation(first, { result: [regionOf(mask)] });
    else {
      say(`log in as ${studio.user} with ${studio.password}, paint the object and press Submit: ${address(first)}`);
      while ((await client.annotations(first)).length === 0) await wait(2000);
    }
    say('one image is labelled');
    // The label arrives by webhook; each that counts makes another version.
    for (let tries = 0; tries < 60 && (await versionOf(client, project)) === before; tries++) await wait(500);

    await client.act(project, 'retrieve_tasks_predictions', rest);
    let predicted = 0;
    for await (const { predictions } of client.tasks(project, { predictions: true })) if (predictions.length > 0) predicted++;
    return { url: address(rest[0] ?? first), user: studio.user, password: studio.password, project, predicted, client, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Does the same as "prosam label-studio connect". */
async function connect(client: LabelStudioClient, project: number, url: string): Promise<void> {
  await client.createBackend({
    ...{ project, url, title: 'ProSAM', is_interactive: true },
    ...{ auth_method: 'BASIC_AUTH', basic_auth_user: LOGIN.name, basic_auth_pass: LOGIN.password },
  });
  const authorization = `Basic ${Buffer.from(`${LOGIN.name}:${LOGIN.password}`).toString('base64')}`;
  await repairWebhook(client, project, { backendUrl: url, authorization });
}

async function versionOf(client: LabelStudioClient, project: number): Promise<string> {
  return (await client.backends(project))[0]?.model_version ?? '';
}

interface Mask {
  data: Uint8Array;
  width: number;
  height: number;
}

interface RgbImage {
  name: string;
  type: string;
  bytes: Uint8Array;
  mask?: Mask;
}

async function generated(count: number): Promise<RgbImage[]> {
  const pictures: RgbImage[] = [];
  const concept = CONCEPT?.id ?? 0;
  for (let seed = 1; pictures.length < count; seed++) {
    const { image, width, height, ...scene } = generateScene(seed, { force: [concept] });
    const mask = { data: conceptMask({ image, width, height, ...scene }, concept), width, height };
    if (mask.data.reduce((sum, one) => sum + one, 0) < 0.03 * mask.data.length) continue;
    const bytes = await sharp(image, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    pictures.push({ name: `scene-${seed}.png`, type: 'image/png', bytes, mask });
  }
  return pictures;
}

async function own(folder: string): Promise<RgbImage[]> {
  const names = (await readdir(folder)).filter((name) => extname(name).toLowerCase() in TYPES).sort();
  if (names.length < 2)
    throw new Error(`${folder}: expected at least two photos (${Object.keys(TYPES).join(', ')}), found ${names.length}`);
  return Promise.all(
    names.map(async (name) => ({ name, type: TYPES[extname(name).toLowerCase()] ?? '', bytes: await readFile(join(folder, name)) })),
  );
}

function regionOf(mask: Mask) {
  return {
    ...{ id: 'first', type: 'brushlabels', from_name: 'tag', to_name: 'image', image_rotation: 0 },
    ...{ original_width: mask.width, original_height: mask.height },
    value: { format: 'rle', rle: [...encodeBrushRleSync(mask)], brushlabels: [LABEL] },
  };
}
