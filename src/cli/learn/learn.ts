/** `prosam learn`: learns from accepted annotations, in the foreground or for `prosam serve`. */
import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { openStorage } from '../../storage/open-storage.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import type { LearnerSettings } from '../../learner/settings.ts';
import { codeVersion } from '../../server/version.ts';
import { loadConfig } from '../../server/config.ts';
import type { ProsamSettings } from '../../server/config-schema.ts';
import { allowedTimes, parseLearnerSettings } from '../../learner/read-settings.ts';
import { loadTrainingEngine, TRAINING_ENGINES } from '../../training/tfjs/engine.ts';
import { learnOnce } from '../../learner/learn-once.ts';
import type { RunOutcome } from '../../learner/types.ts';
import type { LearnerOptions } from '../../learner/context.ts';
import { startLearner } from '../../learner/learner.ts';
import { humanLearnerSpeaker, jsonLearnerSpeaker } from './event-printer.ts';
import type { Terminal } from '../common/terminal.ts';
import { EXIT, number, UsageError, wholeNumber, words } from '../common/usage.ts';

export const LEARN_HELP = `prosam learn: learn from what people accepted

  prosam learn [options]

Watches the projects of a store. Once enough was annotated it trains the prompt encoder from the version in service, compares
both on images held back, and puts the better one into service; where the model has none, it begins one, and compares it with
what needs no training. Ctrl-C ends it after the current step; the next start goes on, also after kill -9. Any number of
learners may share a store.

  --database URL        what prosam serve uses (default: as configured, else prosam/prosam.db)
  --objects URL         the same (default: as configured, else prosam/blobs)
  --config FILE         (default: prosam.config.ts, .js or .json in this folder)
  --project P[,P]       only these projects (default: all)
  --once                look once, run what is due, and end
  --now                 with --once: whatever the policy says
  --work DIR            runs and image features, on this machine alone (default: prosam/learner)
  --model NAME|PATH     whose frozen networks to use (default: tiny)
  --settings JSON|FILE  all of the learner's settings, such as {"minNewMasks":20,"quietHours":{"starts":"0 8 * * 1-5","minutes":600}}
  --steps N  --batch N  --samples K  --lr N
                        how it trains (defaults: 200, 4, 4, 3e-4)
  --engine E            what differentiates: auto, ${TRAINING_ENGINES.join(', ')} (default: auto); see prosam setup
  --threads N           CPU threads (default: 1; 0: all cores)
  --json                one JSON line an event on stdout

Exit code: 0 ended or nothing more to do, 1 a run failed (with --once), 2 failed, 75 too much memory: start it again.

Examples:
  prosam learn
  prosam learn --once --now --project cups
`;

/** As sysexits.h calls it: try again. */
const EXIT_TRY_AGAIN = 75;

/** -> exit code */
export async function learnCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parse(args);
  const { json = false, once = false, now = false } = values;
  if (now && !once) throw new UsageError('--now goes with --once: a run now, then the end.');
  const { database, objects, model } = values;
  const config = await loadConfig({
    options: {
      ...(database !== undefined && { database }),
      ...(objects !== undefined && { objects }),
      ...(model !== undefined && { model }),
    },
    ...(values.config !== undefined && { file: values.config }),
  });
  const settings = await settingsOf(values, config);
  const projects = values.project === undefined ? undefined : words('project', values.project);
  if (now && projects === undefined) throw new UsageError('--now wants --project: which projects to train.');
  lowerPriority(settings.threads);

  const speaker = json ? jsonLearnerSpeaker(print) : humanLearnerSpeaker({ print, warn });
  const stop = stopSignal(signal);
  try {
    const engine = await loadTrainingEngine(settings.engine);
    const options: LearnerOptions = {
      ...{ engine, codeVersion: codeVersion(), nextAllowedMs: allowedTimes(settings), signal: stop.signal },
      ...(projects && { projects }),
      onEvent: (event) => speaker.tell(event),
      log: speaker.log,
    };
    const storage = await openStorage({ database: config.database, objects: config.objects, timeouts: config.storageTimeouts });
    try {
      if (once) return exitCodeOf(await learnOnce(storage, settings, { ...options, manual: now }));
      const learner = await startLearner(storage, settings, options);
      speaker.ready(engine.about);
      return (await learner.ended) === 'memory' ? EXIT_TRY_AGAIN : EXIT.ok;
    } finally {
      speaker.clear();
      await storage.close();
    }
  } finally {
    stop.close();
  }
}

function exitCodeOf(outcomes: readonly RunOutcome[]): number {
  if (outcomes.some(({ state }) => state === 'memory')) return EXIT_TRY_AGAIN;
  return outcomes.some(({ state }) => state === 'failed') ? EXIT.someFailed : EXIT.ok;
}

type Values = ReturnType<typeof parse>['values'];

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  return parseArgs({
    args: [...args],
    options: {
      ...{ database: text, objects: text, config: text, project: text, once: flag, now: flag, work: text, model: text, settings: text },
      ...{ steps: text, batch: text, samples: text, lr: text, engine: text, threads: text, json: flag },
    },
  });
}

/** Flags over --settings over the configuration. @throws CONFIG_INVALID */
async function settingsOf(values: Values, { learner, model }: ProsamSettings): Promise<LearnerSettings> {
  const whole = (name: 'steps' | 'batch' | 'samples' | 'threads'): number | undefined => {
    const text = values[name];
    return text === undefined ? undefined : wholeNumber(name, text);
  };
  const flags = {
    ...{ workDir: values.work, engine: values.engine },
    ...{ steps: whole('steps'), batch: whole('batch'), samples: whole('samples'), threads: whole('threads') },
    lr: values.lr === undefined ? undefined : number('lr', values.lr),
  };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  // Who runs it is settled: this process does.
  const configured = { ...learner, model, run: undefined };
  return parseLearnerSettings(present({ ...configured, ...(await settingsFile(values.settings)), ...Object.fromEntries(given) }));
}

function present(settings: object): object {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

async function settingsFile(text: string | undefined): Promise<object> {
  if (text === undefined) return {};
  try {
    const parsed: unknown = JSON.parse(text.trimStart().startsWith('{') ? text : await readFile(text, 'utf8'));
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return parsed;
    throw new Error('expected an object');
  } catch (cause) {
    throw new ProsamError('CONFIG_INVALID', `--settings: expected JSON or the path of a JSON file: ${messageOf(cause)}.`, { cause });
  }
}

/** Whoever labels goes first. TensorFlow reads its number of threads when it is loaded. */
function lowerPriority(threads: number): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // Not allowed everywhere; it trains all the same.
  }
  if (threads === 0) return;
  process.env['TF_NUM_INTRAOP_THREADS'] ??= String(threads);
  process.env['TF_NUM_INTEROP_THREADS'] ??= '1';
}

/** Ctrl-C, a supervisor's SIGTERM, or the end of the process that started this one with a channel. */
function stopSignal(interrupt: AbortSignal | undefined): { signal: AbortSignal; close: () => void } {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.on('SIGTERM', end);
  process.on('disconnect', end);
  return {
    signal: AbortSignal.any([stop.signal, ...(interrupt ? [interrupt] : [])]),
    close() {
      process.off('SIGTERM', end);
      process.off('disconnect', end);
      if (process.connected) process.disconnect(); // an open channel would keep the process
    },
  };
}
