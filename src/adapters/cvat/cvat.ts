/** The adapter for CVAT: it answers as Nuclio does, so that its AI tools need nothing else, and learns from jobs people are done with. */
import type { CleanOptions } from '../../core/mask/clean-mask.ts';
import { DEFAULT_TOLERANCE } from '../../core/mask/polygon-groups.ts';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import type { ImageLimits } from '../../core/image/node/decode.ts';
import { silentLog, type Log } from '../../service/ports/log.ts';
import type { Service } from '../../service/types.ts';
import type { Queue } from '../../service/ports/storage.ts';
import type { ImageSources } from '../http/images/image-input.ts';
import type { Route } from '../http/route.ts';
import type { AnswerLog } from './annotate/answer-log.ts';
import { DEFAULT_LEAST_PART } from './annotate/parts.ts';
import { directRoutes, facadeRoutes, type FacadeParts } from './nuclio/facade-routes.ts';
import { createFrameIndex } from './nuclio/frame-index.ts';
import { createFunctions, type CvatFunction } from './nuclio/functions.ts';
import { importRoute } from './jobs/import-route.ts';
import type { PollCursor } from './jobs/poll-cursor.ts';
import { createIntake } from './jobs/job-intake.ts';
import { INTERACTOR, TRACKER } from './names.ts';
import type { PortRegistry } from './nuclio/port-registry.ts';
import { createProjectFacts } from './nuclio/project-facts.ts';
import { prefetchFrames, type Prefetched, type PrefetchRequest } from './nuclio/prefetch.ts';
import { prefetchRoute } from './nuclio/prefetch-route.ts';
import { createReviewLog, type ReviewLog } from './jobs/review-log.ts';
import { createReviewNotes, type ReviewNotes } from './jobs/review-notes.ts';
import type { LearningLine } from '../../service/learning/lines.ts';
import { statusRoute } from './status-route.ts';
import { createPriors } from './nuclio/priors.ts';
import { createReferenceAttributes } from './nuclio/reference-attributes.ts';
import { createStartedJobs } from './nuclio/started-jobs.ts';
import { createTrackMemory, type TrackMemoryOptions } from './nuclio/track-memory.ts';
import type { CvatApi, FrameIndex, UploadLog } from './types.ts';
import { webhookRoute } from './jobs/webhook-route.ts';

/** A port that belongs to one function, as CVAT calls them directly. */
export interface DirectListener {
  name: string;
  port: number;
  routes: readonly Route[];
}

export interface CvatOptions {
  service: Pick<Service, 'predictions' | 'annotations' | 'projects'>;
  images: ImageSources;
  /** Calls on the CVAT server; without it nothing is prefetched or learned. */
  api?: CvatApi;
  /** Keeps jobs that are to be read back; without one they are lost when the process ends. */
  queue?: Queue;
  /** Uploaded shapes, to tell predictions that were kept from those that were edited or deleted. */
  uploads?: UploadLog;
  /** Shapes seen in jobs before people finished them. @default forgotten when the process ends: then machine-made shapes wait longer */
  reviews?: ReviewLog;
  /** Record of what detectors answer, so that it can be taken back. @default none */
  answers?: Pick<AnswerLog, 'add'> & Partial<Omit<AnswerLog, 'add'>>;
  /** Reasons why jobs teach nothing. @default forgotten when the process ends */
  notes?: ReviewNotes;
  frames?: FrameIndex;
  /** Name of the CVAT installation: prefix of its project names here, and source of its annotations. @default 'cvat' */
  name?: string;
  /** Project whose references help clicks in unknown frames. @default the only project with references */
  project?: string;
  /** Secrets of CVAT's webhooks, at least 8 characters each. @default none, so no webhook is accepted */
  webhookSecrets?: readonly string[];
  /** Between two looks at CVAT's jobs; 0 = none. @default 0 */
  pollMs?: number;
  /** Fetch the frames of a job once somebody begins to work on it. @default true */
  prefetchStarted?: boolean;
  /** Date of the newest job seen before. @default forgotten when the process ends: then the first poll goes back one day */
  cursor?: PollCursor;
  /** Time span of the first poll. @default one day, and everything where a cursor has no date yet */
  lookBackMs?: number;
  /** One shape for each separate object of a mask. @default false */
  instances?: boolean;
  /** Gives the shapes that detectors answer the attribute values of the references that people drew in CVAT; needs `api`. @default false */
  attributes?: boolean;
  /** Smallest part of a mask that detectors answer as a shape of its own, as a share of the largest, 0 to 1. @default 0.05 */
  leastPart?: number;
  /** Pixels an outline may deviate, 0 to 100; less where a region would change too much. @default 1 */
  tolerance?: number;
  /** Specks and holes of masks that detectors answer. @default {}, as the engine has it */
  cleaning?: CleanOptions;
  /** Least probability of a concept for a detector to answer its mask where CVAT names none, 0 to 1. @default 0.4 with `small`, 0 with other models */
  threshold?: number;
  /** Ports of functions that are called directly. @default none are opened, and CVAT calls through the dashboard's address */
  ports?: PortRegistry;
  /** Opens the ports of these functions; those open already stay as they are. */
  open?: (listeners: readonly DirectListener[]) => Promise<void>;
  /** Activity of the learner, or what it waits for, for the answer to /status. visible: whether a project may be seen. @default nothing is said */
  learning?: (visible?: (project: string) => boolean) => Promise<readonly LearningLine[]>;
  tracks?: TrackMemoryOptions;
  limits?: ImageLimits;
  /** @default silent */
  log?: Log;
  /** Milliseconds since 1970. @default Date.now */
  nowMs?: () => number;
}

export interface Cvat {
  /** For any path; also for '/' of a port of its own, which then stands for Nuclio's dashboard. */
  routes: readonly Route[];
  /** One for each function that exists now and has a port. */
  listeners(): Promise<DirectListener[]>;
  /** Opens ports, reads jobs back and looks for them; resolves to what stops that. */
  work(): Promise<() => Promise<void>>;
  /** @throws CONFIG_INVALID without `api`; CVAT_*, IMAGE_* */
  prefetch(request: PrefetchRequest): Promise<Prefetched>;
  /** Reasons why jobs teach nothing, one readable sentence each. */
  problems: () => string[];
  readonly frames: FrameIndex;
  close(): Promise<void>;
}

/** Shortest secret of a webhook; CVAT takes up to 64 characters. */
const MIN_SECRET = 8;
/** Read by CVAT and never used where functions are called through the dashboard. */
const NO_PORT = 1;

/** @throws CONFIG_INVALID for secrets that are too short, and for learning without `api` */
export function cvat(options: CvatOptions): Cvat {
  const { service, images, api, log = silentLog, name = 'cvat', ports, open, webhookSecrets: secrets = [], limits = {} } = options;
  const { instances = false, tolerance = DEFAULT_TOLERANCE, cleaning, threshold, frames = createFrameIndex(), pollMs = 0 } = options;
  const { reviews = createReviewLog(), notes = createReviewNotes() } = options;
  if (secrets.some((secret) => secret.length < MIN_SECRET))
    throw new ProsamError(
      'CONFIG_INVALID',
      `The secret of CVAT's webhooks: expected at least ${MIN_SECRET} characters, got fewer. Make a longer one, at random.`,
    );
  if (api === undefined && (secrets.length > 0 || pollMs > 0))
    throw new ProsamError('CONFIG_INVALID', 'Learning from CVAT needs its address and a token, to read jobs back. Set both.');
  if (api === undefined && options.attributes === true)
    throw new ProsamError('CONFIG_INVALID', 'Attributes of references are read in CVAT, which needs its address and a token. Set both.');
  const attributesOf = api && options.attributes === true ? createReferenceAttributes({ api, service, name, log }) : undefined;
  const functions = createFunctions({ service, log, attributesOf, ...(api && { factsOf: createProjectFacts({ api, name, log }) }) });
  const shared = { service, tolerance, log };
  let opened = '';
  const facade: FacadeParts = {
    ...{ functions, images, frames, own: { project: options.project ?? name, prefix: `${name}/` } },
    detector: { ...shared, instances, leastPart: options.leastPart ?? DEFAULT_LEAST_PART, threshold, cleaning, answers: options.answers },
    interactor: { ...shared, priors: createPriors(service, functions, options.project) },
    tracker: { ...shared, memory: createTrackMemory(options.tracks), limits },
    portOf: (one) => ports?.portOf(one) ?? NO_PORT,
    listed: ensureOpen,
  };
  const listenersFor = (list: readonly CvatFunction[]): DirectListener[] =>
    // Those that always exist come first, so that they get the first ports.
    [INTERACTOR, TRACKER, ...list.map((one) => one.name)]
      .filter((one, i, all) => all.indexOf(one) === i)
      .flatMap((one) => {
        const port = ports?.portOf(one);
        return port === undefined ? [] : [{ name: one, port, routes: directRoutes(facade, one) }];
      });

  async function ensureOpen(list: readonly CvatFunction[]): Promise<void> {
    if (open === undefined || ports === undefined) return;
    const wanted = list.map((one) => one.name).join(' ');
    if (wanted === opened) return;
    await open(listenersFor(list)).then(
      () => (opened = wanted),
      (error: unknown) => log.error({}, `cvat: the port of a function cannot be opened: ${messageOf(error)}`),
    );
  }

  const prefetch: Cvat['prefetch'] = (request) => {
    if (api) return prefetchFrames({ api, service, frames, name, answers: options.answers }, request);
    throw new ProsamError('CONFIG_INVALID', 'Fetching frames from CVAT needs its address and a token. Set both.');
  };
  const closing = new AbortController();
  const started = options.prefetchStarted === false ? () => undefined : createStartedJobs({ prefetch, log, closing: closing.signal });
  const intake = api && createIntake({ ...options, api, frames, name, log, pollMs, started, reviews, notes });
  const routes = [...facadeRoutes(facade)];
  if (api && intake)
    routes.push(
      webhookRoute({ ...intake, secrets, started }),
      prefetchRoute({ prefetch, api, name, log, closing: closing.signal }),
      importRoute({ api, take: intake.take, name }),
      statusRoute(notes, options.learning),
    );

  return {
    routes,
    frames,
    prefetch,
    problems: notes.sentences,
    listeners: async () => listenersFor(await functions.list()),
    async work() {
      await ensureOpen(await functions.list());
      const stop = await intake?.work();
      return async () => stop?.();
    },
    async close() {
      closing.abort();
      await intake?.close();
    },
  };
}
