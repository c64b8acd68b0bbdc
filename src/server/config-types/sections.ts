/** Configuration: storage, images, references, limits, callbacks, log and learner. */
import type { LogLevel } from '../../adapters/http/create-log.ts';
import type { LearnerSettings } from '../../learner/settings.ts';
import type { LearnerRun } from '../../service/types.ts';

/** Section `storageTimeouts`: longest waits for the database and the object store, in milliseconds. */
export interface StorageTimeoutsConfig {
  /** Wait for a connection to Postgres or S3, or for one of this process's pool. @default 10_000 */
  connectMs?: number;
  /** Wait for a lock: rows in Postgres, the file of SQLite. @default 10_000 */
  lockMs?: number;
  /** One statement, including its wait for locks. @default 30_000 */
  statementMs?: number;
  /** Idle time after which Postgres ends an open transaction. @default 30_000 */
  idleTransactionMs?: number;
  /** Silence after which a connection to S3 is dropped and its request sent again. @default 15_000 */
  silenceMs?: number;
  /** One object read, written or looked for, all tries together. @default 60_000 */
  objectMs?: number;
}

/** Section `external`: a system outside that the method 'external' asks. */
export interface ExternalConfig {
  /** An http or https address, or a command line. @default none: the method is unavailable */
  place?: string;
  /** Requests that name no method, such as those of Label Studio and CVAT, are drawn by it. @default false */
  default?: boolean;
  /** Time for one message, in milliseconds. @default 120_000 */
  timeoutMs?: number;
  /** Largest answer, in bytes. @default 2 ** 24 */
  maxBytes?: number;
  /** Names of environment variables that a command gets; others than the usual ones it does not. @default [] */
  environment?: readonly string[];
}

/** Section `images`: images named by path or address, and their bounds. */
export interface ImagesConfig {
  /** Root folder of images named by path. @default none: paths are refused */
  folder?: string;
  /** Private hosts that images may come from: a name, name:port, or a network such as 10.0.0.0/8. @default [] */
  allowHosts?: readonly string[];
  /** Largest image file, in bytes. @default 64 * 2 ** 20 */
  maxBytes?: number;
  /** Largest image, in pixels. @default 100_000_000 */
  maxPixels?: number;
  /** Download of one image, in milliseconds. @default 20_000 */
  timeoutMs?: number;
  /** Sample values that are read as black and white in images of more than 8 bits, where a request says nothing. @default none: by the format */
  valueRange?: readonly [black: number, white: number];
}

/** Section `references`: masks that stand for a label. */
export interface ReferencesConfig {
  /** References per label (K), 1 to 20; fewer where many labels are asked for together. Of more than five `auto` has the prompt encoder read five. @default 5 */
  count?: number;
  /** Best candidates among which ones that differ are chosen, 1 to 200. @default none: four times count */
  pool?: number;
}

/** Section `limits`: load that the service accepts. */
export interface LimitsConfig {
  /** Largest request body, in bytes; routes that take images allow more. @default 32 * 2 ** 20 */
  bodyBytes?: number;
  /** Request bodies in memory at the same time, in bytes over all requests; more are asked to come back later. @default 512 * 2 ** 20 */
  bodiesInFlightBytes?: number;
  /** Time for a response once the request is complete, in milliseconds. @default 60_000 */
  deadlineMs?: number;
  /** Calls computing at the same time. @default 2 */
  concurrency?: number;
  /** Calls waiting in front of the engine; more are asked to come back later. @default 128 */
  waiting?: number;
  /** Largest share of the waiting calls that one client may hold, 0.01 to 1. @default 0.5 */
  clientShare?: number;
  /** Time for running calls to finish at shutdown, in milliseconds. @default 10_000 */
  shutdownMs?: number;
}

/** Section `callbacks`: results of jobs sent to addresses that callers name. */
export interface CallbacksConfig {
  /** Secret that signs callbacks, at least 16 characters, different from those in `auth.hmac`. @default none: callbacks are refused */
  secret?: string;
  /** Private hosts that callbacks may go to. @default [] */
  allowHosts?: readonly string[];
  /** Tries before a callback is given up. @default 8 */
  attempts?: number;
}

/** Section `prune`: what the service removes by itself, and when. What people accepted and what is in service always stays. */
export interface PruneConfig {
  /** Hours between two times; 0: only `prosam prune` removes anything. @default 24 */
  everyHours?: number;
  /** Days that predictions stay with their masks. @default 90 */
  predictionDays?: number;
  /** Days that jobs and their results stay after their end. @default 30 */
  jobDays?: number;
  /** Days that callbacks stay which were delivered or given up. @default 30 */
  deliveryDays?: number;
  /** Newest training runs of a project that stay, 50 or more: the learner looks back that far. @default 100 */
  runs?: number;
  /** Newest versions of a project that stay, and as many that were in service last; rollback goes back to these. @default 20 */
  versions?: number;
  /** Days that runs and versions beyond those stay. @default 30 */
  versionDays?: number;
  /** Days that images stay which nobody annotated; after that their bytes have to be sent again. @default none: they stay */
  imageDays?: number;
  /** Newest images of a project that stay of those nobody annotated; the others go after a day. @default none: they stay */
  images?: number;
  /** Days that cached features of images stay unused. @default 30 */
  featureDays?: number;
  /** Hours that bytes stay which nothing points to, and as long again where they come back if asked for. @default 24 */
  blobHours?: number;
}

/** Section `log`: JSON lines on standard output. */
export interface HttpConfig {
  /**
   * Path of the service in its proxy's address, such as '/tools/prosam'; the proxy may leave it in its requests or take it off.
   * @default ''
   */
  basePath?: string;
  /** Origins of pages elsewhere that may call the service, such as 'https://labels.internal:8443'; with tokens only. @default [] */
  allowOrigins?: readonly string[];
}

export interface LogConfig {
  /** Least important level that is written. @default 'info' */
  level?: LogLevel;
}

/** Section `learner`: background training from accepted annotations, with the settings of the learner; its model and the number of references are those of the service. */
export interface LearnerConfig extends Partial<Omit<LearnerSettings, 'model' | 'references'>> {
  /**
   * Process that trains: 'managed', a child of the service; 'external', `prosam learn` on this or another machine; 'off', none.
   * @default 'managed'
   */
  run?: LearnerRun;
}
