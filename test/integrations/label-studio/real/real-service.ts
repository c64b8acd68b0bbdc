/** Service and a real Label Studio beside it, what is asked of both, and commands that connect them. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { startLabelStudio, type LabelStudioServer } from '../../../../examples/label-studio/label-studio-server.ts';
import { createLabelStudioClient, type LabelStudioClient } from '../../../../src/adapters/label-studio/api/client.ts';
import type { ApiProject } from '../../../../src/adapters/label-studio/api/responses.ts';
import { decodeBrushRleSync } from '../../../../src/core/mask/brush-rle.ts';
import { projectKeyOf } from '../../../../src/adapters/label-studio/protocol/events.ts';
import type { BinaryMask } from '../../../../src/core/mask/label-reduction.ts';
import { startProcess, startServe, type Served } from '../../../e2e/serve-process.ts';
import { personalToken } from './personal-token.ts';
import { freePort } from '../../../unit/storage/start-postgres.ts';

export const ARTIFACTS = process.env.PROSAM_TEST_ARTIFACTS ?? join(tmpdir(), 'prosam-label-studio');

export const LOGIN = { name: 'label-studio', password: 'a-long-password' };
const BOSS = 'a-token-that-may-do-everything';

/** Gate that lets every version through that changes masks of the prompt encoder's own method. */
const GATE_OPEN = { method: 'prosam', folds: 0, margin: 1, labelMargin: 1, minGateImages: 1 };

export interface StoredRegion {
  original_width: number;
  original_height: number;
  score: number;
  value: { rle: Uint8Array; brushlabels: string[] };
}

interface CountedHere {
  externalId: string;
  provenance: string;
  revision: number;
  /** Hash of the image. */
  sha256: string;
  labels: { label: string; area: number }[];
}

interface RealService {
  folder: string;
  studio: LabelStudioServer;
  /** Of its first user. */
  token: string;
  client: LabelStudioClient;
  served: Served;
  backendUrl: string;
  /** Set by the test that makes it. */
  project: ApiProject;
}

interface RealServiceOptions {
  /** Settings of Label Studio over those of a test, as environment variables. */
  studio?: Readonly<Record<string, string>>;
  /** Commands and service have a personal access token. @default false: a legacy one, which Label Studio hands out itself */
  personal?: boolean;
  /** The service knows the address at which it is reached, and keeps webhooks in order. @default true */
  knowsItself?: boolean;
}

/** Registers what starts both before the tests and stops them after. */
export function realService({ studio = {}, personal = false, knowsItself = true }: RealServiceOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-label-studio-'));
  const here = { folder } as RealService;

  beforeAll(async () => {
    mkdirSync(ARTIFACTS, { recursive: true });
    const port = await freePort();
    here.backendUrl = `http://127.0.0.1:${port}/label-studio`;
    for (const name of ['studio', 'service']) mkdirSync(join(folder, name));
    const onStep = (text: string): void => console.log(text);
    here.studio = await startLabelStudio({ folder: join(folder, 'studio'), environment: studio, onStep });
    here.token = personal ? await personalToken(here.studio) : here.studio.token;
    here.client = createLabelStudioClient({ url: here.studio.url, token: here.token });
    writeFileSync(
      join(folder, 'service', 'prosam.config.json'),
      JSON.stringify({
        auth: { basic: [LOGIN], tokens: [{ name: 'boss', token: BOSS, access: 'admin' }] },
        labelStudio: {
          ...{ url: here.studio.url, ...(personal && { token: here.token }) },
          // Without its address, news come by webhook or not at all: what is learned by comparing would hide it.
          ...(knowsItself ? { backendUrl: here.backendUrl, reconcileMinutes: 0.05 } : { reconcileMinutes: 60 }),
        },
        // What it is worth is asked elsewhere: any version that changes masks is deployed.
        learner: { ...GATE_OPEN, steps: 100, gateShare: 0.3, minNewMasks: 1000, leaseMs: 3000 },
      }),
    );
    const log = join(ARTIFACTS, 'serve.log');
    writeFileSync(log, '');
    const onLine = (line: string): void => appendFileSync(log, `${line}\n`);
    here.served = await startServe({ folder: join(folder, 'service'), onLine }, ['--port', String(port)]);
  });
  afterAll(async () => {
    if ((here.served as Served | undefined) !== undefined) {
      expect(await here.served.stop()).toBe(0);
    }
    await (here.studio as LabelStudioServer | undefined)?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const key = () => `label-studio/${projectKeyOf(here.project.id, here.project.created_at)}`;
  const ours = async <T>(path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${here.served.url}/v1${path}`, {
      headers: { authorization: `Bearer ${BOSS}`, 'content-type': 'application/json' },
      ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  };
  const inProject = <T>(path: string, body?: unknown) => ours<T>(`/projects/${encodeURIComponent(key())}${path}`, body);
  /** What counts here, by the number of the annotation there. */
  const counted = async () => {
    const { annotations } = await inProject<{ annotations: CountedHere[] }>('/annotations?limit=200');
    return new Map(annotations.map((one) => [Number(one.externalId), one]));
  };
  /** As Label Studio knows it: asking makes it ask the backend. */
  const versionThere = async () => (await here.client.backends(here.project.id))[0]?.model_version ?? '';
  /** environment: over the address and the token. at: folder, in which the configuration is. */
  const commandWith = async (environment: Readonly<Record<string, string>>, args: readonly string[], at = join(folder, 'service')) => {
    const own = { LABEL_STUDIO_URL: here.studio.url, LABEL_STUDIO_API_KEY: here.token };
    const running = startProcess(['label-studio', ...args], { folder: at, environment: { ...own, ...environment } });
    return { code: await running.ended, output: running.output() };
  };
  const command = (...args: string[]) => commandWith({}, args);
  const predictionsOf = async (task: number) =>
    (await here.client.predictions(task)).map((one) => ({ ...one, result: one.result as unknown as StoredRegion[] }));
  const maskOf = ({ value, original_width, original_height }: StoredRegion): BinaryMask =>
    decodeBrushRleSync(value.rle, original_width, original_height);

  return Object.assign(here, { key, ours, inProject, counted, versionThere, command, commandWith, predictionsOf, maskOf });
}
