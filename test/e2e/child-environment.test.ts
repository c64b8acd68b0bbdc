/** Processes that a service starts see none of its secrets. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { pictures, annotationOf } from '../../tools/kill/pictures.ts';
import { ask, startServe } from './serve-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-children-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRETS = {
  PROSAM_CALLBACK_SECRET: 'secret-of-callbacks',
  AWS_SECRET_ACCESS_KEY: 'secret-of-a-bucket',
  PGPASSWORD: 'secret-of-a-database',
  DATABASE_URL: 'postgres://me:secret-in-an-address@db.internal/x',
  HF_TOKEN: 'secret-of-the-hub',
  NODE_AUTH_TOKEN: 'secret-of-a-registry',
  CUDA_ACCESS_TOKEN: 'secret-with-a-familiar-beginning',
  ANY_NAME_AT_ALL: 'secret-of-somebody',
  TF_VAR_db_pass: 'secret-of-terraform',
  VK_APP_KEY: 'secret-with-a-prefix-of-drivers',
  NVIDIA_NGC_KEY: 'secret-of-a-registry-of-containers',
  NODE_PROXY_PWD: 'secret-of-a-proxy',
};
const NEEDED = { OMP_NUM_THREADS: '1', TMPDIR: folder, MALLOC_ARENA_MAX: '2', PROSAM_MODELS: join(folder, 'models') };
const STAND_IN = resolve('test/unit/external/stand-in-command.ts');

/** Descendants by a part of their command line. */
function processes(of: number): { pid: number; command: string }[] {
  const children = readFileSync(`/proc/${of}/task/${of}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number); // prettier-ignore
  return children.flatMap((pid) => [
    { pid, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ') },
    ...processes(pid),
  ]);
}

describe.skipIf(!existsSync('/proc/self/environ'))('a service with secrets in its environment (needs /proc)', () => {
  it('hands none of them to its worker, its learner, or a command of the user', async () => {
    writeFileSync(join(folder, 'prosam.config.json'), JSON.stringify({ external: { place: `${process.execPath} ${STAND_IN} plain` } }));
    const service = await startServe({ folder, environment: { ...SECRETS, ...NEEDED } }, ['--log-level', 'error']);
    try {
      const sent = await pictures(2);
      await ask(service.url, '/v1/annotations', annotationOf(sent[0] as (typeof sent)[number], 'p', 'a'));
      const predict = { project: 'p', image: { base64: sent[1]?.base64 }, options: { method: 'external' } };
      await ask(service.url, '/v1/predict', predict).catch(() => undefined);
      const found = processes(service.child.pid as number);
      const environments = ['inference-worker', ' learn ', 'stand-in-command'].map((part) => {
        const child = found.find(({ command }) => command.includes(part));
        expect(child, part).toBeDefined();
        return readFileSync(`/proc/${child?.pid}/environ`, 'utf8').split('\0');
      });
      for (const variables of environments) {
        expect(variables.filter((variable) => variable.includes('secret'))).toEqual([]);
        for (const [name, value] of Object.entries(NEEDED)) expect(variables).toContain(`${name}=${value}`);
        expect(variables.some((variable) => variable.startsWith('PATH='))).toBe(true);
      }
    } finally {
      await service.stop();
    }
  }, 60_000);
});
