/** The console: a page that shows how the service stands, and what people may change from there. */
import { z } from 'zod';
import { ERROR_HINTS } from '../../core/common/error-hints.ts';
import { ERROR_STATUS, ProsamError, type ErrorCode } from '../../core/common/errors.ts';
import { thumbnail } from '../../core/image/node/thumbnail.ts';
import type { Service } from '../../service/types.ts';
import type { RunRecord, VersionRecord } from '../../service/ports/versions.ts';
import { allows } from '../http/guard.ts';
import { route, type Caller, type Route } from '../http/route.ts';
import { figuresOf, progressOf } from './figures.ts';
import { pageFiles } from './page-files.ts';

const project = z.string().min(1).max(200);
const projectParams = z.object({ project });
const reason = z.string().min(1).max(1000);

/** Messages of failures may name files and addresses. */
const HIDDEN = { message: 'Something failed inside the service. Its log and people with admin access know more.' };

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

/** For the path /. */
export function consoleRoutes(service: Service): Route[] {
  return [...fileRoutes(), ...dataRoutes(service), ...actionRoutes(service)];
}

/** The page itself holds no data, so that it can ask for a token. */
function fileRoutes(): Route[] {
  return pageFiles().map(({ path, type, text }) =>
    route({
      method: 'get',
      path,
      summary: path === '/' ? 'The console, for people' : 'A part of the console',
      access: 'open',
      answers: [type.split(';', 1)[0] as string],
      handle: () =>
        Promise.resolve({ bytes: text, type, headers: { 'content-security-policy': PAGE_POLICY, 'cache-control': 'no-cache' } }),
    }),
  );
}

function dataRoutes(service: Service): Route[] {
  return [
    route({
      method: 'get',
      path: '/console/overview',
      summary: 'Who asks, and how the service stands',
      access: 'read',
      async handle({ caller }) {
        const [status, projects] = await Promise.all([service.status(), service.projects.list()]);
        const visible = (name: string): boolean => caller.projects?.includes(name) ?? true;
        // Messages of errors may name anybody's project.
        const errors = caller.projects ? [] : service.errors().slice(0, SHOWN);
        return {
          json: {
            // What is open to every program of this machine is still not open to every page in a browser.
            caller: { name: caller.name, access: caller.anonymous ? 'read' : caller.access },
            status: { ...status, serving: status.serving.filter((one) => visible(one.project)) },
            projects: projects.filter(visible),
            errors: errors.map((error) => ({ ...error, ...(allows(caller.access, 'admin') ? {} : HIDDEN), hint: hintOf(error.code) })),
          },
        };
      },
    }),
    route({
      method: 'get',
      path: '/console/projects/:project',
      summary: 'How a project stands: versions, runs, what to label next, newest annotations',
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
        return {
          json: {
            ...{ info: { ...rest, ...(run && { run: runOf(run) }) }, versions: versions.map(versionOf), history },
            ...{ runs: runs.map(runOf), unlabelled, annotations },
          },
        };
      },
    }),
    route({
      method: 'get',
      path: '/console/projects/:project/predictions',
      summary: 'Newest predictions with their masks',
      access: 'read',
      params: projectParams,
      query: z.strictObject({ known: z.string().max(100).exactOptional().describe('"newest" of the answer before') }),
      async handle({ params, query }) {
        const predictions = await service.predictions.list({ project: params.project, limit: SHOWN });
        const [first] = predictions;
        const newest = first ? `${first.createdMs}-${first.sha256}` : 'none';
        return { json: newest === query.known ? { newest } : { newest, predictions } };
      },
    }),
    route({
      method: 'get',
      path: '/console/images/:sha256',
      summary: 'A small picture of an image',
      access: 'read',
      params: z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
      query: z.strictObject({ project }),
      answers: ['image/webp'],
      async handle({ params, query }) {
        const bytes = await thumbnail(await service.projects.imageBytes(query.project, params.sha256), 640);
        return { bytes, type: 'image/webp', headers: { 'cache-control': 'private, max-age=86400' } };
      },
    }),
  ];
}

function actionRoutes(service: Service): Route[] {
  const done = { json: { done: true } };
  return [
    route({
      method: 'post',
      path: '/console/projects/:project/train',
      summary: 'Ask for a training run now',
      access: 'write',
      params: projectParams,
      async handle({ params, caller }) {
        refuseAnonymous(caller);
        await service.projects.train(params.project);
        return { status: 202, ...done };
      },
    }),
    route({
      method: 'post',
      path: '/console/projects/:project/promote',
      summary: 'Put a version into service',
      access: 'admin',
      params: projectParams,
      body: z.strictObject({ version: z.string().min(1).max(200), reason }),
      async handle({ params, body, caller }) {
        refuseAnonymous(caller);
        await service.versions.promote(params.project, body.version, body.reason);
        return done;
      },
    }),
    route({
      method: 'post',
      path: '/console/projects/:project/rollback',
      summary: 'Put the version before the current one back into service',
      access: 'admin',
      params: projectParams,
      body: z.strictObject({ reason }),
      async handle({ params, body, caller }) {
        refuseAnonymous(caller);
        await service.projects.rollback(params.project, body.reason);
        return done;
      },
    }),
    route({
      method: 'put',
      path: '/console/projects/:project/flag',
      summary: 'Use an annotation as a reference before all others, or no longer',
      access: 'write',
      params: projectParams,
      body: z.strictObject({ source: z.string().min(1).max(200), externalId: z.string().min(1).max(500), flagged: z.boolean() }),
      async handle({ params, body: { flagged, ...key }, caller }) {
        refuseAnonymous(caller);
        if (await service.annotations.flag({ project: params.project, ...key }, flagged)) return done;
        throw new ProsamError('ANNOTATION_NOT_FOUND', 'This annotation counts no longer; somebody removed it. Reload the page.');
      },
    }),
  ];
}

/** @throws FORBIDDEN */
function refuseAnonymous({ anonymous }: Caller): void {
  if (anonymous !== true) return;
  throw new ProsamError(
    'FORBIDDEN',
    'The console is read-only for people without a name. Configure a token (PROSAM_TOKEN) and enter it here.',
  );
}

function versionOf({ metrics, ...version }: VersionRecord) {
  return { ...version, figures: figuresOf(metrics) };
}

function runOf({ progress, ...run }: RunRecord) {
  const parsed = progressOf(progress);
  return { ...run, ...(parsed && { progress: parsed }) };
}

function hintOf(code: string): string | undefined {
  return Object.hasOwn(ERROR_STATUS, code) ? ERROR_HINTS[code as ErrorCode] : undefined;
}
