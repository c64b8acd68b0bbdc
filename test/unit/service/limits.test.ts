/** HTTP and the service take and refuse the same: at each bound, one below it and one above. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LIMITS, MAX_KEY_BYTES } from '../../../src/core/common/limits.ts';
import { isProsamError } from '../../../src/core/common/errors.ts';
import { noMetrics } from '../../../src/service/ports/metrics.ts';
import type { AcceptRequest } from '../../../src/service/types.ts';
import { createAccept, type AcceptParts } from '../../../src/service/accept.ts';
import { createAdmission } from '../../../src/service/admission.ts';
import { pngOf, startServer, type TestServer } from '../adapters/webhook/webhook-server.ts';

let server: TestServer;
let png: Buffer;
beforeAll(async () => {
  server = await startServer({ working: false });
  png = await pngOf();
});
afterAll(() => server.close());

/** Ends where a request is found good and its image would be kept. */
const accept = createAccept({
  images: { keep: () => Promise.reject(new Error('good so far')) },
  ...{ admission: createAdmission(), drawing: createAdmission(), metrics: noMetrics, now: Date.now },
} as unknown as AcceptParts);

const box = { box: [1, 1, 9, 9] };
const usual = { project: 'cups', source: 'tool', externalId: '7', revision: 1, provenance: 'drawn' as const };

/** Change of a request, for both ends. */
type Change = Partial<Record<keyof AcceptRequest, unknown>> & { labels?: readonly string[] };

async function byService({ labels = ['cup'], ...change }: Change): Promise<string> {
  const masks = labels.map((label) => ({ label, ...box }));
  const request = { ...usual, image: new Uint8Array(png), masks, ...change } as AcceptRequest;
  const error: unknown = await accept(request).catch((thrown: unknown) => thrown);
  return isProsamError(error) ? error.code : 'good';
}

let revision = 0;
async function byHttp({ labels = ['cup'], ...change }: Change): Promise<string> {
  const masks = labels.map((label) => ({ label, ...box }));
  const body = { ...usual, image: { base64: png.toString('base64') }, masks, revision: ++revision, ...change };
  const { status, json } = await server.call('POST', '/v1/annotations', body);
  return status < 300 ? 'good' : (json as { error: { code: string } }).error.code;
}

const texts = (longest: number): string[] => [
  '',
  'a',
  'a'.repeat(longest),
  'a'.repeat(longest + 1),
  'a\nb',
  '\u007f',
  'ä',
  'a\u0000',
  'a\ud800',
  'a\u0085',
];

describe('an annotation', () => {
  it.each([
    ['source', LIMITS.source],
    ['externalId', LIMITS.annotationId],
    ['imageExternalId', LIMITS.imageId],
    ['annotator', LIMITS.name],
    ['predictionVersion', LIMITS.name],
  ])('has a %s of at most %i characters at both ends', async (field, longest) => {
    const responses = [];
    for (const text of texts(longest)) responses.push([await byHttp({ [field]: text }), await byService({ [field]: text })]);
    const wanted = [
      'REQUEST_INVALID',
      'good',
      'good',
      'REQUEST_INVALID',
      'REQUEST_INVALID',
      'REQUEST_INVALID',
      'good',
      ...Array<string>(3).fill('REQUEST_INVALID'),
    ];
    expect(responses).toEqual(wanted.map((one) => [one, one]));
  });

  it('has labels of the same length at both ends', async () => {
    for (const text of texts(LIMITS.label)) expect(await byHttp({ labels: [text] }), text).toBe(await byService({ labels: [text] }));
    expect(await byService({ labels: ['a'.repeat(LIMITS.label)] })).toBe('good');
    expect(await byService({ labels: ['a'.repeat(LIMITS.label + 1)] })).toBe('REQUEST_INVALID');
  });

  it('is of a project whose name is refused at both ends, if not with the same code', async () => {
    const names = [...texts(LIMITS.project), '../d', 'a b', '.a', '𝒜'.repeat(LIMITS.project / 2), '𝒜'.repeat(LIMITS.project / 2 + 1)];
    const responses = [];
    for (const project of names) responses.push([(await byHttp({ project })) === 'good', (await byService({ project })) === 'good']);
    const good = [false, true, true, false, false, false, true, false, false, false, false, false, false, true, false];
    expect(responses).toEqual(good.map((one) => [one, one]));
  });

  it('has masks unless it is a rejection, and not too many', async () => {
    const labels = (count: number): string[] => Array.from({ length: count }, () => 'cup');
    const cases: [Change, string][] = [
      [{ labels: labels(0) }, 'MASK_EMPTY'],
      [{ labels: labels(1) }, 'good'],
      [{ labels: labels(LIMITS.masks) }, 'good'],
      [{ labels: labels(LIMITS.masks + 1) }, 'REQUEST_INVALID'],
      [{ provenance: 'rejected', labels: labels(0) }, 'good'],
      [{ provenance: 'rejected', labels: labels(1) }, 'REQUEST_INVALID'],
    ];
    for (const [change, code] of cases) expect([await byHttp(change), await byService(change)]).toEqual([code, code]);
  });

  it('has a key that fits into the index of a database, in bytes', async () => {
    const key = { project: '界'.repeat(LIMITS.project), source: '界'.repeat(LIMITS.source) };
    const room = Math.floor(MAX_KEY_BYTES / 3) - LIMITS.project - LIMITS.source;
    for (const [length, code] of [
      [room, 'good'],
      [room + 1, 'REQUEST_INVALID'],
    ] as const) {
      const change = { ...key, externalId: '界'.repeat(length) };
      expect([await byHttp(change), await byService(change)]).toEqual([code, code]);
    }
  });
});
