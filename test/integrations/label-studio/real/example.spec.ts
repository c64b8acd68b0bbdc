/** The example, as users run it, up to the address it prints. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { startExample } from '../../../../examples/label-studio/example.ts';
import { installLabelStudio } from '../../../../examples/label-studio/label-studio-server.ts';

const missing = await installLabelStudio().then(
  () => false,
  () => true,
);
const folder = mkdtempSync(join(tmpdir(), 'prosam-label-studio-example-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it.skipIf(missing)('starts Label Studio, labels one cat and finds it in other photos', async () => {
  const said: string[] = [];
  const example = await startExample({ folder, say: (line) => said.push(line) });
  try {
    // Four other photos show a cat, seven show none.
    expect(example.predicted).toBeGreaterThanOrEqual(3);
    expect(example.predicted).toBeLessThan(11);
    expect(said.join('\n')).toContain('one image is labelled');
    expect((await fetch(example.url)).status).toBe(200);
  } finally {
    await example.close();
  }
});
