/** Output of a running `prosam learn`: a line an event and a progress line, or JSON. */
import { fitText } from '../../service/ports/fits.ts';
import type { Log } from '../../service/ports/log.ts';
import type { LearnerEvent } from '../../learner/types.ts';
import { createProgress, type Progress } from '../common/progress.ts';
import type { Terminal } from '../common/command.ts';

export interface LearnerPrinter {
  ready(engine: string): void;
  show(event: LearnerEvent): void;
  log: Log;
  /** Clears the progress line. */
  clear(): void;
}

/** Filter that reports the reason of a waiting project once, until it changes. */
function onlyNews(): (event: LearnerEvent) => boolean {
  const told = new Map<string, string>();
  return (event) => {
    if (event.type !== 'waiting') return true;
    const text = event.waitingFor.replaceAll(/\d+ (min|h|days)\b/g, '');
    const isNew = told.get(event.project) !== text;
    told.set(event.project, text);
    return isNew;
  };
}

/** Prints one line of JSON an event. */
export function jsonLearnerPrinter(print: Terminal['print']): LearnerPrinter {
  const isNews = onlyNews();
  const say = (level: string) => (fields: Record<string, unknown>, message: string) =>
    print(JSON.stringify({ type: 'log', level, ...fields, message }));
  return {
    ready: (engine) => print(JSON.stringify({ type: 'ready', engine })),
    show(event) {
      if (isNews(event)) print(JSON.stringify(event));
    },
    log: { info: say('info'), warn: say('warn'), error: say('error') },
    clear: () => undefined,
  };
}

export function humanLearnerPrinter(
  { print, warn }: Pick<Terminal, 'print' | 'warn'>,
  stderr: NodeJS.WriteStream = process.stderr,
): LearnerPrinter {
  const isNews = onlyNews();
  let live: Progress | undefined;
  let phase = '';
  const clear = (): void => live?.clear();
  const line = (text: string): void => {
    clear();
    print(text);
  };
  const advance = (name: string, done: number, total: number, what: string): void => {
    if (phase !== name) {
      live = createProgress(total, stderr, done - 1);
      phase = name;
    }
    live?.advance(what);
  };
  const complain = (fields: Record<string, unknown>, message: string): void => {
    clear();
    const details = Object.entries(fields).map(([name, value]) => `${name} ${String(value)}`);
    warn(`${message} (${details.join(', ')})`);
  };
  return {
    clear,
    ready: (engine) => line(`learning with ${engine}`),
    log: { info: () => undefined, warn: complain, error: complain },
    show(event) {
      if (!isNews(event)) return;
      switch (event.type) {
        case 'waiting':
          line(`${event.project}: waiting for ${event.waitingFor}`);
          break;
        case 'start': {
          const { project, run, attempt, parent, images, masks, newMasks, labels, notes } = event;
          const again = attempt > 1 ? `, taken up for the ${attempt}. time` : '';
          line(
            `${project}: run ${run} from ${parent ?? 'the built-in encoder'}${again}: ${masks} masks (${newMasks} new) of ${labels} labels on ${images} images`,
          );
          for (const note of notes) warn(`${project}: ${note}`);
          break;
        }
        case 'step':
          advance(
            `training${event.fold?.number ?? ''}`,
            event.step,
            event.steps,
            `${event.project}: ${event.fold ? `without held-out images, ${event.fold.number} of ${event.fold.of}, ` : ''}loss ${event.loss.toFixed(3)}`,
          );
          break;
        case 'gate':
          advance('gate', event.done, event.total, `${event.project}: held-out pairs`);
          break;
        case 'fit':
          line(`${event.project}: ${event.label} ${fitText(event)} (${event.seconds.toFixed(1)} s)`);
          break;
        case 'end':
          phase = '';
          line(
            `${event.project}: run ${event.run} ${event.state}${event.encoderVersion === undefined ? '' : ` (${event.encoderVersion})`}: ${event.reason}`,
          );
          break;
      }
    },
  };
}
