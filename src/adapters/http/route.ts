/** One route, described once: its request is parsed, and it is documented and measured, from this description. */
import type { ZodType } from 'zod';
import type { Log } from '../../service/ports/log.ts';

/** Access levels of a caller; each includes those before it. 'open' asks for no credentials at all. */
export const ACCESS = ['open', 'read', 'write', 'admin'] as const;
export type Access = (typeof ACCESS)[number];

/** Authenticated caller. */
export interface Caller {
  /** For logs and fair shares; never a secret. */
  name: string;
  access: Access;
  /** Let in without credentials. */
  anonymous?: true;
  /** Only these projects. @default all */
  projects?: readonly string[];
}

export interface RouteContext<P, Q, B> {
  params: P;
  query: Q;
  body: B;
  /** Parts of a multipart body that carry files, by field name. */
  files: ReadonlyMap<string, readonly Uint8Array[]>;
  /** The body as it came, for signatures over its bytes; only where the route asks for it. */
  rawBody?: Uint8Array;
  headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  caller: Caller;
  requestId: string;
  /** Path of the service in the address its proxy was asked for, such as '/tools/prosam'; '' for none. */
  prefix: string;
  /** Aborts at the deadline and when the client goes away. */
  signal: AbortSignal;
  log: Log;
}

export interface ServerEvent {
  event: string;
  /** Plain JSON. */
  data: unknown;
  id?: string;
}

export type RouteResponse =
  | { status?: number; headers?: Record<string, string>; json: unknown }
  | { status?: number; headers?: Record<string, string>; bytes: Uint8Array; type: string }
  /** Server-sent events until the iterable ends or the client goes away. */
  | { events: AsyncIterable<ServerEvent> };

export interface Route<P = unknown, Q = unknown, B = unknown> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** Below the mount, Express 5 style: '/projects/:project/next-images'. */
  path: string;
  /** One line for the description of the interface. */
  summary: string;
  access: Access;
  params?: ZodType<P>;
  query?: ZodType<Q>;
  /** JSON; also the field "request" of a multipart body where `multipart` is set. */
  body?: ZodType<B>;
  /** Takes multipart/form-data with files too. @default false */
  multipart?: boolean;
  /** Largest body. @default the shell's */
  maxBodyBytes?: number;
  /** Refuses by the head alone, before anything of the body is read: for routes that ask for proofs of their own. */
  checkHead?(headers: RouteContext<P, Q, B>['headers']): void;
  /** @default the shell's; 0 = none (event streams) */
  deadlineMs?: number;
  /** Hands out the body's bytes too. @default false */
  rawBody?: boolean;
  /** Errors tell their message in the status line as well, for callers who show nothing else of a response. @default false */
  errorsInStatusLine?: boolean;
  /** Schema of a JSON response, for the description; responses are not parsed. */
  response?: ZodType;
  /** Other content types of its responses. */
  responseTypes?: readonly string[];
  handle(context: RouteContext<P, Q, B>): Promise<RouteResponse>;
}

/** Lets the types of parameters, query and body follow from the schemas. */
export function route<P = unknown, Q = unknown, B = unknown>(described: Route<P, Q, B>): Route {
  return described;
}
