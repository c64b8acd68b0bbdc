/** One route at work: who asks, what they send, the deadline, and the answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProsamError } from '../../core/errors.ts';
import { checkInput } from './check-input.ts';
import { sendBytes, sendJson } from './error-answer.ts';
import { sendEvents } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import { allows, mayUse, type Guard } from './guard.ts';
import type { HttpLimits } from './http-limits.ts';
import { parseBody, receiveBody, type SentBody } from './parse-body.ts';
import type { Caller, Route, RouteAnswer, RouteContext } from './route.ts';

/** What a route needs from around it. */
export interface RouteSurroundings {
  guard: Guard;
  limits: HttpLimits;
  /** Aborts event streams when the service begins to close, and everything else when it may wait no longer. */
  closing: { streams: AbortSignal; all: AbortSignal };
}

export interface RoutedRequest {
  request: IncomingMessage;
  response: ServerResponse;
  exchange: Exchange;
  params: Readonly<Record<string, unknown>>;
  query: unknown;
}

const NOBODY: Caller = { name: 'anyone', access: 'open' };

/** Answers, or rejects with what to answer. */
export async function serveRoute(route: Route, asked: RoutedRequest, around: RouteSurroundings): Promise<void> {
  const { request, response, exchange } = asked;
  const { guard, limits, closing } = around;
  const maxBytes = route.maxBodyBytes ?? limits.maxBodyBytes;
  const body = once(() => receiveBody(request, route, { maxBytes, timeoutMs: limits.bodyTimeoutMs, json: limits.json }));
  const caller = route.access === 'open' ? NOBODY : await guard.identify(request.headers, async () => (await body()).raw);
  exchange.caller = caller;
  checkAccess(caller, route, guard);
  const params = route.params ? checkInput(route.params, { ...asked.params }, 'path') : asked.params;
  checkProject(caller, params);
  const query = route.query ? checkInput(route.query, { ...(asked.query as object) }, 'query') : {};
  checkProject(caller, query);
  const reads = route.body !== undefined || route.rawBody === true;
  const sent = reads ? await body() : undefined;
  const parsed = sent ? await parseBody(sent, request, limits.json) : undefined;
  const json = route.body ? checkInput(route.body, parsed?.json, 'body') : undefined;
  checkProject(caller, json);

  const stop = createStop(response, route.deadlineMs ?? limits.deadlineMs, closing.all);
  try {
    const context: RouteContext<unknown, unknown, unknown> = {
      params,
      query,
      body: json,
      files: parsed?.files ?? new Map<string, Uint8Array[]>(),
      ...(route.rawBody === true && sent ? { rawBody: sent.raw } : {}),
      headers: request.headers,
      caller,
      requestId: exchange.requestId,
      signal: stop.signal,
      log: exchange.log,
    };
    // A handler that does not watch its signal is not waited for.
    const answer = await Promise.race([route.handle(context), stop.reason]);
    await send(answer, request, response, AbortSignal.any([stop.signal, closing.streams]), limits);
    // Whoever makes the events may still wait for the next one.
    if ('events' in answer) stop.end();
  } catch (error) {
    // Whatever a handler makes of being stopped, the reason is why it was.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    stop.done();
  }
}

async function send(
  answer: RouteAnswer,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
  limits: HttpLimits,
): Promise<void> {
  if ('events' in answer) {
    if (request.method === 'HEAD') response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end();
    else await sendEvents(response, answer.events, { signal, heartbeatMs: limits.heartbeatMs });
  } else if ('bytes' in answer) sendBytes(response, answer.status ?? 200, answer.bytes, answer.type, answer.headers);
  else sendJson(response, answer.status ?? 200, answer.json, answer.headers);
}

function checkAccess(caller: Caller, route: Route, guard: Guard): void {
  if (allows(caller.access, route.access)) return;
  const wanted = `This needs ${route.access} access`;
  // Who has not said who they are may still do so.
  if (caller.name === 'anonymous' && guard.kinds.length > 0)
    throw new ProsamError('UNAUTHORIZED', `${wanted}. Send credentials that have it.`);
  throw new ProsamError('FORBIDDEN', `${wanted}, ${caller.name} has ${caller.access} access. Use other credentials.`);
}

/** Wherever a request names one project, callers held to others go no further. */
function checkProject(caller: Caller, input: unknown): void {
  if (typeof input !== 'object' || input === null || !('project' in input)) return;
  if (typeof input.project === 'string') mayUse(caller, input.project);
}

interface Stop {
  signal: AbortSignal;
  /** Only ever rejects. */
  reason: Promise<never>;
  done(): void;
  /** Tells the handler that nobody listens any more. */
  end(): void;
}

/** deadlineMs: 0 = none. */
function createStop(response: ServerResponse, deadlineMs: number, closing: AbortSignal): Stop {
  const control = new AbortController();
  const gone = (): void => {
    if (!response.writableFinished) control.abort(new DOMException('The client went away.', 'AbortError'));
  };
  const late = (): void => {
    control.abort(
      new ProsamError('DEADLINE_EXCEEDED', `The request took longer than ${deadlineMs / 1000} s. Try again later, or send less at a time.`),
    );
  };
  const closed = (): void => control.abort(new ProsamError('SERVICE_CLOSING', 'The service is shutting down. Try again when it is back.'));
  const timer = deadlineMs > 0 ? setTimeout(late, deadlineMs) : undefined;
  response.once('close', gone);
  if (response.destroyed) gone();
  if (closing.aborted) closed();
  closing.addEventListener('abort', closed, { once: true });
  const reason = new Promise<never>((_, reject) => {
    const refuse = (): void => reject(control.signal.reason as Error);
    if (control.signal.aborted) refuse();
    control.signal.addEventListener('abort', refuse, { once: true });
  });
  reason.catch(() => undefined);
  return {
    signal: control.signal,
    reason,
    end: () => control.abort(new DOMException('The stream is over.', 'AbortError')),
    done: () => {
      clearTimeout(timer);
      response.off('close', gone);
      closing.removeEventListener('abort', closed);
    },
  };
}

function once(make: () => Promise<SentBody>): () => Promise<SentBody> {
  let made: Promise<SentBody> | undefined;
  return () => (made ??= make());
}
