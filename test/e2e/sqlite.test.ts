/** The whole way on SQLite and a folder: one service that trains in a child process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { QUICK_LEARNER, runScenario } from './scenario.ts';
import { endedEarly, startServe } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-e2e-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('learns from forty images and answers better, on SQLite and disk', { timeout: 0 }, async () => {
  writeFileSync(join(folder, 'prosam.config.json'), JSON.stringify({ learner: { ...QUICK_LEARNER, minNewMasks: 1000, leaseMs: 3000 } }));
  const served = await startServe({ folder });
  try {
    const { before, moreReferences, after, gate, seconds } = await Promise.race([runScenario([served.url]), endedEarly([served])]);
    console.log(
      `SQLite: fresh images IoU ${before.toFixed(3)}, with more references ${moreReferences.toFixed(3)}, with the better version ${after.toFixed(3)}, gate ${gate.current.toFixed(3)} -> ${gate.candidate.toFixed(3)}, ${seconds.toFixed(0)} s`,
    );
  } catch (error) {
    throw new Error(served.output(), { cause: error });
  } finally {
    expect(await served.stop()).toBe(0);
  }
});
