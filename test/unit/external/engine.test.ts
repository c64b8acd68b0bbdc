/** The method as callers of an engine get it: through the worker, to a stand-in. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createEngine, externalSystem, iou, type Engine } from '../../../src/index.ts';
import { MODEL_METHODS } from '../../../src/core/engine/types.ts';
import { testExternal } from '../../../src/testing/external.ts';
import { testMethod } from '../../../src/testing/method.ts';
import { reference, scenes, target } from '../core/runtime/engine-bench.ts';
import { expectRejection } from '../core/expect-error.ts';
import { answerTo, SCORE, standInCommand, standInServer, type StandIn } from './stand-in.ts';

const silent = { log: () => undefined };
const command = () => externalSystem(standInCommand(), silent);
const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closes.splice(0).reverse()) await close();
});

async function engineAt(server: StandIn, options = {}): Promise<Engine> {
  const engine = await createEngine({ model: 'tiny', external: externalSystem(server.url), ...options });
  closes.push(
    () => server.close(),
    () => engine.close(),
  );
  return engine;
}

/** Red on the left. */
function redImage(width: number, height: number, red: number) {
  const data = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) if (i % width < red) data[3 * i] = 255;
  return { data, width, height, channels: 3 as const };
}

testExternal({ afterAll, beforeAll, describe, it }, { system: command() });
// The objects of the suite are not red: the stand-in finds none of them, and says so.
testMethod(
  { afterAll, beforeAll, describe, it },
  { engine: () => createEngine({ model: 'tiny', external: command() }), method: 'external', minOwnIou: 0 },
);

describe('the method external', () => {
  it('gives the mask at the size of the target, with the score of the system, and needs no network', async () => {
    const server = await standInServer();
    const engine = await engineAt(server);
    expect(engine.info.methods).toEqual([...MODEL_METHODS.filter((method) => method !== 'coarse'), 'external']);
    const { masks, width, height, milliseconds } = await engine.predict(
      redImage(50, 30, 20),
      [
        { image: redImage(40, 40, 10), box: [0, 0, 10, 40], label: 'red' },
        { image: redImage(20, 10, 10), box: [0, 0, 10, 10], label: 'also red' },
      ],
      { method: 'external', uncertaintyMap: true, instances: true },
    );
    expect([width, height]).toEqual([50, 30]);
    expect(masks).toMatchObject(
      ['red', 'also red'].map((label) => ({
        ...{ label, method: 'external', area: 600, boxXyxy: [0, 0, 20, 30] },
        quality: { score: SCORE, present: 1 },
        instances: [{ area: 600 }],
      })),
    );
    expect(milliseconds).not.toHaveProperty('embed');
    const [sent] = server.requests.filter(({ message }) => message.type === 'segment');
    expect(sent?.message).toMatchObject({ label: 'red', references: [{ mask: { size: [40, 40], counts: [0, 400, 1200] } }] });
  });

  it('lets SAM grow points first, as other methods do', async () => {
    const server = await standInServer();
    const engine = await engineAt(server);
    const [scene] = scenes;
    const inside = scene.truth.data.indexOf(1);
    const point: [number, number] = [(inside % scene.truth.width) + 0.5, Math.floor(inside / scene.truth.width) + 0.5];
    const grown = await engine.referenceMask({ image: scene.image, points: [point] });
    await engine.predict(target.image, [{ image: scene.image, points: [point] }], { method: 'external' });
    const { counts } = server.requests.at(-1)?.message.references?.[0]?.mask as { counts: number[] };
    const area = counts.filter((_, i) => i % 2 === 1).reduce((sum, run) => sum + run, 0);
    expect(area).toBe(grown.area);
    expect(area).toBeGreaterThan(1);
  });

  it('is not asked by auto, and is unavailable without a system', async () => {
    const server = await standInServer();
    const engine = await engineAt(server);
    const references = [reference(scenes[0]), reference(scenes[1])];
    const { masks } = await engine.predict(target.image, references);
    expect(masks[0]?.method).not.toBe('external');
    expect(Object.keys((await engine.selfCheck(references)).methods)).not.toContain('external');
    expect(server.requests).toEqual([]);
    const without = await createEngine({ model: 'tiny' });
    closes.push(() => without.close());
    await expectRejection('METHOD_UNAVAILABLE', without.predict(target.image, references, { method: 'external' }), '--external');
  });

  it('goes together for targets that wait, in their order; a wrong mask costs one target', async () => {
    let release: (() => void) | undefined;
    const waits = new Promise<void>((done) => (release = done));
    let sent = 0;
    const server = await standInServer(async (response, message) => {
      const answer = answerTo(message, 8) as { results?: { mask: { size: number[] } }[] };
      if (message.type === 'segment' && ++sent === 1) await waits;
      for (const { mask } of answer.results ?? []) if (mask.size[1] === 13) mask.size.reverse();
      response.end(JSON.stringify(answer));
    });
    const engine = await engineAt(server);
    const widths = [10, 11, 12, 13, 14];
    const shown = [{ image: redImage(40, 40, 10), box: [0, 0, 10, 40] }];
    const many = engine.predictMany(widths.map((width) => redImage(width, 9, 4)), shown, { method: 'external', concurrency: 5 }); // prettier-ignore
    const first = many.next();
    await expect.poll(() => sent).toBe(1);
    // The networks are free meanwhile.
    expect((await engine.predict(target.image, [reference(scenes[0])], { method: 'nearest' })).masks).toHaveLength(1);
    release?.();
    const results = [(await first).value];
    for await (const result of many) results.push(result);
    expect(results.map((result) => result?.prediction?.width ?? result?.error?.code)).toEqual([10, 11, 12, 'EXTERNAL_FAILED', 14]);
    expect(server.requests.filter(({ message }) => message.type === 'segment').length).toBeLessThan(widths.length);
  });

  it('ends with its caller, and with the worker it was asked by', async () => {
    const server = await standInServer((response, message) => {
      if (message.type === 'describe') response.end(JSON.stringify(answerTo(message)));
    });
    const engine = await engineAt(server);
    const ask = (signal?: AbortSignal) =>
      engine.predict(target.image, [reference(scenes[0])], { method: 'external', ...(signal && { signal }) });
    const segments = (): number => server.requests.filter(({ message }) => message.type === 'segment').length;
    const controller = new AbortController();
    const given = ask(controller.signal);
    given.catch(() => undefined);
    await expect.poll(segments).toBe(1);
    const reason = new Error('enough');
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    // A worker that dies while the system is asked: the next one asks again.
    const other = new AbortController();
    const again = ask(other.signal);
    again.catch(() => undefined);
    await expect.poll(segments).toBe(2);
    process.kill(engine.worker?.pid as number, 'SIGKILL');
    await expect.poll(segments).toBe(3);
    other.abort(reason);
    await expect(again).rejects.toBe(reason);
  });

  it('reaches a command that finds what is red', async () => {
    const lines: string[] = [];
    const engine = await createEngine({ model: 'tiny', external: externalSystem(standInCommand(), { log: (line) => lines.push(line) }) });
    const image = redImage(64, 48, 30);
    const { masks } = await engine.predict(image, [{ image, box: [0, 0, 30, 48] }], { method: 'external' });
    const truth = Uint8Array.from({ length: 64 * 48 }, (_, i) => (i % 64 < 30 ? 1 : 0));
    expect(iou(masks[0]?.mask.data as Uint8Array, truth)).toBe(1);
    await expect.poll(() => lines.some((line) => line.startsWith('pid '))).toBe(true);
    const pid = Number(lines.find((line) => line.startsWith('pid '))?.slice(4));
    await engine.close();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
