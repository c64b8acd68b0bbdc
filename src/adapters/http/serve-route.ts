/** One route at work: who asks, what they send, the deadline, and the answer. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ProsamError } from '../../core/common/errors.ts';
import type { BodyBudget, HeldBytes } from './body/body-budget.ts';
import { checkAccess, checkCandidates, checkProject } from './check-caller.ts';
import { checkInput } from './check-input.ts';
import { jsonBytes, sendBytes } from './error-response.ts';
import { sendEvents } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import type { Guard } from './guard.ts';
import type { HttpLimits } from './http-limits.ts';
import { parseBody, receiveBody } from './body/parse-body.ts';
import type { RequestLine } from './signature.ts';
import type { Caller, Route, RouteResponse, RouteContext } from './route.ts';

/** Dependencies of a route. */
export interface RouteSurroundings {
  guard: Guard;
  limits: HttpLimits;
  /** Bytes of bodies in memory: all, and the part of senders who have not proved who they are. */
  bodies: { all: BodyBudget; unproved: BodyBudget };
  /** Bytes of responses that nobody has taken yet. */
  responses: BodyBudget;
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
/** Bound of a signed body that the route itself does not read. */
const UNREAD_BODY_BYTES = 64 * 1024;
/** A handler that goes on although nobody waits for it any more keeps its body for so long. */
const AFTERWARDS_MS = 1000;

/** Answers, or rejects with what to answer. Whatever the head can tell is told before anything of the body is read. */
export async function serveRoute(route: Route, asked: RoutedRequest, around: RouteSurroundings): Promise<void> {
  const { request, response, exchange } = asked;
  const { guard, limits, closing, bodies, responses } = around;
  route.checkHead?.(request.headers);
  const asks = route.access === 'open' ? NOBODY : guard.identify(request.headers, lineOf(request));
  const claim = 'prove' in asks ? asks : undefined;
  let caller = 'prove' in asks ? NOBODY : (exchange.caller = asks);
  if (!claim) checkAccess(caller, route, guard);
  const params = route.params ? checkInput(route.params, { ...asked.params }, 'path') : asked.params;
  const query = route.query ? checkInput(route.query, { ...(asked.query as object) }, 'query') : {};
  if (claim) checkCandidates(claim.candidates, route, params, query);
  else checkProject(caller, params, query);

  const reads = route.body !== undefined || route.rawBody === true;
  const budget = claim !== undefined || caller === NOBODY ? bodies.unproved : bodies.all;
  const held = budget.open();
  let stop: Stop | undefined;
  let handling = false;
  const done = (): void => {
    handling = false;
    held.release();
  };
  try {
    const maxBytes = Math.min(budget.limit, reads ? (route.maxBodyBytes ?? limits.maxBodyBytes) : UNREAD_BODY_BYTES);
    const receive = () => receiveBody(request, route, { ...bodyLimits(limits, maxBytes), admit: admission(request, response, held) });
    const sent = reads || claim ? await receive() : undefined;
    if (claim && sent) {
      caller = await claim.prove(sent.raw);
      exchange.caller = caller;
      held.leavePart();
      checkAccess(caller, route, guard);
      checkProject(caller, params, query);
    }
    const parsed = reads && sent ? await parseBody(sent, request, limits.json) : undefined;
    const json = route.body ? checkInput(route.body, parsed?.json, 'body') : undefined;
    checkProject(caller, json);

    stop = createStop(response, route.deadlineMs ?? limits.deadlineMs, closing.all);
    const context: RouteContext<unknown, unknown, unknown> = {
      params,
      query,
      body: json,
      files: parsed?.files ?? new Map<string, Uint8Array[]>(),
      ...(route.rawBody === true && sent ? { rawBody: sent.raw } : {}),
      headers: request.headers,
      caller,
      requestId: exchange.requestId,
      prefix: exchange.prefix,
      signal: stop.signal,
      log: exchange.log,
    };
    const handled = route.handle(context);
    handling = true;
    handled.then(done, done);
    // A handler that does not watch its signal is not waited for.
    const result = await Promise.race([handled, stop.reason]);
    await send(result, { request, response }, { signal: AbortSignal.any([stop.signal, closing.streams]), limits, responses });
    // Whoever makes the events may still wait for the next one.
    if ('events' in result) stop.end();
  } catch (error) {
    // Whatever a handler makes of being stopped, the reason is why it was.
    throw stop?.signal.aborted === true ? stop.signal.reason : error;
  } finally {
    stop?.done();
    if (handling) setTimeout(done, AFTERWARDS_MS).unref();
    else held.release();
  }
}

/** The request line below the service's address, whatever base path a proxy left in it. */
function lineOf({ method = '', url = '' }: IncomingMessage): RequestLine {
  return { method, path: url };
}

function bodyLimits({ bodyTimeoutMs, bodyIdleMs, json }: HttpLimits, maxBytes: number) {
  return { maxBytes, timeoutMs: bodyTimeoutMs, idleMs: bodyIdleMs, json };
}

/** Makes room for bytes, and then tells a client that waits for a word before it sends them. */
function admission(request: IncomingMessage, response: ServerResponse, held: HeldBytes): (bytes: number) => void {
  let waits = request.headers.expect?.toLowerCase() === '100-continue';
  return (bytes) => {
    held.add(bytes);
    if (waits) response.writeContinue();
    waits = false;
  };
}

/** Smaller responses are bounded by the number of connections. */
const COUNTED_FROM_BYTES = 64 * 1024;

/** Counts a large response until its client has taken it, or has gone. @throws SERVICE_BUSY where too many are not taken */
function hold(responses: BodyBudget, bytes: number, response: ServerResponse): void {
  if (bytes < COUNTED_FROM_BYTES || response.closed) return;
  const held = responses.open();
  held.add(bytes);
  response.once('close', () => held.release());
}

async function send(
  result: RouteResponse,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  { signal, limits, responses }: { signal: AbortSignal; limits: HttpLimits; responses: BodyBudget },
): Promise<void> {
  if ('events' in result) {
    if (request.method === 'HEAD') response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).end();
    else await sendEvents(response, result.events, { signal, heartbeatMs: limits.heartbeatMs });
    return;
  }
  const { bytes, type } = 'bytes' in result ? result : jsonBytes(result.json);
  hold(responses, bytes.byteLength, response);
  sendBytes(response, result.status ?? 200, bytes, type, result.headers);
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
