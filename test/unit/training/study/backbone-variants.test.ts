import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { midBlockVariants } from '../../../../src/training/study/backbone-variants.ts';
import { writeModelFolder } from '../../core/runtime/model-folder-of.ts';

const root = mkdtempSync(join(tmpdir(), 'prosam-variants-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('makes models that differ in their mid-level blocks, of weights in the model’s folder and of weights elsewhere', async () => {
  const own = writeModelFolder(join(root, 'own'), { backbone: 'sam', resize: 'stretch', withPromptEncoder: false, half: false });
  const { manifest } = await openModel(own);
  const written = JSON.parse(readFileSync(join(own, 'manifest.json'), 'utf8')) as Record<string, unknown>;
  const elsewhere = join(root, 'elsewhere');
  mkdirSync(elsewhere);
  writeFileSync(
    join(elsewhere, 'manifest.json'),
    JSON.stringify({ ...written, locations: { [manifest.sam.file]: resolve(own, manifest.sam.file) } }),
  );
  for (const model of [own, elsewhere]) {
    const folders = await midBlockVariants(model, join(root, 'variants', model === own ? 'a' : 'b'));
    const blocks = [];
    for (const folder of folders) blocks.push((await openModel(folder)).manifest.backbone);
    expect(blocks).toEqual([[0], [2], [0, 2]].map((midBlocks) => ({ kind: 'sam', midBlocks })));
  }
});
