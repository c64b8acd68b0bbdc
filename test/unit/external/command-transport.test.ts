/** Exchanges with a real command that does not always behave. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { wordsOf } from '../../../src/external/command-line.ts';
import { createCommandTransport } from '../../../src/external/command-transport.ts';
import { expectCode, expectRejection } from '../core/expect-error.ts';
import { standInCommand, type Message } from './stand-in.ts';

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  for (const close of closes.splice(0)) await close();
});

function open(mode: string, options: Partial<Parameters<typeof createCommandTransport>[1]> = {}) {
  const lines: string[] = [];
  const transport = createCommandTransport(standInCommand(mode), {
    ...{ timeoutMs: 300_000, maxBytes: 50_000, log: (line) => lines.push(line) },
    ...options,
  });
  closes.push(() => transport.close());
  const pids = (): number[] => lines.filter((line) => line.startsWith('pid ')).map((line) => Number(line.slice(4)));
  const ask = async (message: Partial<Message>, signal?: AbortSignal): Promise<Record<string, unknown>> => {
    const bytes = new TextEncoder().encode(JSON.stringify({ protocol: 1, id: '1', ...message }));
    return JSON.parse(new TextDecoder().decode(await transport.exchange(bytes, signal))) as Record<string, unknown>;
  };
  return {
    transport,
    lines,
    pids,
    describe: (id: string) => ask({ type: 'describe', id }),
    segment: (signal?: AbortSignal) => ask({ type: 'segment' }, signal),
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a command', () => {
  it('is started with the first message, answers each in its turn, and ends when it is closed', async () => {
    const { transport, describe: ask, pids } = open('good');
    expect(pids()).toEqual([]);
    const ids = ['a', 'b', 'c', 'd'];
    expect((await Promise.all(ids.map(ask))).map(({ id }) => id)).toEqual(ids);
    const [pid] = pids() as [number];
    expect(pids()).toHaveLength(1);
    await transport.close();
    expect(isAlive(pid)).toBe(false);
    await expectRejection('EXTERNAL_FAILED', ask('e'), 'closed');
  });

  it('may print what it likes beside its answers; that goes to the log', async () => {
    const { describe: ask, lines } = open('noisy');
    expect(await ask('a')).toMatchObject({ id: 'a' });
    expect(await ask('b')).toMatchObject({ id: 'b' });
    expect(lines).toEqual(expect.arrayContaining(['loading weights', '50 %', expect.stringMatching(/^pid \d+$/)]));
  });

  it('sees no variable of ours', async () => {
    vi.stubEnv('PROSAM_TOKEN', 'secret');
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret');
    expect(await open('secretive').describe('a')).toMatchObject({ version: 'sees .' });
    expect(await open('secretive', { environment: ['AWS_SECRET_ACCESS_KEY'] }).describe('a')).toMatchObject({
      version: 'sees AWS_SECRET_ACCESS_KEY.',
    });
  });

  it('that dies in the middle fails that message alone, and is started again for the next', async () => {
    const { describe: ask, segment, pids } = open('mortal');
    await ask('a');
    await expectRejection('EXTERNAL_FAILED', segment(), 'exit code 9');
    expect(await ask('b')).toMatchObject({ id: 'b' });
    expect(new Set(pids()).size).toBe(2);
  });

  it('that dies again and again is left alone for a while', async () => {
    let clock = 0;
    const { describe: ask, lines } = open('doomed', { now: () => clock });
    for (let i = 0; i < 3; i++) await expectRejection('EXTERNAL_FAILED', ask('a'), 'exit code 3');
    await expectRejection('EXTERNAL_FAILED', ask('a'), '3 times', '30 s');
    expect(lines.filter((line) => line.includes('exit code 3'))).toHaveLength(3);
    clock += 30_000;
    await expectRejection('EXTERNAL_FAILED', ask('a'), 'exit code 3');
  });

  it('that says nothing is stopped after the time-out, and started again', async () => {
    const { lines, segment } = open('silent', { timeoutMs: 1 });
    const stopped = (): number => lines.filter((line) => line.includes('was ended by SIGKILL')).length;
    for (let times = 1; times <= 2; times++) {
      await expectRejection('EXTERNAL_TIMEOUT', segment(), '0.001 s');
      await expect.poll(stopped).toBe(times);
    }
  });

  it('that does not stop talking is stopped', async () => {
    const { describe: ask, segment } = open('endless');
    await ask('a');
    await expectRejection('EXTERNAL_FAILED', segment(), 'more than 50000 bytes');
  });

  it('that cannot be started says so', async () => {
    const transport = createCommandTransport(['no-such-command-anywhere'], { timeoutMs: 1000, maxBytes: 1000, log: () => undefined });
    await expectRejection('EXTERNAL_FAILED', transport.exchange(new Uint8Array([123])), 'ENOENT');
    await transport.close();
  });

  it('is heard to the end of a message that was given up', async () => {
    const { describe: ask, segment } = open('good');
    const controller = new AbortController();
    const reason = new Error('enough');
    const given = segment(controller.signal);
    controller.abort(reason);
    await expect(given).rejects.toBe(reason);
    expect(await ask('b')).toMatchObject({ id: 'b' });
  });

  it('whose answer is awaited is refused when all is closed', async () => {
    const { transport, describe: ask, segment, pids } = open('silent');
    await ask('a');
    const given = segment();
    given.catch(() => undefined);
    await transport.close();
    await expectRejection('EXTERNAL_FAILED', given, 'closed');
    expect(isAlive(pids()[0] as number)).toBe(false);
  });
});

it('parts a command line as a shell does', () => {
  expect(wordsOf(`python3  "my folder/server.py" --name 'a "b"' --empty "" C:\\x`)).toEqual([
    ...['python3', 'my folder/server.py', '--name', 'a "b"', '--empty', '', 'C:\\x'],
  ]);
  expectCode('OPTION_INVALID', () => wordsOf("python3 'server.py"), 'quotes');
});
