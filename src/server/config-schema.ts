/** Everything that can be set about the service, its bounds, and what holds where nothing is set. */
import * as z from 'zod';
import { DEVICES } from '../core/runtime/devices/devices.ts';
import { DEFAULT_INFERENCE_TIMEOUT_MS, DEFAULT_MODEL } from '../core/engine/defaults.ts';
import { PRECISIONS } from '../core/onnx/precision.ts';
import { LOG_LEVELS } from '../adapters/http/create-log.ts';
import { USUAL_TIMEOUTS } from '../storage/timeouts.ts';
import { learnerSettingsSchema } from '../learner/read-settings.ts';

/** Who trains: a process of its own beside the service, one somewhere else (`prosam learn`), or nobody. */
export const LEARNER_RUNS = ['child', 'elsewhere', 'off'] as const;

const MIB = 2 ** 20;
const text = (longest = 4096) => z.string().min(1).max(longest);
const whole = (low: number, high: number) => z.int().min(low).max(high);
const milliseconds = (low: number, high: number) => whole(low, high);

const grant = {
  /** For logs and fair shares. */
  name: text(100),
  /** 'write' may hand in annotations and start runs, 'admin' may also put versions into service. */
  access: z.enum(['read', 'write', 'admin']).default('write'),
  /** Only these projects. */
  projects: z.array(text(200)).max(1000).optional(),
};

export const configSchema = z.strictObject({
  host: text(255).default('127.0.0.1'),
  port: whole(0, 65_535).default(9090),
  /** SQLite file, or postgres://user:password@host/database. */
  database: text().default('prosam/prosam.db'),
  /** Folder, or s3://bucket/prefix?endpoint=...&region=... */
  objects: text().default('prosam/blobs'),
  /** Bring a database of an earlier version up to date by itself. */
  migrate: z.boolean().default(true),
  /** How long database and object store may keep anybody waiting. */
  storageTimeouts: z
    .strictObject({
      /** To connect to Postgres or S3, or to be lent one of this process's connections. */
      connectMs: milliseconds(100, 600_000).default(USUAL_TIMEOUTS.connectMs),
      /** To be given a lock that somebody else holds: rows in Postgres, the file of SQLite. */
      lockMs: milliseconds(100, 600_000).default(USUAL_TIMEOUTS.lockMs),
      /** One statement, its waiting for locks included. */
      statementMs: milliseconds(100, 3_600_000).default(USUAL_TIMEOUTS.statementMs),
      /** A transaction in which nothing happens for so long is ended by Postgres. */
      idleTransactionMs: milliseconds(100, 3_600_000).default(USUAL_TIMEOUTS.idleTransactionMs),
      /** A connection to S3 on which nothing moves is given up, and the request made again. */
      silenceMs: milliseconds(100, 600_000).default(USUAL_TIMEOUTS.silenceMs),
      /** One object read, written or looked for, all tries together. */
      objectMs: milliseconds(100, 3_600_000).default(USUAL_TIMEOUTS.objectMs),
    })
    .prefault({}),
  /** Name of a model, or path of its folder. */
  model: text().default(DEFAULT_MODEL),
  device: z.enum(['auto', ...DEVICES]).default('auto'),
  /** Threads of one operator on the CPU; 'auto' (0 in 0.1.0) = one for each core, for large models as many as are fastest. */
  threads: z
    .union([z.literal('auto'), whole(0, 1024)])
    .default('auto')
    .transform((threads) => (threads === 0 ? 'auto' : threads)),
  /** What the image networks compute in: fp16 is for GPUs, int8 for CPUs. */
  precision: z.enum(PRECISIONS).default('fp32'),
  /** Longest time one network may take; a worker that is silent for longer is replaced. */
  inferenceTimeoutMs: milliseconds(1000, 2 ** 31 - 1).default(DEFAULT_INFERENCE_TIMEOUT_MS),
  /** Folder for features of images, so that no image is computed twice, even after a restart; "" = none. */
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
        .array(z.strictObject({ ...grant, secret: text(1000) }))
        .max(1000)
        .default([]),
    })
    .prefault({}),
  images: z
    .strictObject({
      /** Root of images named by path; without it none can be. */
      folder: text().optional(),
      /** Hosts (name, name:port or network such as 10.0.0.0/8) that may be private. */
      allowHosts: z.array(text(255)).max(1000).default([]),
      maxBytes: whole(1000, 2 ** 30).default(64 * MIB),
      maxPixels: whole(1, 2 ** 29 - 1).default(100_000_000),
      timeoutMs: milliseconds(100, 600_000).default(20_000),
    })
    .prefault({}),
  references: z
    .strictObject({
      /** References of one concept (K). */
      count: whole(1, 20).default(5),
      /** How many of the best are looked at for ones that differ. */
      pool: whole(1, 200).default(20),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bodyBytes: whole(1000, 2 ** 30).default(32 * MIB),
      /** Bytes of request bodies in memory at the same time, of all requests together; what does not fit is told to come back later. */
      bodiesInFlightBytes: whole(100_000, 2 ** 40).default(512 * MIB),
      /** For an answer, once the request is there. */
      deadlineMs: milliseconds(100, 3_600_000).default(60_000),
      /** Calls computing at the same time. */
      concurrency: whole(1, 64).default(2),
      /** Calls waiting in front of the engine; one more is told to come back later. */
      waiting: whole(1, 100_000).default(128),
      /** Largest share of the waiting places one client may hold. */
      clientShare: z.number().min(0.01).max(1).default(0.5),
      /** What runs when the service is told to end has this long to finish. */
      shutdownMs: milliseconds(0, 600_000).default(10_000),
    })
    .prefault({}),
  callbacks: z
    .strictObject({
      /** Signs what is pushed; without it callbacks are refused. At least 16 characters. */
      secret: z.string().min(16).max(1000).optional(),
      /** Hosts that may be private. */
      allowHosts: z.array(text(255)).max(1000).default([]),
      attempts: whole(1, 50).default(8),
    })
    .prefault({}),
  labelStudio: z
    .strictObject({
      /** Answer Label Studio at /label-studio. */
      enabled: z.boolean().default(true),
      /** Answer its paths at / as well, for connections that were made with an address without a path. */
      root: z.boolean().default(false),
      /** Address of Label Studio as seen from here; the only one that is asked and shown credentials. Without it none can connect. */
      url: text().optional(),
      /** Personal access token or legacy token of one of its users, instead of the one it hands out when it connects; goes to `url` alone. */
      token: text(4000).optional(),
      /** Address at which Label Studio reaches this service, such as http://prosam:9090/label-studio; its webhooks are then kept in order. */
      backendUrl: text().optional(),
      /** Begins the names of its projects. */
      name: text(100).default('label-studio'),
      /** Between two looks at what was annotated; webhooks may get lost. 0 = only when a project connects and before training. */
      reconcileMinutes: z.number().min(0).max(1440).default(5),
      /** A batch is answered with what is ready by then, the rest is pushed; Label Studio gives up after 100,000. */
      softDeadlineMs: milliseconds(1000, 95_000).default(80_000),
      /** One region for each connected part of a mask. */
      instances: z.boolean().default(false),
    })
    .prefault({}),
  cvat: z
    .strictObject({
      /** Answer CVAT at /cvat. */
      enabled: z.boolean().default(true),
      /** Answer its paths at / as well: then this port can be the one CVAT takes for Nuclio's (CVAT_NUCLIO_PORT). */
      root: z.boolean().default(false),
      /** A port of its own that CVAT takes for Nuclio's dashboard, 8070 by default there; CVAT sends no credentials. */
      port: whole(1, 65_535).optional(),
      /** Address of that port and of the functions'. Default: the service's own. */
      host: text(255).optional(),
      /** Who may reach them: addresses or networks such as 172.16.0.0/12. Needed wherever others could. */
      allowFrom: z.array(text(50)).max(100).default([]),
      /** Each function has a port of its own, for CVAT's way of calling them directly. */
      functionPorts: z.strictObject({ first: whole(1, 65_535).default(18_070), count: whole(1, 10_000).default(100) }).prefault({}),
      /** Where those are written down, so that they stay; "" = nowhere. */
      portsFile: z.string().max(4096).default('prosam/cvat-ports.json'),
      /** Address of CVAT as seen from here; with the token it is what prefetching and learning need. */
      url: text().optional(),
      /** Personal access token or key of one of its users. */
      token: text(4000).optional(),
      /** Short name of an organization. */
      organization: text(200).optional(),
      /** Begins the names of its projects. */
      name: text(100).default('cvat'),
      /** Project whose references help clicks in frames nobody knows. Default: the only one with references. */
      project: text(200).optional(),
      webhook: z.strictObject({ secret: z.string().min(8).max(64).optional() }).prefault({}),
      /** Between two looks at its jobs; 0 = webhooks alone. */
      pollMinutes: z.number().min(0).max(1440).default(1),
      /** Fetch the frames of a job once somebody begins to work on it. */
      prefetch: z.boolean().default(true),
      /** One shape for each connected part of a mask. */
      instances: z.boolean().default(false),
      /** Least score of what a detector answers where CVAT names none. */
      threshold: z.number().min(0).max(1).default(0),
      /** What was uploaded, to compare with. */
      uploads: text().default('prosam/cvat-uploads'),
    })
    .prefault({}),
  /** Predictions of a project that stay with their masks. */
  keepPredictions: whole(0, 100_000).default(200),
  learner: learnerSettingsSchema
    .omit({ model: true })
    .extend({ run: z.enum(LEARNER_RUNS).default('child') })
    .prefault({}),
  log: z.strictObject({ level: z.enum(LOG_LEVELS).default('info') }).prefault({}),
  /** Who may read /metrics. */
  metrics: z.enum(['open', 'read', 'admin']).default('read'),
  /** Names in the Host header that are answered; needed behind a proxy when nobody has to log in. */
  allowedHosts: z.array(text(255)).max(1000).optional(),
  /** Proxies whose X-Forwarded-* headers are believed. */
  trustProxy: z.union([whole(0, 20), z.array(text(255)).max(100)]).optional(),
});

/** As people write it; everything may be left out. */
export type ProsamConfig = z.input<typeof configSchema>;
/** With every default filled in. */
export type ProsamSettings = z.output<typeof configSchema>;
