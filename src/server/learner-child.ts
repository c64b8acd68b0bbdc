/** The learner in a process of its own beside the service: started, watched, started again, and told to end. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../core/common/child-environment.ts';
import { messageOf } from '../core/common/errors.ts';
import type { Log } from '../service/ports/log.ts';
import type { ServiceMetrics } from '../service/ports/metrics.ts';
import type { ProsamSettings } from './config-types/config.ts';

export interface LearnerChild {
  /** Problem of the learner; undefined while it works. */
  problem(): string | undefined;
  /** Lets it finish its step and waits; kills it at the deadline. It resumes where it stopped at the next start. */
  close(deadlineMs: number): Promise<void>;
}

export interface LearnerChildParts {
  settings: ProsamSettings;
  log: Log;
  metrics: ServiceMetrics;
  onProblem: (error: unknown) => void;
}

/** First pause before another start; doubles with each that ends at once. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 300_000;
/** Run time after which a child counts as healthy, in milliseconds. */
const SOUND_AFTER_MS = 60_000;
const MAX_ERROR_TEXT = 2000;

export function startLearnerChild({ settings, log, metrics, onProblem }: LearnerChildParts): LearnerChild {
  let child: ChildProcess | undefined;
  let closing = false;
  let pauseMs = FIRST_PAUSE_MS;
  let timer: NodeJS.Timeout | undefined;
  let problem: string | undefined;

  const start = (): void => {
    const startedMs = Date.now();
    let errorText = '';
    const started = spawn(process.execPath, [cliFile(), 'learn', '--json', '--settings', JSON.stringify(learnerSettings(settings))], {
      // An open channel that closes tells the learner that nobody is there any more.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: environmentFor(settings),
    });
    child = started;
    createInterface({ input: started.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      // An event shows that it works.
      problem = undefined;
      tell(line, log, metrics);
    });
    started.stderr?.on('data', (data: Buffer) => {
      errorText = (errorText + data.toString()).slice(-MAX_ERROR_TEXT);
    });
    started.on('error', (error) => (errorText += messageOf(error)));
    started.on('close', (code, killedBy) => {
      child = undefined;
      if (closing) return;
      if (Date.now() - startedMs > SOUND_AFTER_MS) pauseMs = FIRST_PAUSE_MS;
      const why = errorText.trim() === '' ? `exit code ${code ?? killedBy}` : errorText.trim();
      problem = `the learner ended (${why}); it is started again.`;
      log.warn({ code, signal: killedBy, again: pauseMs }, `learner ended: ${why}`);
      onProblem(new Error(problem));
      timer = setTimeout(start, pauseMs).unref();
      pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs);
    });
    // It keeps nobody's process alive.
    started.unref();
    started.channel?.unref();
  };
  start();

  return {
    problem: () => problem,
    async close(deadlineMs) {
      closing = true;
      clearTimeout(timer);
      const running = child;
      if (running === undefined) return;
      running.ref();
      await new Promise<void>((resolve) => {
        const late = setTimeout(() => running.kill('SIGKILL'), deadlineMs);
        running.once('close', () => {
          clearTimeout(late);
          resolve();
        });
        running.kill('SIGTERM');
      });
    },
  };
}

/** Settings of the learner without `run`, which is settled by now. */
function learnerSettings({ learner, model, references }: ProsamSettings): object {
  return { ...learner, run: undefined, model, references: references.count };
}

/** Addresses of stores may hold passwords, which the list of processes would show; other secrets are none of its business. */
function environmentFor({ database, objects, storageTimeouts }: ProsamSettings): NodeJS.ProcessEnv {
  const stores = [
    ...(/^postgres(ql)?:/.test(database) ? ['postgres' as const] : []),
    ...(objects.startsWith('s3:') ? ['s3' as const] : []),
  ];
  const kept = childEnvironment(process.env, { groups: ['compute', 'network', ...stores] });
  const timeouts = Object.entries(storageTimeouts).map(([name, ms]) => `${name}=${ms}`);
  return { ...kept, PROSAM_DATABASE: database, PROSAM_OBJECTS: objects, PROSAM_STORAGE_TIMEOUTS: timeouts.join() };
}

/** The command line beside this file: as source, or built. */
function cliFile(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../cli.ts' : './cli.js', import.meta.url));
}

function tell(line: string, log: Log, metrics: ServiceMetrics): void {
  let event: Record<string, unknown>;
  try {
    event = JSON.parse(line) as Record<string, unknown>;
  } catch {
    log.info({}, `learner: ${line.slice(0, MAX_ERROR_TEXT)}`);
    return;
  }
  const { type, project } = event;
  if (typeof project !== 'string') return;
  if (type === 'step') {
    metrics.learner(project, { state: 'running', step: Number(event['step']), steps: Number(event['steps']), loss: Number(event['loss']) });
    return;
  }
  if (type === 'gate') metrics.learner(project, { state: 'gating', step: Number(event['done']), steps: Number(event['total']) });
  if (type === 'end') metrics.learner(project, { state: 'idle', step: 0, steps: 0 });
  if (type === 'start' || type === 'fit' || type === 'end') log.info({ learner: event }, `learner: ${type}`);
}
