/** The console: a page that shows the state of the service. It changes things through /v1, as every client does. */
import { z } from 'zod';
import { ERROR_HINTS } from '../../core/common/error-hints.ts';
import { LIMITS } from '../../core/common/limits.ts';
import { ERROR_STATUS, type ErrorCode } from '../../core/common/errors.ts';
import { thumbnail } from '../../core/image/node/thumbnail.ts';
import { createAdmission } from '../../service/admission.ts';
import type { Service } from '../../service/types.ts';
import type { PredictionRecord } from '../../service/ports/storage.ts';
import type { RunRecord, VersionRecord } from '../../service/ports/versions.ts';
import { allows, visibleTo } from '../http/guard.ts';
import { plainText } from '../http/plain-text.ts';
import { route, type Route } from '../http/route.ts';
import type { OverviewResponse, PredictionsResponse, ProjectResponse, RunView, VersionView } from './responses.ts';
import { metricsOf, progressOf } from './version-metrics.ts';
import { PAGE_FILES, pageFile } from './page-files.ts';

const project = plainText(LIMITS.project);
const projectParams = z.object({ project });

/** Messages of failures may name files and addresses. */
const HIDDEN = { message: 'Something failed inside the service. Its log and people with admin access know more.' };

/** Decoding and files share the few threads of the process: people who look at pictures leave the others to those who send work. */
const PICTURES_AT_ONCE = 1;
const PICTURES_WAITING = 200;

/** Entries of each list on the page. */
const SHOWN = 12;
const SHOWN_VERSIONS = 30;

/**
 * Nothing runs but the page's own script, nothing is fetched from elsewhere, and the script cannot turn text into markup:
 * labels and names of projects come from strangers.
 */
const PAGE_POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"],
].join('; ');

/** For the path /. titleOf: title of a project in the tool it comes from. */
export function consoleRoutes(service: Service, titleOf: TitleOf = () => undefined): Route[] {
  return [...fileRoutes(), ...dataRoutes(service, titleOf)];
}

/** The page itself holds no data, so that it can ask for a token. */
function fileRoutes(): Route[] {
  return PAGE_FILES.map(({ path, name, type }) =>
    route({
      method: 'get',
      path,
      summary: path === '/' ? 'The console, for people' : 'A part of the console',
      access: 'open',
      responseTypes: [type.split(';', 1)[0] as string],
      async handle() {
        return { bytes: await pageFile(name), type, headers: { 'content-security-policy': PAGE_POLICY, 'cache-control': 'no-cache' } };
      },
    }),
  );
}

type TitleOf = (project: string) => string | undefined;

function dataRoutes(service: Service, titleOf: TitleOf): Route[] {
  const pictures = createAdmission({ concurrency: PICTURES_AT_ONCE, waiting: PICTURES_WAITING, clientShare: 1 });
  return [
    route({
      method: 'get',
      path: '/console/overview',
      summary: 'The caller and the state of the service',
      access: 'read',
      async handle({ caller }) {
        const visible = visibleTo(caller);
        const [status, projects] = await Promise.all([service.status(visible), service.projects.list()]);
        const shown = projects.filter((name) => visible?.(name) ?? true);
        // Messages of errors may name anybody's project.
        const errors = caller.projects ? [] : service.errors().slice(0, SHOWN);
        const json: OverviewResponse = {
          // People without a name only look, even where every program of this machine may do everything.
          caller: { name: caller.name, access: caller.anonymous ? 'read' : caller.access },
          status,
          projects: shown,
          titles: Object.fromEntries(
            shown.flatMap((name) => {
              const title = titleOf(name);
              return title === undefined ? [] : [[name, title]];
            }),
          ),
          errors: errors.map((error) => ({ ...error, ...(allows(caller.access, 'admin') ? {} : HIDDEN), hint: hintOf(error.code) })),
        };
        return { json };
      },
    }),
    route({
      method: 'get',
      path: '/console/projects/:project',
      summary: 'State of a project: versions, runs, images to label next, newest annotations',
      access: 'read',
      params: projectParams,
      async handle({ params }) {
        const name = params.project;
        const [info, versions, history, runs, unlabelled, annotations] = await Promise.all([
          service.projects.get(name),
          service.versions.list({ project: name, limit: SHOWN_VERSIONS }),
          service.projects.history(name, { limit: SHOWN }),
          service.projects.runs(name, { limit: SHOWN }),
          service.projects.nextImages(name, { limit: SHOWN }),
          service.annotations.list(name, { limit: SHOWN }),
        ]);
        const { run, ...rest } = info;
        const json: ProjectResponse = {
          ...{ info: { ...rest, ...(run && { run: runOf(run) }) }, versions: versions.map(versionOf), history },
          ...{ runs: runs.map(runOf), unlabelled, annotations },
        };
        return { json };
      },
    }),
    route({
      method: 'get',
      path: '/console/projects/:project/predictions',
      summary: 'Newest predictions with their masks',
      access: 'read',
      params: projectParams,
      query: z.strictObject({ known: z.literal('').or(plainText(100)).exactOptional().describe('"newest" of the answer before') }),
      async handle({ params, query }) {
        const predictions = await service.predictions.list({ project: params.project, limit: SHOWN });
        const newest = listName(predictions);
        const json: PredictionsResponse = newest === query.known ? { newest } : { newest, predictions };
        return { json };
      },
    }),
    route({
      method: 'get',
      path: '/console/images/:sha256',
      summary: 'A thumbnail of an image',
      access: 'read',
      params: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      query: z.strictObject({ project }),
      responseTypes: ['image/webp'],
      async handle({ params, query, caller, signal }) {
        const made = async () => thumbnail(await service.projects.imageBytes(query.project, params.sha256), 640);
        const bytes = await pictures.run({ client: caller.name, priority: 'interactive', signal }, made);
        return { bytes, type: 'image/webp', headers: { 'cache-control': 'private, max-age=86400' } };
      },
    }),
  ];
}

/** Differs once one came or went: both ends and their number. */
function listName(predictions: readonly PredictionRecord[]): string {
  const ends = [predictions[0], predictions.at(-1)].map((one) => (one ? `${one.createdMs}-${one.sha256.slice(0, 12)}` : 'none'));
  return [...ends, predictions.length].join('-');
}

function versionOf({ metrics, ...version }: VersionRecord): VersionView {
  return { ...version, metrics: metricsOf(metrics) };
}

function runOf({ progress, ...run }: RunRecord): RunView {
  const parsed = progressOf(progress);
  return { ...run, ...(parsed && { progress: parsed }) };
}

function hintOf(code: string): string | undefined {
  return Object.hasOwn(ERROR_STATUS, code) ? ERROR_HINTS[code as ErrorCode] : undefined;
}
