/** Labels that take boxes or ellipses alone: declared as such, and answered as such. */
import { afterEach, describe, expect, it } from 'vitest';
import { createCvatClient } from '../../../../src/adapters/cvat/api/client.ts';
import { createProjectFacts } from '../../../../src/adapters/cvat/nuclio/project-facts.ts';
import { detectorName } from '../../../../src/adapters/cvat/names.ts';
import { silentLog } from '../../../../src/service/ports/log.ts';
import { pngOf } from '../../../unit/adapters/webhook/webhook-server.ts';
import { frames } from '../annotate-bench.ts';
import { startStandIn, TOKEN, type StandIn } from '../stand-in-cvat.ts';
import { asCvatReads } from './as-cvat-reads.ts';
import { exactService, invoke, label, send, startFacade } from './facade-server.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

const LABELS = [
  { name: 'any', type: 'any' },
  { name: 'box', type: 'rectangle' },
  { name: 'line', type: 'polyline' },
  { name: 'mask', type: 'mask' },
  { name: 'outline', type: 'polygon' },
  { name: 'round', type: 'ellipse' },
];
const NAMES = LABELS.map(({ name }) => name);
const [WIDTH, HEIGHT] = [64, 48];
const PROJECT = 'cvat/project-3';

async function started(
  labels = LABELS,
): Promise<{ cvat: StandIn; url: string; image: Buffer; client: ReturnType<typeof createCvatClient> }> {
  const cvat = await startStandIn();
  open.push(cvat);
  cvat.state.projects.set(3, 'Kitchen');
  cvat.addTask({ frames: await frames(1), labels, project: 3 });
  const service = exactService({ labels: NAMES });
  const image = Buffer.from(await pngOf(1, WIDTH, HEIGHT));
  await label(service, PROJECT, NAMES, image);
  const client = createCvatClient({ url: cvat.url, token: TOKEN, backoffMs: 1, attempts: 1 });
  const facade = await startFacade({ service, api: client });
  open.push(facade);
  return { cvat, url: facade.url, image, client };
}

describe('labels of one form', () => {
  it('are declared with that form, under the name of the project in CVAT; what takes nothing that can be drawn is named', async () => {
    const { url } = await started();
    const [detector] = asCvatReads((await send(`${url}/api/functions`, 'GET')).json());
    expect(detector?.name).toBe('ProSAM: Kitchen');
    expect(detector?.labels.map(({ name, type }) => [name, type])).toEqual([
      ['any', 'mask'],
      ['box', 'rectangle'],
      ['mask', 'mask'],
      ['outline', 'polygon'],
      ['round', 'ellipse'],
    ]);
    expect(detector?.description).toContain('Not line');
  });

  it('are answered in that form', async () => {
    const { url, image } = await started();
    const answer = await invoke(url, detectorName(PROJECT), { image: image.toString('base64') });
    const found = answer.json() as { label: string; type: string; points: number[] }[];
    expect(found.map((one) => [one.label, one.type])).toEqual([
      ['any', 'mask'],
      ['box', 'rectangle'],
      ['mask', 'mask'],
      ['outline', 'polygon'],
      ['round', 'ellipse'],
    ]);
    // The fake service finds a disc of 0.3 / (i + 1) of the height of 48 around (32, 24), pixel centers at whole numbers: radius 7.2 for
    // the second label that is asked for, so columns 25 to 39, and 2.88 for the fifth, so columns 30 to 34: half axes of 2 x its deviation.
    expect(found[1]?.points).toEqual([25, 17, 40, 32]);
    const [cx = 0, cy = 0, right = 0, top = 0] = found[4]?.points ?? [];
    expect([cx, cy]).toEqual([32.5, 24.5]);
    expect(right - cx).toBeCloseTo(cy - top, 10);
    expect(Math.abs(right - cx - 2.88)).toBeLessThan(0.3);
  });

  it('take masks where CVAT does not tell, and keep what CVAT told before', async () => {
    const { cvat, client } = await started();
    let now = 0;
    const factsOf = createProjectFacts({ api: client, name: 'cvat', log: silentLog, clockMs: () => now });
    expect(await factsOf('kitchen')).toBeUndefined();
    expect(await factsOf('cvat/project-99')).toBeUndefined();
    const facts = await factsOf(PROJECT);
    expect(facts?.forms.get('box')).toBe('rectangle');
    expect(facts?.forms.get('line')).toBeUndefined();
    cvat.state.trouble = () => ({ status: 404 });
    now = 1e9;
    expect(await factsOf(PROJECT)).toEqual(facts);
  });

  it('wait once for a CVAT that does not answer, and not for each project again', async () => {
    let asked = 0;
    const never = (): Promise<never> => {
      asked++;
      return new Promise(() => undefined);
    };
    const factsOf = createProjectFacts({
      ...{ api: { project: never, task: never, labels: never }, name: 'cvat', log: silentLog, clockMs: () => 0 },
      patienceMs: 1,
    });
    for (let i = 0; i < 500; i++) expect(await factsOf(`cvat/project-${i}`)).toBeUndefined();
    expect(asked).toBe(1000);
  });
});
