/** Licenses of what `prosam models pull` fetches, against a hub on the loopback interface. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../../../src/cli/common/command.ts';
import { licenseOf } from '../../../../src/cli/models/licenses.ts';
import { modelsCommand } from '../../../../src/cli/models/models.ts';
import { writeSafetensors } from '../../../golden/checkpoint-writers.ts';
import { samOfTransformers } from '../../../golden/foreign-names.ts';
import { dyingWithUs } from '../../../support/dies-with-us.ts';
import { startHub, type HubServer } from '../../core/checkpoint/hub-server.ts';
import { expectRejection } from '../../core/expect-error.ts';
import { SAM, sourcesOf } from './place.ts';

const DINOV3 = 'facebook/dinov3-vits16-pretrain-lvd1689m';
const CLI = resolve('src/cli.ts');
const DINOV3_FILE = resolve('test/golden/dino-data/weights/backbone_dinov3.safetensors');
const root = mkdtempSync(join(tmpdir(), 'prosam-licenses-'));
let hub: HubServer;
let home = '';
let count = 0;

beforeAll(async () => {
  const sam = join(root, 'sam.safetensors');
  writeSafetensors(sam, samOfTransformers(sourcesOf(SAM)));
  const weights = (path: string) => ({ 'model.safetensors': new Uint8Array(readFileSync(path)) });
  hub = await startHub({
    'facebook/sam-vit-base': { files: weights(sam), license: 'apache-2.0' },
    [DINOV3]: { files: weights(DINOV3_FILE), license: 'other', licenseName: 'dinov3-license', gated: true },
    'acme/unstated': { files: weights(sam) },
  });
  process.chdir(root);
});
beforeEach(() => {
  Object.assign(hub, { requests: [] });
  home = join(root, `home-${count++}`);
  const folders = { PROSAM_MODELS: join(home, 'models'), XDG_CACHE_HOME: join(home, 'cache'), HF_HOME: join(home, 'hf') };
  Object.assign(process.env, folders, { HF_ENDPOINT: hub.endpoint, HF_TOKEN: hub.token });
  for (const name of ['HF_HUB_OFFLINE', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_TOKEN_PATH', 'HUGGING_FACE_HUB_TOKEN'])
    Reflect.deleteProperty(process.env, name);
});
afterAll(async () => {
  process.chdir(resolve(CLI, '../..'));
  await hub.close();
  rmSync(root, { recursive: true, force: true });
});

/** answers: of a person at the terminal, in order; without them nobody is there. */
async function pull(args: readonly string[], answers?: string[]) {
  const said = { out: '', err: '', questions: [] as string[] };
  const ask = (question: string): Promise<string> => {
    said.questions.push(question);
    return Promise.resolve(answers?.shift() ?? '');
  };
  const code = await modelsCommand(['pull', ...args], {
    print: (line) => void (said.out += `${line}\n`),
    warn: (line) => void (said.err += `${line}\n`),
    ...(answers && { ask }),
  });
  return { code, ...said };
}

/** Files that were asked for, of either origin. */
const transfers = (): string[] => hub.requests.filter(({ path }) => path.includes('/resolve/')).map(({ path }) => path);

describe('the license of what is pulled', () => {
  it('is shown, and an open one is not asked about', async () => {
    const { code, err, questions } = await pull(['sam-vit-b'], []);
    expect([code, questions]).toEqual([0, []]);
    expect(err.split('\n')[0]).toBe(`sam-vit-b: license apache-2.0, ${hub.endpoint}/facebook/sam-vit-base`);
    expect(err.match(/license apache-2\.0/g)).toHaveLength(1);
  });

  it('that is not open is refused where nobody answers, before anything of the model is fetched', async () => {
    const refused = pull(['sam-vit-b', '--backbone', 'dinov3-s']);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(
      `${DINOV3} is not under an open license (Apache 2.0, MIT, BSD) but: dinov3-license. Read its terms at ${hub.endpoint}/${DINOV3}; ` +
        'to accept them, repeat the command with --accept-license. Nothing of it was fetched.',
    );
    expect(transfers()).toEqual([]);
  });

  it('is accepted by the option, and stands in the manifest', async () => {
    const { code, err } = await pull(['sam-vit-b', '--backbone', 'dinov3-s', '--accept-license']);
    expect(code).toBe(0);
    expect(err).toContain('dinov3-s: license dinov3-license');
    const manifest: unknown = JSON.parse(readFileSync(join(home, 'models/sam-vit-b-dinov3-s/manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({
      license: 'apache-2.0 and dinov3-license',
      backbone: { config: { kind: 'dinov3', num_register_tokens: 4, rope_theta: 100, image_size: 512, patch_size: 16 } },
    });
  });

  it.each(['y', ' Yes '])('is accepted at the terminal with %j, asked once', async (answer) => {
    const { code, questions, out } = await pull(['dinov3-s', '--json'], [answer]);
    expect([code, questions]).toEqual([0, [expect.stringMatching(/but: dinov3-license\. .*\[y\/N\] $/)]]);
    expect(JSON.parse(out)).toMatchObject({ name: 'dinov3-s' });
  });

  it.each(['', 'n', 'yet'])('is declined at the terminal with %j', async (answer) => {
    await expect(pull(['dinov3-s'], [answer])).rejects.toThrow(`the license of ${DINOV3} (dinov3-license) was not accepted.`);
    expect(transfers()).toEqual([]);
  });

  it('that nobody states needs the option too', async () => {
    await expect(pull(['acme/unstated'])).rejects.toThrow(
      'acme/unstated is not under an open license (Apache 2.0, MIT, BSD) but: not stated.',
    );
    expect((await pull(['acme/unstated', '--accept-license'])).code).toBe(0);
  });

  it('is no question where nothing is fetched', async () => {
    await pull(['dinov3-s', '--accept-license']);
    expect((await pull(['dinov3-s', '--offline'])).err).toContain('found in the cache');
    process.env['HF_ENDPOINT'] = 'http://127.0.0.1:1';
    expect((await pull(['dinov3-s'])).err).toContain('which is used');
  });

  it('does not replace the terms of a gated repository', async () => {
    Reflect.deleteProperty(process.env, 'HF_TOKEN');
    await expectRejection('HUB_REFUSED', pull(['dinov3-s', '--accept-license']), DINOV3, 'accept its terms');
  });

  it('ends the command with exit code 2 where it is not accepted', async () => {
    const ended = await new Promise<{ code: unknown; text: string }>((done) => {
      const pulled = [CLI, 'models', 'pull', 'dinov3-s'];
      const child = execFile(...dyingWithUs(process.execPath, pulled), { cwd: root }, (error, _, text) =>
        done({ code: error?.code ?? 0, text }),
      );
      child.stdin?.end('y\n'); // a pipe is nobody at a terminal
    });
    expect(ended).toEqual({ code: 2, text: expect.stringMatching(/--accept-license.*See prosam models --help\./s) as string });
    expect(readdirSync(root)).not.toContain(`home-${count - 1}`);
  });
});

it('the license of the card counts, and the catalogue’s where the card has none or no name for it', () => {
  const entry = { license: 'dinov3-license' };
  expect(licenseOf('mit', entry)).toBe('mit');
  expect(licenseOf('other', entry)).toBe('dinov3-license');
  expect(licenseOf(undefined, entry)).toBe('dinov3-license');
  expect(licenseOf('other', {})).toBe('other');
  expect(licenseOf(undefined, {})).toBe('not stated');
});
