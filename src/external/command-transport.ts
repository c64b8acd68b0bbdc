/** Messages to a command: a JSON line on its standard input, one back on its standard output, one at a time. */
import { basename } from 'node:path';
import { ProsamError } from '../core/common/errors.ts';
import type { ExternalTransport } from '../core/engine/methods/external/port.ts';
import type { ExchangeLimits } from './limits.ts';
import { startCommand, type RunningCommand } from './running-command.ts';

/** Ends in a row without an answer: then the command is started again only after a pause. */
const MAX_FAILURES = 3;
const PAUSE_MS = 30_000;
/** Time for an orderly end. */
const GRACE_MS = 2000;
const BRACE = '{'.charCodeAt(0);

export interface CommandTransportOptions extends ExchangeLimits {
  /** @default the standard error of this process */
  log?: (line: string) => void;
  /** Names of environment variables that the command gets beside the usual ones. @default [] */
  environment?: readonly string[];
  /** Milliseconds of a clock that never goes back. @default performance.now */
  now?: () => number;
}

interface Talk {
  /** The process that is to answer. */
  of: RunningCommand;
  resolve: (answer: Uint8Array) => void;
  reject: (reason: Error) => void;
}

/** Started with the first message, and again with the next one after it has died. */
export function createCommandTransport(command: readonly [string, ...string[]], options: CommandTransportOptions): ExternalTransport {
  const { timeoutMs, maxBytes, environment = [], log = printed, now = () => performance.now() } = options;
  const name = basename(command[0]);
  let running: RunningCommand | undefined;
  let talk: Talk | undefined;
  let failures = 0;
  let pausedUntil = 0;
  let closed = false;
  let turn: Promise<unknown> = Promise.resolve();

  const launch = (): RunningCommand => {
    const mine: RunningCommand = startCommand(command, {
      maxBytes,
      environment,
      log,
      onLine(line) {
        // A library that prints says nothing to us.
        if (line[0] === BRACE && talk?.of === mine) {
          failures = 0;
          talk.resolve(line);
        } else if (line.length > 0) log(line.toString('utf8').slice(0, 1000).trimEnd());
      },
      onEnd(how) {
        if (running === mine) running = undefined;
        if (++failures >= MAX_FAILURES) pausedUntil = now() + PAUSE_MS;
        if (!closed) log(`${name} ${how}`);
        if (talk?.of === mine)
          talk.reject(failed(`expected an answer of ${name}, but it ${how}. Its standard error, in the log, may tell why`));
      },
    });
    return mine;
  };

  const say = (message: Uint8Array): Promise<Uint8Array> => {
    if (closed) throw failed('the engine was closed before the command was asked');
    const leftMs = pausedUntil - now();
    if (!running && leftMs > 0)
      throw failed(`${name} ended ${failures} times in a row without an answer. It is started again in ${Math.ceil(leftMs / 1000)} s`);
    running ??= launch();
    const of = running;
    const answer = new Promise<Uint8Array>((resolve, reject) => {
      talk = { of, resolve, reject };
    });
    const timer = setTimeout(() => {
      // What it would say later would be taken for the answer to another message.
      talk?.reject(tooLate(name, timeoutMs));
      if (running === of) running = undefined;
      of.kill();
    }, timeoutMs);
    of.send(message);
    return answer.finally(() => {
      clearTimeout(timer);
      talk = undefined;
    });
  };

  return {
    exchange(message, signal) {
      // One that is given up is heard to its end, as the next answer would be taken for its own.
      const mine = turn.then(() => {
        signal?.throwIfAborted();
        return say(message);
      });
      turn = mine.catch(() => undefined);
      return signal ? until(mine, signal) : mine;
    },
    async close() {
      closed = true;
      talk?.reject(failed('the engine was closed before the command answered'));
      await running?.end(GRACE_MS);
      await turn;
    },
  };
}

/** Rejects with the signal's reason as soon as it aborts. */
function until<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason as Error);
    if (signal.aborted) giveUp();
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

function printed(line: string): void {
  process.stderr.write(`external: ${line}\n`);
}

/** problem: without a full stop. */
function failed(problem: string): ProsamError {
  return new ProsamError('EXTERNAL_FAILED', `external: ${problem}.`);
}

function tooLate(name: string, timeoutMs: number): ProsamError {
  return new ProsamError(
    'EXTERNAL_TIMEOUT',
    `external: expected an answer of ${name} within ${timeoutMs / 1000} s, got none. It was stopped; the next call starts it again. Raise its time-out where it needs longer.`,
  );
}
