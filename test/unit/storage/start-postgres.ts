/** A real Postgres for tests: its own folder, its own port, gone afterwards. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { dyingWithUs } from '../../support/dies-with-us.ts';

const run = promisify(execFile);
const START_MS = 30_000;

export interface PostgresServer {
  /** A new, empty database: its postgres:// address. */
  createDatabase(): Promise<string>;
  /** Answer of the server itself, over a connection of its own. */
  ask(sql: string): Promise<{ rows: unknown[] }>;
  /** Ends the server; start() brings it back on the same port with the same data. how: 'kill' is SIGKILL, as if the machine had gone. */
  halt(how?: 'stop' | 'kill'): Promise<void>;
  start(): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

/** Folder of initdb and postgres; undefined where they are not installed. */
export function postgresPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((one, other) => Number(other) - Number(one)) : [];
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...versions.map((version) => join(debian, version, 'bin'))];
  const found = folders.find((folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
  if (found === undefined && process.env['PROSAM_REQUIRE_POSTGRES'] === '1')
    throw new Error('PROSAM_REQUIRE_POSTGRES=1, but there is no initdb: install postgresql');
  return found;
}

/** fsync: false (default) is quicker, and safe against everything but the machine itself going off. */
export async function startPostgres({ fsync = false }: { fsync?: boolean } = {}): Promise<PostgresServer> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error('there is no initdb: install postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'prosam-postgres-'));
  const user = unprivileged();
  if (user) chownSync(folder, user.uid, user.gid);
  // Postgres refuses to run as root.
  const as = (name: string, args: readonly string[]): [string, string[]] => {
    const program = dyingWithUs(join(programs, name), args);
    return user ? ['setpriv', [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', program[0], ...program[1]]] : program;
  };
  const data = join(folder, 'data');
  await run(...as('initdb', ['-D', data, '-U', 'prosam', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']), { cwd: folder });
  const port = await freePort();
  const urlOf = (database: string): string => `postgres://prosam@127.0.0.1:${port}/${database}`;
  let server: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const settings = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: fsync ? 'on' : 'off', max_connections: '100' };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const until = Date.now() + START_MS;
    let said = '';
    for (;;) {
      // After a kill, what is left of the old server may keep the new one out for a moment.
      if (server === undefined || server.exitCode !== null) {
        server = spawn(...as('postgres', ['-D', data, '-p', String(port), ...args]), {
          ...{ cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
        });
        server.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
      }
      await wait(50);
      if (Date.now() > until) throw new Error(`postgres did not start: ${said}`);
      const responses = await ask(urlOf('postgres'), 'select 1').then(
        () => true,
        () => false,
      );
      if (responses && server.exitCode === null) return;
    }
  };
  const halt = async (how: 'stop' | 'kill' = 'stop'): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending?.pid === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = new Promise((resolve) => ending.once('exit', resolve));
    const sessions = how === 'kill' ? childrenOf(ending.pid) : [];
    // SIGINT: ends sessions, writes everything, and goes.
    ending.kill(how === 'stop' ? 'SIGINT' : 'SIGKILL');
    await ended;
    // Sessions outlive a killed server for a moment, and would still answer.
    for (const pid of sessions) await run('kill', ['-9', String(pid)]).catch(() => undefined); // gone already
  };
  await start();
  return {
    start,
    halt,
    ask: (sql) => ask(urlOf('postgres'), sql),
    async createDatabase() {
      const name = `test_${randomUUID().replaceAll('-', '')}`;
      await ask(urlOf('postgres'), `create database ${name}`);
      return urlOf(name);
    },
    async stop() {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Linux alone: elsewhere none. */
function childrenOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`;
  return existsSync(list) ? readFileSync(list, 'utf8').trim().split(' ').filter(Boolean).map(Number) : [];
}

async function ask(url: string, sql: string): Promise<{ rows: unknown[] }> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await client.query<object>(sql);
  } finally {
    await client.end();
  }
}

function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n').map((line) => line.split(':')); // prettier-ignore
  const found = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (found === undefined) throw new Error('postgres cannot run as root, and there is neither a user postgres nor nobody');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

/** A port of the loopback address that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
