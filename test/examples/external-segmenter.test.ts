/** The example in Python, over HTTP and as a command, held to the published suite and asked by an engine. Needs python3. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createEngine, externalSystem, iou } from 'prosam';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testExternal } from '../../src/testing/external.ts';
import { dyingWithUs } from '../support/dies-with-us.ts';
import { hasPython } from '../support/has-python.ts';

const FILE = 'examples/external-segmenter/segmenter.py';
const COMMAND = dyingWithUs('python3', ['-I', FILE]).flat();
const silent = { log: () => undefined };

/** A warm disc of a width and height of 60 % on a cold, noisy ground. */
function scene(width: number, height: number) {
  const data = new Uint8Array(3 * width * height);
  const truth = new Uint8Array(width * height);
  for (let i = 0; i < truth.length; i++) {
    const inside = Math.hypot((i % width) / width - 0.5, Math.floor(i / width) / height - 0.5) < 0.3;
    truth[i] = inside ? 1 : 0;
    data.set(inside ? [200 + (i % 37), 120, 40 + (i % 11)] : [30 + (i % 23), 90 + (i % 29), 160], 3 * i);
  }
  return { image: { data, width, height, channels: 3 as const }, mask: { data: truth, width, height } };
}

describe.skipIf(!hasPython())('the external segmenter', () => {
  let server: ChildProcess | undefined;
  afterAll(() => {
    server?.kill();
  });

  async function serve(): Promise<string> {
    const child = spawn(...dyingWithUs('python3', ['-I', FILE, '--port', '0']), { stdio: ['ignore', 'ignore', 'pipe'] });
    server = child;
    for await (const line of createInterface({ input: child.stderr })) {
      const [, url] = /listening on (\S+)/.exec(line) ?? [];
      if (url !== undefined) return url;
    }
    throw new Error('the example ended before it listened');
  }

  describe('as a command', () => {
    testExternal({ afterAll, beforeAll, describe, it }, { system: externalSystem(COMMAND, silent) });
  });
  describe('over HTTP', () => {
    testExternal({ afterAll, beforeAll, describe, it }, { system: async () => externalSystem(await serve()) });
  });

  it('finds by its color what one reference shows', async () => {
    await using engine = await createEngine({ model: 'tiny', external: externalSystem(COMMAND, silent) });
    const [shown, wanted] = [scene(64, 48), scene(50, 80)];
    const { masks } = await engine.predict(wanted.image, [shown], { method: 'external' });
    expect(iou(masks[0]?.mask.data as Uint8Array, wanted.mask.data)).toBeGreaterThan(0.95);
    expect(masks[0]?.quality.score).toBeGreaterThan(0.9);
  });
});

it('stays short, and within the standard library', () => {
  const lines = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  expect(lines.length).toBeLessThan(120);
  const imported = lines.flatMap((line) => /^(?:import|from) (\w+)/.exec(line)?.[1] ?? []);
  expect(imported).toEqual(['argparse', 'base64', 'http', 'json', 'math', 'sys']);
});
