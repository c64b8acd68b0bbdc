/** Mounted routes as an OpenAPI 3.1 document, made from the schemas they are checked with. */
import { z, type ZodType } from 'zod';
import type { Guard } from './guard.ts';
import { REQUEST_FIELD } from './body/parse-body.ts';
import type { Route } from './route.ts';
import { SIGNATURE_HEADER } from './signature.ts';

export interface MountedRoute {
  route: Route;
  /** Full, Express style. */
  path: string;
}

export interface About {
  title: string;
  version: string;
  description?: string;
}

export type JsonSchema = Record<string, unknown>;

const SECURITY_SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer' },
  basic: { type: 'http', scheme: 'basic' },
  signature: {
    type: 'apiKey',
    in: 'header',
    name: SIGNATURE_HEADER,
    description:
      't=<milliseconds since 1970>,v2=<hex HMAC-SHA256 of "<t>\\n<METHOD>\\n<path and query>\\n<body>">; each signature is good once. ' +
      'v1 (of "<t>.<body>") only reads, unless the secret is set to bodyOnly',
  },
};

const ERROR: JsonSchema = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'hint', 'requestId'],
      properties: {
        code: { type: 'string', description: 'Never changes its meaning' },
        message: { type: 'string', description: 'What was expected, what came, what to do' },
        hint: { type: 'string', description: 'What to do about errors of this code' },
        requestId: { type: 'string', description: 'Also in the X-Request-Id header and in the log' },
      },
    },
  },
};

/** prefix: path of the service in its proxy's address. */
export function describeRoutes(
  mounted: readonly MountedRoute[],
  guard: Pick<Guard, 'kinds' | 'anonymous'>,
  about: About,
  prefix = '',
): JsonSchema {
  const shared: Record<string, JsonSchema> = { Error: ERROR };
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { route, path } of mounted) {
    const written = path.replace(/:(\w+)/g, '{$1}');
    const entry = (paths[written] ??= {});
    // Asked in this order, so the first of two is the one that answers.
    entry[route.method] ??= describeOne(route, path, guard, shared);
  }
  const kinds = new Set<string>(guard.kinds);
  return {
    openapi: '3.1.0',
    info: about,
    servers: [{ url: prefix === '' ? '/' : prefix }],
    paths,
    components: {
      schemas: shared,
      responses: {
        Error: { description: 'Refused or failed', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
      },
      securitySchemes: Object.fromEntries(Object.entries(SECURITY_SCHEMES).filter(([kind]) => kinds.has(kind))),
    },
  };
}

function describeOne(
  route: Route,
  path: string,
  guard: Pick<Guard, 'kinds' | 'anonymous'>,
  shared: Record<string, JsonSchema>,
): JsonSchema {
  const id = operationId(route.method, path);
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name as string);
  const params = route.params ? schemaOf(route.params, 'input', `${id}Path`, shared) : {};
  const query = route.query ? schemaOf(route.query, 'input', `${id}Query`, shared) : {};
  const ofPath = fields(params);
  const security = guard.kinds.map((kind) => ({ [kind]: [] }));
  const free = guard.anonymous !== undefined;
  return {
    operationId: id,
    summary: route.summary,
    description: route.access === 'open' ? 'Open to all.' : `Needs ${route.access} access.`,
    parameters: [
      ...inPath.map((name) => ({ name, in: 'path', required: true, schema: ofPath.properties[name] ?? { type: 'string' } })),
      ...Object.entries(fields(query).properties).map(([name, schema]) => ({
        name,
        in: 'query',
        required: fields(query).required.includes(name),
        schema,
      })),
    ],
    ...(route.body ? { requestBody: requestBody(route, route.body, id, shared) } : {}),
    responses: { 200: success(route, id, shared), default: { $ref: '#/components/responses/Error' } },
    security: route.access === 'open' ? [] : [...security, ...(free ? [{}] : [])],
  };
}

function requestBody(route: Route, body: ZodType, id: string, shared: Record<string, JsonSchema>): JsonSchema {
  const schema = schemaOf(body, 'input', `${id}Request`, shared);
  const form = {
    type: 'object',
    properties: { [REQUEST_FIELD]: schema },
    additionalProperties: { type: 'string', contentMediaType: 'application/octet-stream' },
  };
  const content = { 'application/json': { schema }, ...(route.multipart === true ? { 'multipart/form-data': { schema: form } } : {}) };
  return { required: !body.safeParse(undefined).success, content };
}

function success(route: Route, id: string, shared: Record<string, JsonSchema>): JsonSchema {
  const content: Record<string, JsonSchema> = {};
  if (route.response) content['application/json'] = { schema: schemaOf(route.response, 'output', `${id}Response`, shared) };
  else if (!route.responseTypes) content['application/json'] = {};
  for (const type of route.responseTypes ?? []) content[type] = {};
  return { description: route.summary, content };
}

/** Definitions a schema brings along move to where all share them. */
function schemaOf(schema: ZodType, io: 'input' | 'output', name: string, shared: Record<string, JsonSchema>): JsonSchema {
  const { $defs, ...made } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  delete made.$schema;
  const definitions = ($defs ?? {}) as Record<string, JsonSchema>;
  // Names zod made up are only unique within one schema.
  const renamed = (key: string): string => (key.startsWith('__') ? `${name}${key.replace(/\W|_/g, '')}` : key);
  const moved = (ref: string): string => {
    if (ref === '#') return `#/components/schemas/${name}`;
    return ref.startsWith('#/$defs/') ? `#/components/schemas/${renamed(ref.slice('#/$defs/'.length))}` : ref;
  };
  const rewritten = rewriteRefs(made, moved) as JsonSchema;
  for (const [key, definition] of Object.entries(definitions)) shared[renamed(key)] ??= rewriteRefs(definition, moved) as JsonSchema;
  const text = JSON.stringify([made, definitions]);
  if (!text.includes('"$ref":"#"')) return rewritten;
  shared[name] = rewritten;
  return { $ref: moved('#') };
}

function rewriteRefs(value: unknown, moved: (ref: string) => string): unknown {
  if (Array.isArray(value)) return value.map((one) => rewriteRefs(one, moved));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, key === '$ref' && typeof one === 'string' ? moved(one) : rewriteRefs(one, moved)]),
  );
}

function fields(schema: JsonSchema): { properties: Record<string, JsonSchema>; required: readonly string[] } {
  return {
    properties: (schema.properties ?? {}) as Record<string, JsonSchema>,
    required: (schema.required ?? []) as readonly string[],
  };
}

/** get /v1/projects/:project/runs -> getV1ProjectsByProjectRuns */
function operationId(method: string, path: string): string {
  const words = path.replace(/:/g, 'by-').split(/[^A-Za-z0-9]+/);
  return `${method}${words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join('')}`;
}
