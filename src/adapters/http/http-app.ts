/** The HTTP shell: everything every request goes through, whichever adapter answers it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Request, type Response } from 'express';
import { isProsamError, messageOf, ProsamError } from '../../core/common/errors.ts';
import { countOwn } from '../../service/ports/counted-errors.ts';
import { silentLog, type Log } from '../../service/ports/log.ts';
import { createBodyBudget, UNPROVED_SHARE, type BodyBudget } from './body/body-budget.ts';
import { checkHost, checkSameSite, LOOPBACK_HOSTS, setSafeHeaders } from './browser-safety.ts';
import { describeRoutes, type About, type MountedRoute } from './describe-routes.ts';
import { asProsamError, errorResponse, sendJson, statusLineText } from './error-response.ts';
import { boundEnding, loggedPath, withFields, type Exchange, requestIdOf } from './exchange.ts';
import type { Guard } from './guard.ts';
import { httpLimits, type HttpLimits } from './http-limits.ts';
import { belowBase, forwardedPrefix, parseBasePath } from './base-path.ts';
import { checkToken, letPageRead, parseOrigins } from './cross-origin.ts';
import type { JsonLimits } from './body/json-structure.ts';
import type { Metrics } from './metrics.ts';
import type { Access, Route } from './route.ts';
import { serveRoute, type RouteSurroundings } from './serve-route.ts';
import { standingRoutes, type AskReady } from './standing-routes.ts';

export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

export interface HttpAppOptions {
  guard: Guard;
  /** @default silent */
  log?: Log;
  metrics?: Metrics;
  /** Called with what no caller could help (status 500 and above), and what was asked for. @default not called */
  onFailure?: (error: unknown, asked: string) => void;
  limits?: Partial<Omit<HttpLimits, 'json'>> & { json?: Partial<JsonLimits> };
  /** Bytes of bodies in memory at the same time; one for all apps of a process. @default one of its own, 512 MiB */
  bodies?: BodyBudget;
  /** Names in the Host header, 'name' or 'name:port'. @default any, or those of this machine alone where anonymous callers are let in */
  allowedHosts?: readonly string[];
  /** Proxies whose X-Forwarded-* headers are believed: how many, or their addresses. @default none */
  trustProxy?: number | readonly string[];
  /** Path of this app in its proxy's address, such as '/tools/prosam'; the proxy may leave it or take it off. @default none */
  basePath?: string;
  /** Origins of pages that may call with a token, such as 'https://labels.internal'. @default none */
  allowOrigins?: readonly string[];
  /** Every error tells its message in the status line as well. @default only routes that say so */
  errorsInStatusLine?: boolean;
  /** Readiness of the service; /ready answers 503 where it is false or fails. @default true */
  ready?: AskReady;
  /** Access required for /metrics. @default 'read' */
  metricsAccess?: Access;
  /** For /openapi.json. */
  about?: About;
  /** Milliseconds that only go forward. @default performance.now */
  clockMs?: () => number;
}

export interface HttpApp {
  handler(request: IncomingMessage, response: ServerResponse): void;
  /** path: '/v1' or '/'. Routes mounted first are asked first. */
  mount(path: string, routes: readonly Route[]): void;
  /** A handler of Node's kind, with no guard in front of it. */
  use(path: string, handler: NodeHandler): void;
  routes(): readonly MountedRoute[];
  readonly limits: HttpLimits;
  readonly log: Log;
  /** From now on new requests are refused and event streams end; what is being answered goes on. */
  drain(): void;
  /** Refuses requests that are still being answered, too. */
  abort(): void;
}

/** Bytes of responses that clients have not taken, as a share of the bytes of bodies; apart from those, so that slow readers keep nothing out. */
const RESPONSE_SHARE = 0.5;

/** @throws CONFIG_INVALID for limits out of range, a base path or origins that are none */
export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { guard, log = silentLog, metrics, onFailure, trustProxy, clockMs = () => performance.now() } = options;
  const limits = httpLimits(options.limits ?? {});
  const basePath = parseBasePath(options.basePath ?? '');
  const origins = parseOrigins(options.allowOrigins ?? []);
  if (origins.size > 0 && !guard.kinds.includes('bearer')) {
    throw new ProsamError(
      'CONFIG_INVALID',
      'http.allowOrigins: expected tokens in auth.tokens, which pages elsewhere must send, got none.',
    );
  }
  const hosts = options.allowedHosts ?? (guard.anonymous === undefined ? undefined : LOOPBACK_HOSTS);
  const [streams, all] = [new AbortController(), new AbortController()];
  const whole = options.bodies ?? createBodyBudget();
  const bodies = { all: whole, unproved: whole.part(UNPROVED_SHARE) };
  metrics?.bodies(() => ({ held: whole.held(), unproved: bodies.unproved.held(), limit: whole.limit }));
  const responses = createBodyBudget(Math.max(1, Math.floor(whole.limit * RESPONSE_SHARE)));
  const around: RouteSurroundings = { guard, limits, bodies, responses, closing: { streams: streams.signal, all: all.signal } };
  const mounted: MountedRoute[] = [];
  const exchanges = new WeakMap<IncomingMessage, Exchange>();
  const exchangeOf = (request: IncomingMessage): Exchange => exchanges.get(request) as Exchange;

  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple').set('case sensitive routing', true);
  app.set('trust proxy', trustProxy ?? false);
  const trusts = app.get('trust proxy fn') as (address: string | undefined, hop: number) => boolean;
  const isTrusted = ({ socket }: IncomingMessage): boolean => trusts(socket.remoteAddress, 0);
  const router = express.Router({ caseSensitive: true });

  app.use((request, response, next) => {
    const requestId = requestIdOf(request.headers['x-request-id']);
    const exchange: Exchange = {
      requestId,
      startedMs: clockMs(),
      log: withFields(log, { requestId }),
      methods: new Set(),
      prefix: (isTrusted(request) ? forwardedPrefix(request.headers['x-forwarded-prefix']) : undefined) ?? basePath,
    };
    exchange.errorsInStatusLine = options.errorsInStatusLine === true;
    exchanges.set(request, exchange);
    response.setHeader('x-request-id', requestId);
    setSafeHeaders(response);
    boundEnding(request, response);
    response.once('close', () => report(request, response, exchange));
    if (streams.signal.aborted) {
      response.setHeader('connection', 'close');
      throw new ProsamError('SERVICE_CLOSING', 'The service is shutting down. Try again when it is back.');
    }
    if (hosts) checkHost(request, hosts);
    const below = belowBase(request.url, basePath);
    if ('redirect' in below) {
      response.redirect(308, below.redirect);
      return;
    }
    request.url = below.path;
    const page = letPageRead(request, response, origins);
    if (page === 'asked') {
      response.status(204).end();
      return;
    }
    if (page === 'allowed' && request.method !== 'GET' && request.method !== 'HEAD') checkToken(request);
    // Behind a trusted proxy this is what the proxy was asked for.
    if (page === 'none') checkSameSite(request, request.host);
    next();
  });
  app.use(router);
  app.use((request) => {
    const { methods } = exchangeOf(request);
    if (methods.size === 0) throw new ProsamError('ROUTE_NOT_FOUND', 'Nothing answers at this path. /openapi.json lists what there is.');
    throw new ProsamError('ROUTE_NOT_FOUND', `This path takes ${[...methods].join(', ')}, got ${request.method}. Use one of those.`);
  });
  // Four parameters tell the framework that this one takes errors.
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  app.use((thrown: unknown, request: Request, response: Response, _next: unknown) => {
    refuse(thrown, request, response);
  });

  function refuse(thrown: unknown, request: IncomingMessage, response: ServerResponse): void {
    const exchange = exchangeOf(request);
    const gone = !isProsamError(thrown) && response.destroyed;
    const error = asProsamError(thrown);
    exchange.errorCode = gone ? 'ABORTED' : error.code;
    if (!gone && error.status >= 500) {
      exchange.log.error({ code: error.code, error: error.cause ?? error, path: loggedPath(request.url) }, `failed: ${messageOf(thrown)}`);
    }
    if (!gone && metrics) countOwn(metrics, thrown, error.code);
    if (!gone && error.status >= 500) onFailure?.(thrown, `${request.method} ${loggedPath(request.url)}`);
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const { methods, requestId, caller } = exchange;
    const result = errorResponse(error, requestId, { challenge: guard.challenge, access: caller?.access });
    const wrongMethod = error.code === 'ROUTE_NOT_FOUND' && methods.size > 0;
    if (wrongMethod) result.headers.allow = [...methods].join(', ');
    if (exchange.errorsInStatusLine === true) response.statusMessage = statusLineText(result.body.error.message);
    sendJson(response, wrongMethod ? 405 : result.status, result.body, result.headers);
  }

  function report(request: IncomingMessage, response: ServerResponse, exchange: Exchange): void {
    const milliseconds = Math.round(10 * (clockMs() - exchange.startedMs)) / 10;
    // Nobody was there to take the answer.
    const status = response.writableFinished ? response.statusCode : 499;
    const { route = 'none', caller, errorCode } = exchange;
    metrics?.request(route, request.method ?? 'GET', status, milliseconds);
    const fields = { method: request.method, path: loggedPath((request as Request).originalUrl), route, status, milliseconds };
    exchange.log.info({ ...fields, ...(caller ? { caller: caller.name } : {}), ...(errorCode ? { code: errorCode } : {}) }, 'answered');
  }

  const mount: HttpApp['mount'] = (path, routes) => {
    for (const one of routes) {
      const full = `${path === '/' ? '' : path}${one.path}`;
      mounted.push({ route: one, path: full });
      router[one.method](full, async (request, response) => {
        const exchange = exchangeOf(request);
        exchange.route = full;
        exchange.errorsInStatusLine = options.errorsInStatusLine === true || one.errorsInStatusLine === true;
        await serveRoute(one, { request, response, exchange, params: request.params, query: request.query }, around);
      });
    }
    // Reached where none of them took the method.
    for (const one of routes) {
      router.all(`${path === '/' ? '' : path}${one.path}`, (request, _response, next) => {
        exchangeOf(request).methods.add(one.method.toUpperCase());
        next();
      });
    }
  };
  const { ready = () => true, metricsAccess = 'read' } = options;
  const about = options.about ?? { title: 'prosam', version: '1' };
  mount('/', standingRoutes({ ready, metrics, metricsAccess, describe: (prefix) => describeRoutes(mounted, guard, about, prefix) }));
  return {
    handler: (request, response) => void app(request as Request, response as Response),
    mount,
    use: (path, handler) => void router.use(path, (request, response, next) => handler(request, response, next)),
    routes: () => mounted,
    limits,
    log,
    drain: () => streams.abort(),
    abort: () => {
      streams.abort();
      all.abort();
    },
  };
}
