/** Keeps one worker process going for an engine: replaces a dead or hung one, and sees that every call is answered or refused. */
import { ProsamError } from '../../common/errors.ts';
import type { EngineInfo, EngineWorker } from '../../engine/types.ts';
import type { ExternalTransport } from '../../engine/methods/external/port.ts';
import { createParentRelay, type ParentRelay } from './external-relay.ts';
import { startInferenceProcess, type InferenceProcess } from './inference-process.ts';
import { createKeptEncoders } from './kept-encoders.ts';
import type { EngineOptions } from '../node/open-engine.ts';
import { watchSilence, type SilenceWatch } from './watchdog.ts';
import { createWaitingCalls, whileAwake } from './call-queue.ts';
import { mappedFromBytes } from './memory.ts';
import { describeEnd, lossOf, unavailable } from './errors.ts';
import { receivedError, type EngineRequest, type FromWorker } from './protocol.ts';

export interface SupervisedWorker {
  /** Info of the newest worker. */
  readonly info: EngineInfo;
  readonly state: EngineWorker;
  /** @throws what the engine throws, ENGINE_CRASHED, ENGINE_HUNG, ENGINE_UNAVAILABLE, ENGINE_CLOSED, the signal's reason */
  ask(request: EngineRequest, signal?: AbortSignal): Promise<unknown>;
  /** Waits for calls under way, refuses those that come; resolves when the process is gone. */
  close(): Promise<void>;
}

/** Workers that ended before they had anything to do: after so many in a row the next one is started only after a pause. */
const MAX_FAILED_STARTS = 3;
const PAUSE_MS = 30_000;

/** The worker there is. */
interface Present {
  process: InferenceProcess;
  silence: SilenceWatch;
  relay: ParentRelay;
  ready: boolean;
  /** Set while a network is loaded or runs: for the call `id`, or for opening. */
  running: { id: number | undefined } | undefined;
  hung: boolean;
  /** Error with which it refused to open. */
  refusal: ProsamError | undefined;
}

/** Resolves when the first worker is ready. @throws what opening an engine throws, ENGINE_FAILED where the worker dies of it */
export async function superviseWorker(
  options: Omit<EngineOptions, 'external'>,
  inferenceTimeoutMs: number,
  external?: ExternalTransport,
): Promise<SupervisedWorker> {
  const home = currentFolder();
  const mappedFrom = await mappedFromBytes(options.model, inferenceTimeoutMs);
  const calls = createWaitingCalls();
  const encoders = createKeptEncoders();
  let [lastId, replacements, failedStarts, residentBytes] = [0, 0, 0, 0];
  let present: Present | undefined;
  let problem: string | undefined;
  let pause: { untilMs: number; timer: NodeJS.Timeout } | undefined;
  let closing: Promise<void> | undefined;
  let onGone: (() => void) | undefined;
  let onFirst: { resolve: () => void; reject: (reason: Error) => void } | undefined;
  let info: EngineInfo | undefined;
  await whileAwake(
    new Promise<void>((resolve, reject) => {
      onFirst = { resolve, reject };
      launch();
    }),
  );

  function launch(): void {
    const process = startInferenceProcess({
      folder: home,
      lowPriority: options.priority === 'low',
      mappedFrom,
      onMessage: (message) => receive(mine, message),
      onEnd: (how) => bury(mine, how),
    });
    const silence = watchSilence(inferenceTimeoutMs, {
      // Whoever waits for the system outside is silent, and that wait has a limit of its own.
      busy: () => !mine.ready || mine.running !== undefined || ((calls.sent > 0 || closing !== undefined) && relay.open === 0),
      onSilence() {
        mine.hung = true;
        process.kill();
      },
    });
    const relay = createParentRelay(external, { send: (message) => process.send(message), onAnswered: () => silence.heard() });
    const mine: Present = { process, silence, relay, ready: false, running: undefined, hung: false, refusal: undefined };
    present = mine;
    process.send({
      kind: 'open',
      options,
      external: external !== undefined,
      promptEncoders: encoders.all(),
      parent: globalThis.process.pid,
    });
  }

  function receive(mine: Present, message: FromWorker): void {
    mine.silence.heard();
    if (message.kind === 'running') mine.running = { id: message.id };
    else if (message.kind === 'ran') mine.running = undefined;
    else if (message.kind === 'external' || message.kind === 'externalAbort') mine.relay.receive(message);
    else if (message.kind === 'opened') {
      if (info && info.model !== message.info.model) {
        refuse(mine, otherModel(info.model, message.info.model));
        return;
      }
      ({ info, residentBytes } = message);
      mine.ready = true;
      onFirst?.resolve();
      onFirst = undefined;
      flush();
    } else if (message.kind === 'refused') {
      refuse(mine, receivedError(message.error));
    } else if (message.kind === 'closed') mine.process.kill();
    else settle(mine, message);
  }

  function refuse(mine: Present, reason: ProsamError): void {
    mine.refusal = reason;
    mine.process.kill();
  }

  function settle({ process }: Present, message: FromWorker & { kind: 'result' | 'error' }): void {
    failedStarts = 0;
    residentBytes = message.residentBytes;
    if (message.kind === 'result') {
      const request = calls.resolve(message.id, message.value);
      if (request) encoders.done(request);
    } else calls.reject(message.id, receivedError(message.error));
    for (const id of encoders.forgetUnused((condition) => calls.some(condition)))
      process.send({ kind: 'call', id: ++lastId, request: { name: 'unloadPromptEncoder', id }, folder: undefined });
    flush();
  }

  /** Sends what waits. */
  function flush(): void {
    if (present?.ready !== true) return;
    for (const call of calls.sendable()) {
      try {
        call.sent = true;
        present.process.send({ kind: 'call', id: call.id, request: call.request, folder: currentFolder() });
      } catch (error) {
        calls.reject(call.id, error as Error);
      }
    }
  }

  function bury(mine: Present, how: string): void {
    mine.silence.stop();
    mine.relay.stop();
    present = undefined;
    if (onGone) {
      onGone();
      return;
    }
    const end = { how, hungMs: mine.hung ? inferenceTimeoutMs : undefined };
    problem = mine.refusal?.message ?? describeEnd(end);
    if (onFirst) {
      const failed = new ProsamError('ENGINE_FAILED', `expected to open the engine, but ${problem}. What it printed last may tell why.`);
      onFirst.reject(mine.refusal ?? failed);
      return;
    }
    if (!mine.ready || (calls.sent === 0 && mine.running === undefined)) failedStarts++;
    calls.lost(mine.running?.id, (call) => lossOf(call, end));
    if (failedStarts < MAX_FAILED_STARTS) {
      replace();
      return;
    }
    pause = { untilMs: performance.now() + PAUSE_MS, timer: setTimeout(replace, PAUSE_MS).unref() };
    calls.rejectAll(unavailable(problem, PAUSE_MS));
  }

  function replace(): void {
    pause = undefined;
    replacements++;
    launch();
  }

  async function end(): Promise<void> {
    await calls.idle();
    clearTimeout(pause?.timer);
    const last = present;
    if (last === undefined) return;
    const gone = new Promise<void>((resolve) => (onGone = resolve));
    if (last.ready) last.process.send({ kind: 'close' });
    else last.process.kill();
    await gone;
  }

  return {
    get info() {
      return info as EngineInfo;
    },
    state: {
      get pid() {
        return present?.process.pid;
      },
      get ready() {
        return present?.ready === true;
      },
      get computing() {
        return present?.running !== undefined;
      },
      get replacements() {
        return replacements;
      },
      get residentBytes() {
        return residentBytes;
      },
      get problem() {
        return problem;
      },
    },
    async ask(request, signal) {
      signal?.throwIfAborted();
      if (closing) throw new ProsamError('ENGINE_CLOSED', 'the engine is closed. Create a new one.');
      if (pause) throw unavailable(problem ?? '', Math.max(1, pause.untilMs - performance.now()));
      const id = ++lastId;
      const response = calls.add(id, request, { signal, onAbort: () => present?.process.send({ kind: 'abort', id }) });
      flush();
      return response;
    },
    close: () => (closing ??= whileAwake(end())),
  };
}

/** Answers of one engine come from one model. */
function otherModel(before: string, now: string): ProsamError {
  return new ProsamError('MODEL_HASH_MISMATCH', `expected the model ${before}, but its folder holds ${now} by now. Create a new engine.`);
}

/** undefined where it has been deleted. */
function currentFolder(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
