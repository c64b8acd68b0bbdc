/** cvat-cli and cvat-sdk as people install them: our function file at work, and our masks read by CVAT's own code. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cvatRleFromMaskSync, maskFromCvatRle } from '../../../src/core/mask/cvat-rle.ts';
import { functionFile } from '../../../src/cli/cvat/function-file.ts';
import { emptyMask, maskArea } from '../../../src/core/mask/raster.ts';
import { fakeService } from '../../unit/adapters/fake-service.ts';
import { pngOf, startServer, TOKENS, type TestServer } from '../../unit/adapters/webhook/webhook-server.ts';
import { ask, pythonTools, type PythonTools } from './python.ts';
import { startStandIn, TOKEN, type StandIn } from './stand-in-cvat.ts';

const tools = await pythonTools();

describe.skipIf(tools === undefined)('the Python packages of CVAT (skipped where pip cannot install them)', () => {
  const { python, cli } = (tools ?? {}) as PythonTools;
  const folder = mkdtempSync(join(tmpdir(), 'prosam-cvat-python-'));
  let cvat: StandIn;
  let prosam: TestServer;
  beforeAll(async () => {
    cvat = await startStandIn();
    prosam = await startServer({ service: fakeService({ labels: ['cat', 'dog'] }) });
  });
  afterAll(async () => {
    await prosam.close();
    await cvat.close();
    rmSync(folder, { recursive: true });
  });

  it('fill a task through our function file, as masks and as polygons', async () => {
    const bytes = await pngOf(7, 64, 48);
    const file = join(folder, 'prosam_function.py');
    writeFileSync(file, functionFile(prosam.url, ''));
    const port = new URL(cvat.url).port;
    for (const [type, options] of [
      ['mask', []],
      ['polygon', ['--conv-mask-to-poly', '--conf-threshold', '0.1']],
    ] as const) {
      const frames = [0, 1].map((i) => ({ name: `${i}.png`, width: 64, height: 48, bytes }));
      const task = cvat.addTask({ frames, labels: [{ name: 'cat' }, { name: 'dog' }] });
      const server = ['--server-host', 'http://127.0.0.1', '--server-port', port];
      const call = ['task', 'auto-annotate', String(task.id), '--function-file', file, '-p', 'project=str:pets', ...options];
      const environment = { CVAT_ACCESS_TOKEN: TOKEN, PROSAM_TOKEN: TOKENS.admin, HOME: folder };
      await ask(cli, [...server, ...call], environment, folder);
      const shapes = cvat.shapes(task);
      expect(shapes.map(({ frame, source }) => [frame, source])).toEqual([
        [0, 'auto'],
        [0, 'auto'],
        [1, 'auto'],
        [1, 'auto'],
      ]);
      expect(new Set(shapes.map((shape) => shape.type))).toEqual(new Set([type]));
      if (type === 'mask') for (const { points } of shapes) expect(maskArea(maskFromCvatRle(points, 64, 48))).toBeGreaterThan(50);
    }
  });

  it('decode our masks to the same pixels, and we theirs', async () => {
    const [width, height] = [37, 23];
    const masks = Array.from({ length: 40 }, (_, turn) => {
      const mask = emptyMask(width, height);
      for (let i = turn; i < mask.data.length; i += 1 + ((turn * 7) % 11)) mask.data[i] = (i * (turn + 3)) % 5 < 3 ? 1 : 0;
      return mask;
    });
    const given = join(folder, 'masks.json');
    writeFileSync(given, JSON.stringify(masks.map((mask) => ({ points: cvatRleFromMaskSync(mask), pixels: [...mask.data] }))));
    const script = `
import json, sys, numpy as np
from cvat_sdk.masks import decode_mask, encode_mask
out = []
for one in json.load(open(sys.argv[1])):
    ours = decode_mask(one["points"], image_width=${width}, image_height=${height})
    assert (ours.ravel() == np.array(one["pixels"], bool)).all(), "pixels differ"
    out.append(encode_mask(ours))
print(json.dumps(out))`;
    const { stdout } = await ask(python, ['-c', script, given]);
    expect(JSON.parse(stdout)).toEqual(masks.map((mask) => cvatRleFromMaskSync(mask)));
  });
});
