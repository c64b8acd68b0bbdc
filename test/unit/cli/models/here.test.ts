/** Models on this machine through the command line: listed, described, removed, found by their name. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../../../src/core/runtime/node/create-engine.ts';
import { openStorage } from '../../../../src/storage/open-storage.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { runCli } from '../run-cli.ts';
import { DINO, modelsPlace, SAM, WEIGHTS } from './place.ts';

const here = modelsPlace();
const { root, models, json } = here;

describe('prosam models list and info', () => {
  it('shows what is here, and makes no store', async () => {
    await models('add', 'mine', '--sam', SAM, '--backbone', DINO, '--license', 'CC0');
    const { out } = await models('list');
    expect(out).toMatch(
      /tiny +built-in +SAM ViT .*ProSAM, 50 prompts.* 0\.87 M +Apache-2\.0 +prosam, persam, nearest, refined, pieces, pseudo, gf-sam/,
    );
    expect(out).toMatch(/mine +added +SAM ViT .*DINOv2 .* CC0 +persam, nearest, refined, pieces, pseudo, gf-sam/);
    expect(out).not.toContain('versions');
    expect(existsSync(join(root, 'prosam'))).toBe(false);
    const listed = await json<{ models: { name: string; bytes: number; parameters: number }[]; versions: unknown[]; projects: unknown[] }>(
      'list',
    );
    expect(listed).toMatchObject({
      versions: [],
      projects: [],
      models: [{ name: 'small' }, { name: 'tiny' }, { name: 'mine', kind: 'added' }],
    });
    expect(listed.models[2]?.parameters).toBe(161_372);
    await expectRejection('FILE_NOT_FOUND', models('list', '--database', join(root, 'none.db')), '--database');
  });

  it('shows learned versions where there is a store', async () => {
    const [database, objects] = [join(root, 'store', 'prosam.db'), join(root, 'store', 'blobs')];
    await (await openStorage({ database, objects })).close();
    expect((await models('list', '--database', database, '--objects', objects)).out).toContain('no versions yet');
  });

  it('lists a model that is damaged or whose weights are gone with what is wrong', async () => {
    const moved = join(root, 'moved.safetensors');
    copyFileSync(SAM, moved);
    await models('add', 'lost', '--sam', moved);
    await models('add', 'broken', '--sam', SAM);
    rmSync(moved);
    writeFileSync(join(here.place, 'broken', 'manifest.json'), '{');
    const { out } = await models('list');
    expect(out).toMatch(/lost +added +MODEL_NOT_FOUND: .*moved\.safetensors/);
    expect(out).toMatch(/broken +added +MODEL_INVALID: /);
    await expectRejection('MODEL_NOT_FOUND', createEngine({ model: 'lost' }), 'moved.safetensors');
    for (const name of ['lost', 'broken']) expect((await models('remove', name)).code).toBe(0);
  });

  it('describes one in full', async () => {
    const encoder = join(WEIGHTS, 'prompt_encoder_dino.safetensors');
    await models('add', 'mine', '--sam', SAM, '--backbone', DINO, '--prompt-encoder', encoder);
    const { out } = await models('info', 'mine');
    for (const part of [
      /^mine$/m,
      /methods +prosam, persam, nearest, refined, pieces, pseudo, gf-sam/,
      /trained +against sam\.safetensors and backbone\.safetensors/,
      /prompt encoder .* F32/,
      /memory +about \d+ MB/,
      SAM,
    ])
      expect(out).toMatch(part);
    const facts = await json<{ parts: { parameters: number }[]; memoryBytes: number; trainedAgainst: object }>('info', 'mine');
    expect(facts.parts.map(({ parameters }) => parameters)).toEqual([117_644, 43_728, 23_040]);
    expect(facts.trainedAgainst).toMatchObject({ sam: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
    const missing = await models('info', 'nothing').catch((error: unknown) => String(error));
    expect(missing).toMatch(/nothing called "nothing"\. Models here: small, tiny, mine\. prosam models pull/);
    expect((await models('info', join(here.place, 'mine'))).out).toContain('mine'); // a path does as well
  });

  it('says what a built-in model is good and bad at, its size and its license', async () => {
    const { out } = await models('info', 'small');
    for (const part of [/good at +things that stand apart/, /weak at +one click/, /license +Apache-2\.0/, /all +24\.7 MB/])
      expect(out).toMatch(part);
  });
});

describe('prosam models remove', () => {
  it('takes the name and leaves the weights, also behind a link', async () => {
    await models('add', 'mine', '--sam', SAM);
    expect((await models('remove', 'mine')).out).toContain(SAM);
    expect([existsSync(join(here.place, 'mine')), existsSync(SAM)]).toEqual([false, true]);
    await expectRejection('MODEL_NOT_FOUND', models('remove', 'mine'), 'no model called mine');
    mkdirSync(join(root, 'elsewhere'), { recursive: true });
    writeFileSync(join(root, 'elsewhere', 'manifest.json'), '{}');
    symlinkSync(join(root, 'elsewhere'), join(here.place, 'linked'));
    await models('remove', 'linked');
    expect([existsSync(join(here.place, 'linked')), existsSync(join(root, 'elsewhere', 'manifest.json'))]).toEqual([false, true]);
  });

  it('takes nothing that is no model, nor does add --force', async () => {
    mkdirSync(join(here.place, 'photos'), { recursive: true });
    writeFileSync(join(here.place, 'photos', 'photo.jpg'), 'original');
    await expectRejection('OUTPUT_TAKEN', models('remove', 'photos'), 'photo.jpg');
    await expectRejection('OUTPUT_TAKEN', models('add', 'photos', '--sam', SAM, '--force'), 'photo.jpg');
    expect(readdirSync(here.place)).toEqual(['photos']);
    expect(readFileSync(join(here.place, 'photos', 'photo.jpg'), 'utf8')).toBe('original');
  });

  it('of a folder that went in between is told', async () => {
    await models('add', 'mine', '--sam', SAM);
    renameSync(join(here.place, 'mine'), join(here.place, 'gone'));
    await expectRejection('MODEL_NOT_FOUND', models('verify', 'mine'), 'Models here: small, tiny, gone');
  });
});

it('works as a command of its own, with every other command finding the model by its name', async () => {
  await models('add', 'mine', '--sam', SAM);
  const listed = await runCli(['models', 'list'], root);
  expect([listed.code, listed.stdout]).toEqual([0, expect.stringContaining('mine')]);
  const config = await runCli(
    ['segment', '--model', 'none', '--reference', 'x.png', '--box', '1,1,9,9', '--target', 'y.png', '--out', 'o'],
    root,
  );
  expect([config.code, config.stderr]).toEqual([2, expect.stringMatching(/MODEL_NOT_FOUND: .*"none".*Models here: small, tiny, mine/)]);
  const serve = await runCli(['serve', '--print-config', '--model', 'mine'], root); // PROSAM_MODELS is no setting of the service
  expect([serve.code, serve.stdout]).toEqual([0, expect.stringContaining('mine')]);
});
