/** Configuration of the service: as people write it, and completed with every default. */
import type { Precision } from '../../core/onnx/precision.ts';
import type { Device } from '../../core/runtime/devices/devices.ts';
import type { LearnerSettings } from '../../learner/settings.ts';
import type { AuthConfig, BasicGrant, HmacGrant, TokenGrant } from './auth.ts';
import type { CvatConfig, CvatWebhookConfig, FunctionPortsConfig } from './cvat.ts';
import type { LabelStudioConfig } from './label-studio.ts';
import type {
  CallbacksConfig,
  ExternalConfig,
  ImagesConfig,
  LearnerConfig,
  LimitsConfig,
  HttpConfig,
  LogConfig,
  PruneConfig,
  ReferencesConfig,
  StorageTimeoutsConfig,
} from './sections.ts';

/** Configuration as it stands in prosam.config.{ts,js,json} and in the options of createServer. Every field may be left out. */
export interface ProsamConfig {
  /** Address to listen on; others than 127.0.0.1 need credentials in `auth`. @default '127.0.0.1' */
  host?: string;
  /** Port to listen on; 0 for any free one. @default 9090 */
  port?: number;
  /** SQLite file, or postgres://user:password@host/database. @default 'prosam/prosam.db' */
  database?: string;
  /** Folder, or s3://bucket/prefix?endpoint=...&region=... @default 'prosam/blobs' */
  objects?: string;
  /** Upgrades a database of an earlier version at start. @default true */
  migrate?: boolean;
  /** Longest waits for the database and the object store. @default {} */
  storageTimeouts?: StorageTimeoutsConfig;
  /** Name of an installed model, or path of its folder. @default 'small' */
  model?: string;
  /** Device that computes. @default 'auto' */
  device?: 'auto' | Device;
  /** CPU threads of one operator; 'auto': one for each core, for large models as many as are fastest. @default 'auto' */
  threads?: 'auto' | number;
  /** Numbers the image networks compute in: fp16 for GPUs, int8 for CPUs. @default 'fp32' */
  precision?: Precision;
  /** Longest time one network may take, in milliseconds; a worker that is silent for longer is replaced. @default 600_000 */
  inferenceTimeoutMs?: number;
  /** A system outside that the method 'external' asks. @default {} */
  external?: ExternalConfig;
  /** Folder for image features, so that no image is computed twice, even after a restart; '' for none. @default 'prosam/cache' */
  cache?: string;
  /** Largest size of that folder, in bytes. @default 4096 * 2 ** 20 */
  cacheBytes?: number;
  /** Credentials of callers. @default {} */
  auth?: AuthConfig;
  /** Images named by path or address, and their bounds. @default {} */
  images?: ImagesConfig;
  /** Masks that stand for a label. @default {} */
  references?: ReferencesConfig;
  /** Load that the service accepts. @default {} */
  limits?: LimitsConfig;
  /** Results of jobs sent to addresses that callers name. @default {} */
  callbacks?: CallbacksConfig;
  /** Adapter of Label Studio. @default {} */
  labelStudio?: LabelStudioConfig;
  /** Adapter of CVAT. @default {} */
  cvat?: CvatConfig;
  /** Newest predictions of a project that are stored with their masks. @default 200 */
  keepPredictions?: number;
  /** Removal of what nobody needs any more. @default {} */
  prune?: PruneConfig;
  /** Background training from accepted annotations. @default {} */
  learner?: LearnerConfig;
  /** Log lines on standard output. @default {} */
  log?: LogConfig;
  /** Access that /metrics needs. @default 'read' */
  metrics?: 'open' | 'read' | 'admin';
  /** The place of the service in other addresses. @default {} */
  http?: HttpConfig;
  /** Names in the Host header that are answered; needed behind a proxy without credentials. @default none: the names of this machine */
  allowedHosts?: readonly string[];
  /** Proxies whose X-Forwarded-* headers are trusted: how many, or their addresses. @default none: none are */
  trustProxy?: number | readonly string[];
}

/** T with every default filled in; the keys of Optional have none. */
type Completed<T, Optional extends keyof T = never> = Required<Omit<T, Optional>> & Pick<T, Optional>;

/** Keys whose value is a section. */
type Section =
  | 'storageTimeouts'
  | 'external'
  | 'auth'
  | 'images'
  | 'references'
  | 'limits'
  | 'callbacks'
  | 'labelStudio'
  | 'cvat'
  | 'prune'
  | 'learner'
  | 'log'
  | 'http';

/** The same with every default filled in, checked and frozen: what `loadConfig` and `serverConfig` return. */
export interface ProsamSettings extends Completed<Omit<ProsamConfig, Section>, 'allowedHosts' | 'trustProxy'> {
  storageTimeouts: Completed<StorageTimeoutsConfig>;
  external: Completed<ExternalConfig, 'place'>;
  auth: {
    tokens: readonly Completed<TokenGrant, 'projects'>[];
    basic: readonly Completed<BasicGrant, 'projects'>[];
    hmac: readonly Completed<HmacGrant, 'projects' | 'bodyOnly'>[];
  };
  images: Completed<ImagesConfig, 'folder' | 'valueRange'>;
  references: Completed<ReferencesConfig, 'pool'>;
  limits: Completed<LimitsConfig>;
  callbacks: Completed<CallbacksConfig, 'secret'>;
  labelStudio: Completed<
    LabelStudioConfig,
    'url' | 'token' | 'backendUrl' | 'threshold' | 'tolerance' | 'minArea' | 'fillHoles' | 'largestOnly'
  >;
  cvat: Completed<
    Omit<CvatConfig, 'functionPorts' | 'webhook'>,
    'port' | 'host' | 'url' | 'token' | 'organization' | 'project' | 'threshold' | 'minArea' | 'fillHoles' | 'largestOnly'
  > & {
    functionPorts: Completed<FunctionPortsConfig>;
    webhook: CvatWebhookConfig;
  };
  prune: Completed<PruneConfig, 'imageDays' | 'images'>;
  learner: Omit<LearnerSettings, 'model' | 'references'> & Required<Pick<LearnerConfig, 'run'>>;
  log: Completed<LogConfig>;
  http: Completed<HttpConfig>;
}
