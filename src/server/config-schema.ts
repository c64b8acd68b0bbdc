/** Schema of the configuration: bounds and defaults of every field that config-types describes. */
import * as z from 'zod';
import { DEVICES } from '../core/runtime/devices/devices.ts';
import { DEFAULT_INFERENCE_TIMEOUT_MS, DEFAULT_MODEL } from '../core/engine/defaults.ts';
import { MAX_CLEAN_AREA } from '../core/mask/clean-mask.ts';
import { DEFAULT_TOLERANCE, MAX_TOLERANCE } from '../core/mask/polygon-groups.ts';
import { DEFAULT_EXTERNAL_BYTES, DEFAULT_EXTERNAL_TIMEOUT_MS, EXTERNAL_BOUNDS } from '../external/limits.ts';
import { PRECISIONS } from '../core/onnx/precision.ts';
import { DEFAULT_LEAST_PART } from '../adapters/cvat/annotate/parts.ts';
import { LOG_LEVELS } from '../adapters/http/create-log.ts';
import { USUAL_TIMEOUTS } from '../storage/timeouts.ts';
import { learnerSettingsSchema } from '../learner/read-settings.ts';

export type { ProsamConfig, ProsamSettings } from './config-types/config.ts';

/** Values of `learner.run`: a child process of the service, `prosam learn`, or none. */
export const LEARNER_RUNS = ['managed', 'external', 'off'] as const;

const MIB = 2 ** 20;
const text = (longest = 4096) => z.string().min(1).max(longest);
const whole = (low: number, high: number) => z.int().min(low).max(high);
const milliseconds = (low: number, high: number) => whole(low, high);

/** Specks and holes of masks, as the engine's options have them. */
const cleaning = {
  minArea: z.number().min(0).max(MAX_CLEAN_AREA).optional(),
  fillHoles: z.union([z.boolean(), z.number().min(0).max(MAX_CLEAN_AREA)]).optional(),
  largestOnly: z.boolean().optional(),
};

const days = z.number().min(1).max(36_500);

const grant = {
  name: text(100),
  access: z.enum(['read', 'write', 'admin']).default('write'),
  projects: z.array(text(200)).max(1000).optional(),
};

export const configSchema = z.strictObject({
  host: text(255).default('127.0.0.1'),
  port: whole(0, 65_535).default(9090),
  database: text().default('prosam/prosam.db'),
  objects: text().default('prosam/blobs'),
  migrate: z.boolean().default(true),
  storageTimeouts: z
    .strictObject({
      connectMs: milliseconds(100, 600_000).default(USUAL_TIMEOUTS.connectMs),
      lockMs: milliseconds(100, 600_000).default(USUAL_TIMEOUTS.lockMs),
      statementMs: milliseconds(100, 3_600_000).default(USUAL_TIMEOUTS.statementMs),
      idleTransactionMs: milliseconds(100, 3_600_000).default(USUAL_TIMEOUTS.idleTransactionMs),
      silenceMs: milliseconds(100, 600_000).default(USUAL_TIMEOUTS.silenceMs),
      objectMs: milliseconds(100, 3_600_000).default(USUAL_TIMEOUTS.objectMs),
    })
    .prefault({}),
  model: text().default(DEFAULT_MODEL),
  device: z.enum(['auto', ...DEVICES]).default('auto'),
  threads: z.union([z.literal('auto'), whole(1, 1024)]).default('auto'),
  precision: z.enum(PRECISIONS).default('fp32'),
  inferenceTimeoutMs: milliseconds(1000, 2 ** 31 - 1).default(DEFAULT_INFERENCE_TIMEOUT_MS),
  external: z
    .strictObject({
      place: text().optional(),
      default: z.boolean().default(false),
      timeoutMs: milliseconds(EXTERNAL_BOUNDS.timeoutMs.low, EXTERNAL_BOUNDS.timeoutMs.high).default(DEFAULT_EXTERNAL_TIMEOUT_MS),
      maxBytes: whole(EXTERNAL_BOUNDS.maxBytes.low, EXTERNAL_BOUNDS.maxBytes.high).default(DEFAULT_EXTERNAL_BYTES),
      environment: z.array(text(200)).max(100).default([]),
    })
    .prefault({}),
  cache: z.string().max(4096).default('prosam/cache'),
  cacheBytes: whole(MIB, 2 ** 50).default(4096 * MIB),
  auth: z
    .strictObject({
      tokens: z
        .array(z.strictObject({ ...grant, token: text(1000) }))
        .max(1000)
        .default([]),
      basic: z
        .array(z.strictObject({ ...grant, password: text(1000) }))
        .max(1000)
        .default([]),
      hmac: z
        .array(z.strictObject({ ...grant, secret: text(1000), bodyOnly: z.boolean().optional() }))
        .max(1000)
        .default([]),
    })
    .prefault({}),
  images: z
    .strictObject({
      folder: text().optional(),
      allowHosts: z.array(text(255)).max(1000).default([]),
      maxBytes: whole(1000, 2 ** 30).default(64 * MIB),
      maxPixels: whole(1, 2 ** 29 - 1).default(100_000_000),
      timeoutMs: milliseconds(100, 600_000).default(20_000),
      valueRange: z
        .tuple([z.number(), z.number()])
        .refine(([black, white]) => black < white, 'expected black below white')
        .optional(),
    })
    .prefault({}),
  references: z
    .strictObject({
      count: whole(1, 20).default(5),
      pool: whole(1, 200).optional(),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bodyBytes: whole(1000, 2 ** 30).default(32 * MIB),
      bodiesInFlightBytes: whole(100_000, 2 ** 40).default(512 * MIB),
      deadlineMs: milliseconds(100, 3_600_000).default(60_000),
      concurrency: whole(1, 64).default(2),
      waiting: whole(1, 100_000).default(128),
      clientShare: z.number().min(0.01).max(1).default(0.5),
      shutdownMs: milliseconds(0, 600_000).default(10_000),
    })
    .prefault({}),
  callbacks: z
    .strictObject({
      secret: z.string().min(16).max(1000).optional(),
      allowHosts: z.array(text(255)).max(1000).default([]),
      attempts: whole(1, 50).default(8),
    })
    .prefault({}),
  labelStudio: z
    .strictObject({
      enabled: z.boolean().default(true),
      mountAtRoot: z.boolean().default(false),
      url: text().optional(),
      token: text(4000).optional(),
      backendUrl: text().optional(),
      name: text(100).default('label-studio'),
      reconcileMinutes: z.number().min(0).max(1440).default(5),
      softDeadlineMs: milliseconds(1000, 95_000).default(80_000),
      keepOutdated: z.boolean().default(false),
      instances: z.boolean().default(false),
      threshold: z.number().min(0).max(1).optional(),
      ...cleaning,
      tolerance: z.number().min(0).max(MAX_TOLERANCE).optional(),
    })
    .prefault({}),
  cvat: z
    .strictObject({
      enabled: z.boolean().default(true),
      mountAtRoot: z.boolean().default(false),
      port: whole(1, 65_535).optional(),
      host: text(255).optional(),
      allowFrom: z.array(text(50)).max(100).default([]),
      functionPorts: z.strictObject({ first: whole(1, 65_535).default(18_070), count: whole(1, 10_000).default(100) }).prefault({}),
      portsFile: z.string().max(4096).default('prosam/cvat-ports.json'),
      url: text().optional(),
      token: text(4000).optional(),
      organization: text(200).optional(),
      name: text(100).default('cvat'),
      project: text(200).optional(),
      webhook: z.strictObject({ secret: z.string().min(8).max(64).optional() }).prefault({}),
      pollMinutes: z.number().min(0).max(1440).default(1),
      prefetch: z.boolean().default(true),
      instances: z.boolean().default(false),
      attributes: z.boolean().default(false),
      leastPart: z.number().min(0).max(1).default(DEFAULT_LEAST_PART),
      threshold: z.number().min(0).max(1).optional(),
      ...cleaning,
      tolerance: z.number().min(0).max(MAX_TOLERANCE).default(DEFAULT_TOLERANCE),
      uploads: text().default('prosam/cvat-uploads'),
    })
    .prefault({}),
  keepPredictions: whole(0, 100_000).default(200),
  prune: z
    .strictObject({
      everyHours: z.number().min(0).max(500).default(24),
      predictionDays: days.default(90),
      jobDays: days.default(30),
      deliveryDays: days.default(30),
      runs: whole(50, 1_000_000).default(100),
      versions: whole(1, 1_000_000).default(20),
      versionDays: days.default(30),
      imageDays: days.optional(),
      images: whole(0, 100_000_000).optional(),
      featureDays: days.default(30),
      blobHours: z.number().min(1).max(100_000).default(24),
    })
    .prefault({}),
  learner: learnerSettingsSchema
    .omit({ model: true, references: true })
    .extend({ run: z.enum(LEARNER_RUNS).default('managed') })
    .prefault({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
  metrics: z.enum(['open', 'read', 'admin']).default('read'),
  http: z
    .strictObject({
      basePath: z.string().max(200).default(''),
      allowOrigins: z.array(text(300)).max(100).default([]),
    })
    .prefault({}),
  allowedHosts: z.array(text(255)).max(1000).optional(),
  trustProxy: z.union([whole(0, 20), z.array(text(255)).max(100)]).optional(),
});
