/** The learner's settings as people write them: checked, completed, and with cron expressions that mean something. */
import { Cron } from 'croner';
import * as z from 'zod';
import { MAX_EXAMPLES } from '../core/engine/learned/fit.ts';
import { METHODS } from '../core/engine/types.ts';
import { messageOf, ProsamError } from '../core/common/errors.ts';
import { MAX_KINDS } from '../training/batches/augment.ts';
import { MAX_LEASE_MS } from '../service/ports/versions.ts';
import { LEARNER_DEFAULTS, type LearnerSettings, type TimeWindow } from './settings.ts';

const cronExpression = z
  .string()
  .max(200)
  .superRefine((text, context) => {
    try {
      new Cron(text, { paused: true });
    } catch (error) {
      context.addIssue({ code: 'custom', message: `expected a cron expression such as "0 8 * * 1-5": ${messageOf(error)}` });
    }
  });
const timeZone = z
  .string()
  .max(100)
  .refine((name) => isTimeZone(name), 'expected a time zone such as "Europe/Berlin"');
const window = z.strictObject({ starts: cronExpression, minutes: z.number().min(1).max(10_080), timeZone: timeZone.optional() });

const share = (low: number, high: number) => z.number().min(low).max(high);
const whole = (low: number, high: number) => z.int().min(low).max(high);
const bytes = z
  .number()
  .min(2 ** 20)
  .max(2 ** 50);
const defaults = LEARNER_DEFAULTS;

/** Schema of the key `learner` in a configuration. */
export const learnerSettingsSchema = z.strictObject({
  minNewMasks: z.number().min(0).max(1e6).default(defaults.minNewMasks),
  minImages: whole(3, 1_000_000).default(defaults.minImages),
  coolDownMs: z
    .number()
    .min(0)
    .max(31 * 86_400_000)
    .default(defaults.coolDownMs),
  quietHours: window.optional(),
  onlyDuring: window.optional(),
  gateShare: share(0.05, 0.5).default(defaults.gateShare),
  replayShare: share(0, 1).default(defaults.replayShare),
  absentShare: share(0, 1).default(defaults.absentShare),
  margin: share(0, 1).default(defaults.margin),
  labelMargin: share(0, 1).default(defaults.labelMargin),
  minLabelPairs: whole(1, 1000).default(defaults.minLabelPairs),
  gatePairs: whole(1, 10_000).default(defaults.gatePairs),
  minGateImages: whole(1, 10_000).default(defaults.minGateImages),
  folds: whole(0, 20).default(defaults.folds),
  alikeIou: share(0, 1).default(defaults.alikeIou),
  fitFrom: whole(0, MAX_EXAMPLES)
    .refine((images) => images !== 1, 'expected 0, or 2 and more: one image is left out')
    .default(defaults.fitFrom),
  method: z.enum(['auto', ...METHODS]).default(defaults.method),
  references: whole(1, 20).optional(),
  steps: whole(1, 1_000_000).default(defaults.steps),
  batch: whole(1, 256).default(defaults.batch),
  samples: whole(1, 100).default(defaults.samples),
  lr: z.number().min(1e-12).max(10).default(defaults.lr),
  keep: z.number().min(0).max(1000).default(defaults.keep),
  crops: whole(0, MAX_KINDS).default(defaults.crops),
  averageDecay: share(0, 0.999999).default(defaults.averageDecay),
  checkpointEvery: whole(1, 1_000_000).default(defaults.checkpointEvery),
  maxMasks: whole(3, 100_000).default(defaults.maxMasks),
  maxMemoryBytes: bytes.default(defaults.maxMemoryBytes),
  featureBytes: bytes.default(defaults.featureBytes),
  cacheBytes: bytes.default(defaults.cacheBytes),
  threads: whole(0, 1024).default(defaults.threads),
  leaseMs: whole(500, MAX_LEASE_MS).default(defaults.leaseMs),
  maxAttempts: whole(1, 1_000_000).default(defaults.maxAttempts),
  engine: z.enum(['auto', 'node-gpu', 'node', 'wasm']).default(defaults.engine),
  device: z.string().min(1).max(20).default(defaults.device),
  model: z.string().min(1).max(4096).default(defaults.model),
  workDir: z.string().min(1).max(4096).default(defaults.workDir),
});

/** @throws CONFIG_INVALID with every problem */
export function parseLearnerSettings(given: unknown): LearnerSettings {
  const result = learnerSettingsSchema.safeParse(given);
  if (result.success) return withoutUndefined(result.data);
  throw new ProsamError('CONFIG_INVALID', `the learner's settings: ${z.prettifyError(result.error)}\nCorrect these.`);
}

/** Steps of the search for a moment that is allowed; windows without a gap have none. */
const MAX_STEPS = 200;

/** The first moment from the given one on (ms since 1970) that lies within `onlyDuring` and outside `quietHours`. */
export function allowedTimes({ quietHours, onlyDuring }: Pick<LearnerSettings, 'quietHours' | 'onlyDuring'>): (nowMs: number) => number {
  const [quiet, open] = [quietHours && timesOf(quietHours), onlyDuring && timesOf(onlyDuring)];
  return (nowMs) => {
    let at = nowMs;
    for (let i = 0; i < MAX_STEPS; i++) {
      const quietUntil = quiet?.endAt(at);
      if (quietUntil !== undefined) at = quietUntil;
      else if (open && open.endAt(at) === undefined) at = open.nextStart(at);
      else return at;
      if (!Number.isFinite(at)) return at;
    }
    return at;
  };
}

interface Times {
  /** End of the window that covers the moment, if one does. */
  endAt(ms: number): number | undefined;
  /** Infinity: there is none. */
  nextStart(ms: number): number;
}

function timesOf({ starts, minutes, timeZone: timezone }: TimeWindow): Times {
  const cron = new Cron(starts, { paused: true, ...(timezone !== undefined && { timezone }) });
  const length = 60_000 * minutes;
  const nextStart = (ms: number): number => cron.nextRun(new Date(ms))?.getTime() ?? Infinity;
  return {
    nextStart,
    endAt(ms) {
      const start = nextStart(ms - length);
      return start <= ms ? start + length : undefined;
    },
  };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/** Absent and undefined are the same to zod, not to TypeScript. */
function withoutUndefined({ quietHours, onlyDuring, ...rest }: z.output<typeof learnerSettingsSchema>): LearnerSettings {
  const plain = (one: NonNullable<typeof quietHours>): TimeWindow => ({
    starts: one.starts,
    minutes: one.minutes,
    ...(one.timeZone !== undefined && { timeZone: one.timeZone }),
  });
  return { ...rest, ...(quietHours && { quietHours: plain(quietHours) }), ...(onlyDuring && { onlyDuring: plain(onlyDuring) }) };
}
