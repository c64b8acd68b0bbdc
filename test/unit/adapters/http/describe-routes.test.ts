/** The description of the interface: a valid document, made of the very schemas requests are checked with. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeRoutes } from '../../../../src/adapters/http/describe-routes.ts';
import { createGuard } from '../../../../src/adapters/http/guard.ts';
import { route } from '../../../../src/adapters/http/route.ts';
import { startApp, TOKEN } from './running-app.ts';

type Json = Record<string, unknown>;

const mark = z.strictObject({ x: z.number(), y: z.number().default(0) }).meta({ id: 'Mark' });
interface Tree {
  children: Tree[];
}
const tree: z.ZodType<Tree> = z.strictObject({ children: z.array(z.lazy(() => tree)) });

const ROUTES = [
  route({
    method: 'post',
    path: '/projects/:project/marks',
    summary: 'Adds marks',
    access: 'write',
    params: z.strictObject({ project: z.string().max(20) }),
    query: z.strictObject({ limit: z.coerce.number().int().default(5), label: z.string() }),
    body: z.strictObject({ marks: z.array(mark) }),
    multipart: true,
    response: z.object({ first: mark, at: z.date() }),
    handle: () => Promise.resolve({ json: {} }),
  }),
  route({
    method: 'get',
    path: '/projects/:project/marks',
    summary: 'Lists them',
    access: 'read',
    responseTypes: ['image/png'],
    handle: () => Promise.resolve({ json: {} }),
  }),
  route({
    method: 'put',
    path: '/trees',
    summary: 'Grows',
    access: 'admin',
    body: tree.optional(),
    response: tree,
    handle: () => Promise.resolve({ json: {} }),
  }),
];

/** Every reference leads somewhere; every schema is one; parameters fit their path; no two operations share a name. */
function checkDocument(document: Json): void {
  expect(document.openapi).toMatch(/^3\.1\.\d+$/);
  expect(document.info).toMatchObject({ title: expect.any(String) as string, version: expect.any(String) as string });
  const ids = new Set<string>();
  for (const [path, item] of Object.entries(document.paths as Record<string, Json>)) {
    expect(path).toMatch(/^\/[^:]*$/);
    for (const [method, found] of Object.entries(item)) {
      expect(['get', 'put', 'post', 'delete', 'patch']).toContain(method);
      const operation = found as {
        operationId: string;
        parameters: { name: string; in: string; required: boolean; schema: Json }[];
        responses: Record<string, Json>;
        requestBody?: { content: Record<string, { schema: Json }> };
      };
      expect(ids.has(operation.operationId)).toBe(false);
      ids.add(operation.operationId);
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name)).toEqual(inPath);
      for (const one of operation.parameters) {
        if (one.in === 'path') expect(one.required).toBe(true);
        checkSchema(one.schema);
      }
      expect(Object.keys(operation.responses).every((status) => /^(default|[1-5]\d\d)$/.test(status))).toBe(true);
      expect(Object.keys(operation.responses).length).toBeGreaterThan(1);
      for (const { schema } of Object.values(operation.requestBody?.content ?? {})) checkSchema(schema);
    }
  }
  const components = document.components as { schemas: Record<string, Json>; securitySchemes: Record<string, Json> };
  for (const [name, schema] of Object.entries(components.schemas)) {
    expect(name).toMatch(/^[\w.-]+$/);
    checkSchema(schema);
  }
  const text = JSON.stringify(document);
  for (const [, ref] of text.matchAll(/"\$ref":"([^"]+)"/g)) {
    expect(ref).toMatch(/^#\/components\//);
    const target = (ref as string)
      .slice(2)
      .split('/')
      .reduce<unknown>((at, key) => (at as Json | undefined)?.[key], document);
    expect([ref, typeof target]).toEqual([ref, 'object']);
  }
  for (const [, names] of text.matchAll(/"security":\[([^\]]*(?:\[\][^\]]*)*)\]/g)) {
    for (const [, name] of (names as string).matchAll(/"(\w+)":/g)) expect(Object.keys(components.securitySchemes)).toContain(name);
  }
}

function checkSchema(schema: unknown): void {
  expect(typeof schema).toBe('object');
  const { $defs, $schema, type, properties, items, anyOf, required } = schema as Json;
  expect([$defs, $schema]).toEqual([undefined, undefined]);
  if (type !== undefined)
    expect(
      [type].flat().every((one) => ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'].includes(one as string)),
    ).toBe(true);
  Object.values((properties ?? {}) as Json).forEach(checkSchema);
  if (typeof items === 'object') checkSchema(items);
  ((anyOf ?? []) as unknown[]).forEach(checkSchema);
  for (const name of (required ?? []) as string[]) expect(Object.keys(properties as Json)).toContain(name);
}

describe('/openapi.json', () => {
  const mounted = ROUTES.map((one) => ({ route: one, path: `/v1${one.path}` }));
  const guard = createGuard({ tokens: [{ name: 'a', token: TOKEN }], hmac: [{ name: 'b', secret: TOKEN }], anonymous: 'read' });

  it('is a valid document of what is mounted', async () => {
    const app = await startApp(ROUTES, { guard: { tokens: [{ name: 'a', token: TOKEN }] }, about: { title: 'masks', version: '9.9' } });
    const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as Json;
    await app.close({ deadlineMs: 100 });
    checkDocument(document);
    expect(Object.keys(document.paths as Json).sort()).toEqual([
      '/health',
      '/openapi.json',
      '/ready',
      '/v1/projects/{project}/marks',
      '/v1/trees',
    ]);
    expect(document.info).toEqual({ title: 'masks', version: '9.9' });
  });

  it('describes input as it is sent and answers as they come', () => {
    const document = describeRoutes(mounted, guard, { title: 'x', version: '1' });
    checkDocument(document);
    const paths = document.paths as Record<string, Record<string, Json>>;
    const post = paths['/v1/projects/{project}/marks']?.post as Json;
    expect(post.parameters).toEqual([
      { name: 'project', in: 'path', required: true, schema: { type: 'string', maxLength: 20 } },
      expect.objectContaining({ name: 'limit', in: 'query', required: false }),
      { name: 'label', in: 'query', required: true, schema: { type: 'string' } },
    ]);
    expect(post.security).toEqual([{ bearer: [] }, { signature: [] }, {}]);
    expect(post.requestBody).toMatchObject({
      required: true,
      content: {
        'application/json': {
          schema: { additionalProperties: false, properties: { marks: { items: { $ref: '#/components/schemas/Mark' } } } },
        },
        'multipart/form-data': { schema: { properties: { request: { type: 'object' } } } },
      },
    });
    const { schemas, securitySchemes } = document.components as Record<string, Record<string, Json>>;
    expect(schemas?.Mark).toMatchObject({ type: 'object', required: ['x'] });
    expect(Object.keys(securitySchemes ?? {})).toEqual(['bearer', 'signature']);
    const get = paths['/v1/projects/{project}/marks']?.get as { responses: Record<string, Json> };
    expect(get.responses['200']).toMatchObject({ content: { 'image/png': {} } });
    expect(get.responses.default).toEqual({ $ref: '#/components/responses/Error' });
    expect((paths['/v1/trees']?.put as Json).requestBody).toMatchObject({ required: false });
  });

  it('marks what is open to all', async () => {
    const app = await startApp([]);
    const document = (await (await fetch(`${app.url}/openapi.json`)).json()) as { paths: Record<string, { get: Json }> };
    await app.close({ deadlineMs: 100 });
    expect(document.paths['/health']?.get.security).toEqual([]);
  });
});
