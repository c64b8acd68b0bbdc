/** Journal of a run, line by line in a file: where to resume, and what can be undone. */
import { open, readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import type { StoredShape } from './store.ts';

const frames = z.array(z.int().min(0));
const shapes = z.array(z.object({ id: z.int(), digest: z.string() }));
const eventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('start'), server: z.string(), task: z.int(), settings: z.record(z.string(), z.unknown()), at: z.string() }),
  /** About to be sent: if nothing follows, nobody knows whether it arrived. */
  z.object({ event: z.literal('sending'), job: z.int(), frames, digests: z.array(z.string()) }),
  z.object({ event: z.literal('stored'), job: z.int(), frames, shapes }),
  z.object({ event: z.literal('undone'), ids: z.array(z.int()), frames: frames.optional() }),
]);
export type RunEvent = z.infer<typeof eventSchema>;

export interface RunLog {
  readonly path: string;
  /** Frames that need no more work. */
  done: Set<number>;
  /** In CVAT because of this run, by job. */
  stored: Map<number, StoredShape[]>;
  /** Sent by a run that ended before it heard back: digests, by job. */
  unknown: Map<number, { frames: number[]; digests: string[] }[]>;
  /** On the disk once it resolves. @throws OUTPUT_FAILED */
  append(event: RunEvent): Promise<void>;
  close(): Promise<void>;
}

/** identity: what must be the same for a run to go on. @throws OPTION_INVALID for the log of another run, OUTPUT_FAILED */
export async function openRunLog(
  path: string,
  identity?: { server: string; task: number; settings: Record<string, unknown> },
  now: () => Date = () => new Date(),
): Promise<RunLog> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if ((error as { code?: unknown }).code === 'ENOENT') return '';
    throw failed(path, error);
  });
  const events = parsed(path, text);
  if (events[0] !== undefined && events[0].event !== 'start') throw damaged(path, 1);
  const log: RunLog = { path, done: new Set(), stored: new Map(), unknown: new Map(), append, close: () => file.close() };
  for (const event of events) apply(log, event);
  const start = events.findLast((event) => event.event === 'start');
  const same = start !== undefined && (identity === undefined || sameRun(start, identity));
  // What was taken back may be done again in another way.
  const finished = log.done.size === 0 && log.unknown.size === 0 && [...log.stored.values()].every((list) => list.length === 0);
  if (start && identity && !same && !finished) {
    throw new ProsamError(
      'OPTION_INVALID',
      `${path}: expected the log of a run like this one, got that of ${start.server}, task ${start.task}, ${JSON.stringify(start.settings)}. ` +
        'Repeat its options, run again with --replace, take it back with --undo, or name another file with --log.',
    );
  }
  const file = await open(path, 'a').catch((error: unknown) => {
    throw failed(path, error);
  });
  async function append(event: RunEvent): Promise<void> {
    try {
      await file.appendFile(`${JSON.stringify(event)}\n`);
      await file.datasync();
    } catch (error) {
      throw failed(path, error);
    }
    apply(log, event);
  }
  // What a crash cut off must not swallow the next line.
  if (text !== '' && !text.endsWith('\n')) await file.appendFile('\n');
  if (!same && identity) await append({ event: 'start', ...identity, at: now().toISOString() });
  return log;
}

function apply(log: RunLog, event: RunEvent): void {
  if (event.event === 'sending') {
    log.unknown.set(event.job, [...(log.unknown.get(event.job) ?? []), { frames: event.frames, digests: event.digests }]);
  } else if (event.event === 'stored') {
    log.stored.set(event.job, [...(log.stored.get(event.job) ?? []), ...event.shapes]);
    for (const frame of event.frames) log.done.add(frame);
    log.unknown.delete(event.job);
  } else if (event.event === 'undone') {
    const gone = new Set(event.ids);
    for (const [job, list] of log.stored)
      log.stored.set(
        job,
        list.filter(({ id }) => !gone.has(id)),
      );
    for (const frame of event.frames ?? []) log.done.delete(frame);
  }
}

function sameRun(
  start: { server: string; task: number; settings: unknown },
  identity: { server: string; task: number; settings: unknown },
): boolean {
  const text = ({ server, task, settings }: typeof start): string => JSON.stringify([server, task, settings]);
  return text(start) === text(identity);
}

/** Lines that a crash cut off are no JSON any more; anything else that is no event is somebody else's file. */
function parsed(path: string, text: string): RunEvent[] {
  return text.split('\n').flatMap((line, i) => {
    if (line === '') return [];
    let json: unknown;
    try {
      json = JSON.parse(line);
    } catch {
      if (line.startsWith(EVENT_START) || EVENT_START.startsWith(line)) return [];
      throw damaged(path, i + 1);
    }
    const result = eventSchema.safeParse(json);
    if (!result.success) throw damaged(path, i + 1);
    return [result.data];
  });
}

/** Beginning of every line. */
const EVENT_START = '{"event":';

function damaged(path: string, line: number): ProsamError {
  return new ProsamError('OPTION_INVALID', `${path}: expected the log of a run, but line ${line} is none. Name another file with --log.`);
}

function failed(path: string, cause: unknown): ProsamError {
  return new ProsamError('OUTPUT_FAILED', `${path}: cannot be read or written: ${messageOf(cause)}. Check the folder and the free space.`, {
    cause,
  });
}
