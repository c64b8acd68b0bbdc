/** Stand-in for CVAT and a folder, for the tests of one file of commands; both are gone after them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { sceneWith } from '../../../../src/scenes/scene-with.ts';
import { startStandIn, type StandIn } from '../../../integrations/cvat/stand-in-cvat.ts';

export async function cvatPlace(name: string): Promise<{ cvat: StandIn; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), `prosam-${name}-`));
  const cvat = await startStandIn();
  afterAll(async () => {
    await cvat.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { cvat, folder };
}

/** Scenes that show one thing, each the first one from its seed on. */
export function scenesFrom(...seeds: number[]): ReturnType<typeof sceneWith>[] {
  return seeds.map((start) => {
    let seed = start;
    return sceneWith(36, () => seed++);
  });
}
