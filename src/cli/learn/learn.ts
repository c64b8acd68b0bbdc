/** `prosam learn`: learns from accepted annotations, in the foreground or for `prosam serve`. */
import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { openStorage } from '../../storage/open-storage.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import type { LearnerSettings } from '../../learner/settings.ts';
import { codeVersion } from '../../server/version.ts';
import { loadConfig } from '../../server/config.ts';
import type { ProsamSettings } from '../../server/config-schema.ts';
import { allowedTimes, parseLearnerSettings } from '../../learner/read-settings.ts';
import { loadTrainingEngine } from '../../training/tfjs/engine.ts';
import { learnOnce } from '../../learner/learn-once.ts';
import type { RunOutcome } from '../../learner/types.ts';
import type { LearnerOptions } from '../../learner/context.ts';
import { startLearner } from '../../learner/learner.ts';
import { humanLearnerPrinter, jsonLearnerPrinter } from './event-printer.ts';
import { EXIT_TRY_AGAIN, LEARN } from './spec.ts';
import { EXIT, UsageError, type Terminal } from '../common/command.ts';
import { parseCommand, pick } from '../common/parse.ts';
import type { Values } from '../common/spec.ts';

/** Resolves to the exit code. */
export async function learnCommand(args: readonly string[], { print, warn, signal }: Terminal): Promise<number> {
  const { values } = parseCommand(LEARN, args);
  const { json, once, now, project: projects } = values;
  if (now && !once) throw new UsageError('--now goes with --once: a run now, then the end.');
  const config = await loadConfig({
    options: pick(values, 'database', 'objects', 'model'),
    ...(values.config !== undefined && { file: values.config }),
  });
  const settings = await settingsOf(values, config);
  if (now && projects === undefined) throw new UsageError('--now: expected --project with the projects to train, got none.');
  lowerPriority(settings.threads);

  const printer = json ? jsonLearnerPrinter(print) : humanLearnerPrinter({ print, warn });
  const stop = stopSignal(signal);
  try {
    const engine = await loadTrainingEngine(settings.engine);
    const options: LearnerOptions = {
      ...{ engine, codeVersion: codeVersion(), nextAllowedMs: allowedTimes(settings), signal: stop.signal },
      ...(projects && { projects }),
      onEvent: (event) => printer.show(event),
      log: printer.log,
    };
    const storage = await openStorage({ database: config.database, objects: config.objects, timeouts: config.storageTimeouts });
    try {
      if (once) return exitCodeOf(await learnOnce(storage, settings, { ...options, manual: now }));
      const learner = await startLearner(storage, settings, options);
      printer.ready(engine.about);
      return (await learner.ended) === 'memory' ? EXIT_TRY_AGAIN : EXIT.ok;
    } finally {
      printer.clear();
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

/** Merges options over --settings over the configuration. @throws CONFIG_INVALID */
async function settingsOf(values: Values<typeof LEARN.options>, { learner, model, references }: ProsamSettings): Promise<LearnerSettings> {
  const flags = pick(values, 'engine', 'steps', 'batch', 'samples', 'threads', 'lr');
  // This process runs the learner, whatever the configuration says.
  const configured = { ...learner, model, references: references.count, run: undefined };
  return parseLearnerSettings(
    present({
      ...configured,
      ...(await settingsFile(values.settings)),
      ...flags,
      ...(values.work !== undefined && { workDir: values.work }),
    }),
  );
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

/** Yields to everything interactive. TensorFlow reads its number of threads when it is loaded. */
function lowerPriority(threads: number): void {
  try {
    setPriority(constants.priority.PRIORITY_LOW);
  } catch {
    // Not allowed everywhere; training works at normal priority too.
  }
  if (threads === 0) return;
  process.env['TF_NUM_INTRAOP_THREADS'] ??= String(threads);
  process.env['TF_NUM_INTEROP_THREADS'] ??= '1';
}

/** Aborted by Ctrl-C, a supervisor's SIGTERM, or the end of the process that started this one with a channel. */
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
