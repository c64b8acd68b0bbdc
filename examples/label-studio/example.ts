/** A project of a real Label Studio, connected, with one image labelled and the rest predicted. */
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createServer } from 'prosam/server';
import { createLabelStudioClient, encodeBrushRleSync, repairWebhook, type LabelStudioClient } from 'prosam/label-studio';
import sharp from 'sharp';
import { startLabelStudio } from './label-studio-server.ts';

export interface ExampleOptions {
  /** Keeps everything. */
  folder: string;
  /** Folder of photos of your own, of which you label one. @default the package's photos of cats and airplanes, of which one cat is labelled for you */
  photos?: string;
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
  /** Tasks in which something was found. */
  predicted: number;
  client: LabelStudioClient;
  close(): Promise<void>;
}

const LOGIN = { name: 'label-studio', password: 'between-the-two' };
/** Photos of the package, with credits in CREDITS.md beside them. */
const PHOTOS = join(import.meta.dirname, '../photos');
const LABELLED = 'cat-floor';
const configOf = (label: string): string => `<View>
  <Image name="image" value="$image" zoom="true" zoomControl="true"/>
  <BrushLabels name="tag" toName="image" smart="false"><Label value="${label}" background="#FF00FF"/></BrushLabels>
  <KeyPointLabels name="click" toName="image" smart="true" smartOnly="true"><Label value="${label}" background="#FF00FF"/></KeyPointLabels>
  <RectangleLabels name="box" toName="image" smart="true" smartOnly="true"><Label value="${label}" background="#FF00FF"/></RectangleLabels>
</View>`;
const TYPES: Record<string, string> = { '.jpg': 'image/jpeg', '.jpeg': 'image/jpeg', '.png': 'image/png', '.webp': 'image/webp' };

export async function startExample({ folder, photos, port, say }: ExampleOptions): Promise<RunningExample> {
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
    const label = photos === undefined ? 'cat' : 'object';
    const { id: project } = await client.createProject({ title: 'ProSAM', label_config: configOf(label) });
    const backendUrl = `${await prosam.listen()}/label-studio`;
    await connect(client, project, backendUrl);
    say(`connected: ${backendUrl}`);

    const pictures = photos === undefined ? await packaged() : await own(photos);
    await client.uploadImages(project, pictures);
    const tasks: number[] = [];
    for await (const { id } of client.tasks(project)) tasks.push(id);
    const [first = 0, ...rest] = tasks;
    const address = (task: number): string => `${studio.url}/projects/${project}/data?task=${task}`;

    const before = await versionOf(client, project);
    const [{ mask }] = pictures as [Photo];
    if (mask) await client.createAnnotation(first, { result: [regionOf(mask, label)] });
    else {
      say(`log in as ${studio.user} with ${studio.password}, paint the object and press Submit: ${address(first)}`);
      while ((await client.annotations(first)).length === 0) await wait(2000);
    }
    say('one image is labelled');
    // The label arrives by webhook; each that counts makes another version.
    for (let tries = 0; tries < 60 && (await versionOf(client, project)) === before; tries++) await wait(500);

    await client.act(project, 'retrieve_tasks_predictions', rest);
    let predicted = 0;
    for (const task of rest) if ((await client.predictions(task)).some(({ result }) => result.length > 0)) predicted++;
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

interface Photo {
  name: string;
  type: string;
  bytes: Uint8Array;
  mask?: Mask;
}

/** The labelled photo first, then those that show the same. */
async function packaged(): Promise<Photo[]> {
  const names = (await readdir(PHOTOS)).filter((name) => name.endsWith('.jpg')).sort();
  const first = `${LABELLED}.jpg`;
  const rank = (name: string): number => (name === first ? 0 : name.startsWith('cat') ? 1 : 2);
  const sorted = names.sort((one, other) => rank(one) - rank(other));
  const drawn = sharp(join(PHOTOS, 'masks', `${LABELLED}.png`)).toColourspace('b-w');
  const { data, info } = await drawn.raw().toBuffer({ resolveWithObject: true });
  const mask = { data: data.map((value) => (value > 127 ? 1 : 0)), width: info.width, height: info.height };
  return Promise.all(
    sorted.map(async (name) => ({
      ...{ name, type: 'image/jpeg', bytes: await readFile(join(PHOTOS, name)) },
      ...(name === first && { mask }),
    })),
  );
}

async function own(folder: string): Promise<Photo[]> {
  const names = (await readdir(folder)).filter((name) => extname(name).toLowerCase() in TYPES).sort();
  if (names.length < 2)
    throw new Error(`${folder}: expected at least two photos (${Object.keys(TYPES).join(', ')}), found ${names.length}`);
  return Promise.all(
    names.map(async (name) => ({ name, type: TYPES[extname(name).toLowerCase()] ?? '', bytes: await readFile(join(folder, name)) })),
  );
}

function regionOf(mask: Mask, label: string) {
  return {
    ...{ id: 'first', type: 'brushlabels', from_name: 'tag', to_name: 'image', image_rotation: 0 },
    ...{ original_width: mask.width, original_height: mask.height },
    value: { format: 'rle', rle: [...encodeBrushRleSync(mask)], brushlabels: [label] },
  };
}
