/** A real Label Studio on this machine alone: installed from PyPI into a folder of its own, started with SQLite, ended with the caller. */
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const LABEL_STUDIO_VERSION = '1.23.2';

export interface LabelStudioServer {
  url: string;
  /** Legacy token of the first user. */
  token: string;
  user: string;
  password: string;
  /** Images below it can be named as /data/local-files/?d=... */
  localFiles: string;
  log(): Promise<string>;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Keeps database, uploads and log. */
  folder: string;
  /** Cache folder of the installation. @default ~/.cache/prosam/label-studio */
  cache?: string;
  /** @default any free one */
  port?: number;
  /** Settings of Label Studio, as environment variables, over those used here. */
  environment?: Readonly<Record<string, string>>;
  onStep?: (text: string) => void;
}

export const defaultCache = (): string => process.env.PROSAM_TEST_LABEL_STUDIO ?? join(homedir(), '.cache', 'prosam', 'label-studio');

/** The command, installed where it is not yet: one to three minutes, some 1 GB. */
export async function installLabelStudio(cache = defaultCache(), onStep: (text: string) => void = () => undefined): Promise<string> {
  const folder = join(cache, `venv-${LABEL_STUDIO_VERSION}`);
  const command = join(folder, 'bin', 'label-studio');
  if (existsSync(join(folder, 'installed'))) return command;
  onStep(`installing Label Studio ${LABEL_STUDIO_VERSION} from PyPI into ${folder} (once)`);
  await mkdir(cache, { recursive: true });
  await rm(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  // Scripts in it name this folder, so that it cannot be made elsewhere and moved here.
  await run(join(folder, 'bin', 'pip'), ['install', '-q', '--disable-pip-version-check', `label-studio==${LABEL_STUDIO_VERSION}`], {
    timeout: 900_000,
    maxBuffer: 2 ** 24,
  });
  await (await open(join(folder, 'installed'), 'w')).close();
  return command;
}

/** Resolves once it answers: some ten seconds, a minute more the first time (an empty database is made and kept). */
export async function startLabelStudio({
  folder,
  cache = defaultCache(),
  port,
  environment = {},
  onStep = () => undefined,
}: StartOptions): Promise<LabelStudioServer> {
  const command = await installLabelStudio(cache, onStep);
  const localFiles = join(folder, 'local-files');
  await mkdir(localFiles, { recursive: true });
  const on = port ?? (await freePort());
  const [token, user, password] = ['exampletoken0000000000000000000000000000', 'admin@example.com', 'example-password-1'];
  const settings = (data: string): NodeJS.ProcessEnv => ({
    ...{ PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8' },
    ...{ LABEL_STUDIO_BASE_DATA_DIR: data, LABEL_STUDIO_PORT: String(on), DJANGO_DB: 'sqlite', LOG_LEVEL: 'INFO' },
    ...{ LABEL_STUDIO_USERNAME: user, LABEL_STUDIO_PASSWORD: password, LABEL_STUDIO_USER_TOKEN: token },
    // Only with it do the token above and the one that Label Studio hands to backends count.
    LABEL_STUDIO_ENABLE_LEGACY_API_TOKEN: 'true',
    // Backend and webhook are at a private address here.
    ...{ ML_BLOCK_LOCAL_IP: 'false', SSRF_PROTECTION_ENABLED: 'false' },
    // Nothing is told to anybody.
    ...{ COLLECT_ANALYTICS: 'false', SENTRY_DSN: '', FRONTEND_SENTRY_DSN: '', LATEST_VERSION_CHECK: 'false' },
    ...{ LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED: 'true', LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT: localFiles },
    ...{ LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK: 'true' },
    ...environment,
  });

  const template = await emptyDatabase(command, cache, settings, onStep);
  const database = join(folder, 'label_studio.sqlite3');
  if (!existsSync(database)) await copyFile(template, database);
  onStep('starting Label Studio');
  const logFile = join(folder, 'label-studio.log');
  const log = await open(logFile, 'a');
  const start = [command, 'start', '--no-browser', '--internal-host', '127.0.0.1', '-p', String(on)];
  // Where the kernel can, it ends Label Studio together with this process, whatever ends that.
  const [program = command, ...args] = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'SIGKILL', ...start] : start;
  const child = spawn(program, args, {
    cwd: folder,
    env: settings(folder),
    stdio: ['ignore', log.fd, log.fd],
  });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  await log.close();
  const readLog = () => readFile(logFile, 'utf8').catch(() => '');
  const url = `http://127.0.0.1:${on}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await ended;
    clearTimeout(late);
  };
  try {
    await answering(`${url}/health`, () => child.exitCode !== null);
  } catch (cause) {
    await stop();
    throw new Error(`Label Studio did not start: ${(await readLog()).slice(-2000)}`, { cause });
  }
  return { url, token, user, password, localFiles, log: readLog, stop };
}

/** Migrated once, copied for every start. */
async function emptyDatabase(
  command: string,
  cache: string,
  settings: (data: string) => NodeJS.ProcessEnv,
  onStep: (text: string) => void,
): Promise<string> {
  const kept = join(cache, `empty-${LABEL_STUDIO_VERSION}.sqlite3`);
  if (await stat(kept).catch(() => undefined)) return kept;
  onStep('making an empty database (once, about a minute)');
  const making = join(cache, `making-${process.pid}`);
  await mkdir(making, { recursive: true });
  // `version` runs every migration and ends; users are made at the first start.
  await run(command, ['version'], { env: settings(making), cwd: making, timeout: 600_000, maxBuffer: 2 ** 26 });
  await rename(join(making, 'label_studio.sqlite3'), kept);
  await rm(making, { recursive: true, force: true });
  return kept;
}

async function answering(url: string, dead: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (dead()) throw new Error('it ended');
    const response = await fetch(url).catch(() => undefined);
    if (response?.ok) return;
    await wait(200);
  }
  throw new Error('no answer within two minutes');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
