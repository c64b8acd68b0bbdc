/** One question, asked the three ways people ask: in a program, on the command line, over HTTP. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createEngine,
  isProsamError,
  maskFromCocoRle,
  maskFromAnnotation,
  polygonsFromMask,
  type BinaryMask,
  type CocoRle,
  type Engine,
  type PredictOptions,
  type Reference,
} from 'prosam';
import type { PolygonWithHoles } from '../../../src/core/mask/polygon-groups.ts';
import { createServer, type ProsamServer } from 'prosam/server';
import { segment } from '../../../src/cli/segment/segment.ts';
import { messageOf } from '../../../src/core/common/errors.ts';
import { silentLog } from '../../../src/service/ports/log.ts';

/** A file as somebody has it. */
export interface File {
  /** Its ending counts on the command line alone. */
  name: string;
  bytes: Uint8Array;
}

export interface Question {
  target: File;
  reference: File;
  /** What is marked in the reference: a file with a mask, or an annotation in numbers. */
  mark: { mask: File } | { box: number[] } | { points: number[][] } | { polygon: number[][] } | { rle: { size: number[]; counts: string } };
  /** Options of `predict`, the same in a program and over HTTP. */
  options?: PredictOptions & Record<string, unknown>;
  /** Fields beside the mark, the same in a program and over HTTP (such as which value of a mask counts). */
  fields?: Record<string, unknown>;
  /** Polygons are asked for instead of run lengths, and filled. */
  polygons?: { tolerance?: number; holes?: 'rings' | 'slits' };
  /** Both on the command line. */
  flags?: readonly string[];
}

/** A mask or an error, and everything said beside it. */
export interface Answer {
  mask?: BinaryMask;
  error?: { code: string; message: string };
  said: string;
}

export interface Ways {
  SDK: (question: Question) => Promise<Answer>;
  CLI: (question: Question) => Promise<Answer>;
  HTTP: (question: Question) => Promise<Answer>;
  close: () => Promise<void>;
}

export const WAYS = ['SDK', 'CLI', 'HTTP'] as const;

/** The method is `nearest`, as it needs no SAM; the model is `tiny`. */
const COMMON = { method: 'nearest', threshold: 0 } as const;

export async function openWays(): Promise<Ways> {
  const folder = mkdtempSync(join(tmpdir(), 'prosam-cases-'));
  const engine = await createEngine({ model: 'tiny' });
  const server = await createServer({
    ...{ port: 0, model: 'tiny', database: join(folder, 'prosam.db'), objects: join(folder, 'blobs'), cache: '' },
    ...{ learner: { run: 'off' }, logger: silentLog, environment: {}, engine },
  });
  const url = await server.listen();
  let asked = 0;
  return {
    SDK: (question) => inProgram(engine, question),
    CLI: (question) => onCommandLine(join(folder, String(asked++)), question),
    HTTP: (question) => overHttp(url, question),
    async close() {
      await closeAll(server, engine);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function closeAll(server: ProsamServer, engine: Engine): Promise<void> {
  await server.close();
  await engine.close();
}

async function inProgram(engine: Engine, { target, reference, mark, options, fields, polygons }: Question): Promise<Answer> {
  const annotation = 'mask' in mark ? { mask: mark.mask.bytes } : mark;
  try {
    const example = { image: reference.bytes, ...annotation, ...fields } as Reference;
    const { masks, ...rest } = await engine.predict(target.bytes, [example], { ...COMMON, ...options });
    const mask = binary(masks[0]?.mask as BinaryMask);
    return { mask: polygons ? filled(await polygonsFromMask(mask, polygons), mask) : mask, said: JSON.stringify(rest) };
  } catch (error) {
    return { error: failure(error), said: '' };
  }
}

async function onCommandLine(folder: string, { target, reference, mark, polygons, flags = [] }: Question): Promise<Answer> {
  const place = (file: File, what: string): string => {
    const path = `${folder}-${what}-${file.name}`;
    writeFileSync(path, file.bytes);
    return path;
  };
  const out = `${folder}-out`;
  const printed: string[] = [];
  const warned: string[] = [];
  const marked = 'mask' in mark ? ['--mask', place(mark.mask, 'mask')] : markArgs(mark, folder);
  const args = [
    ...['--reference', place(reference, 'reference'), ...marked, '--target', place(target, 'target')],
    ...['--out', out, '--format', polygons ? 'polygon' : 'rle', '--json', '--model', 'tiny', '--method', COMMON.method, '--threshold', '0'],
    ...Object.entries(polygons ?? {}).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...flags,
  ];
  try {
    await segment(args, { print: (line) => printed.push(line), warn: (line) => warned.push(line) });
  } catch (error) {
    return { error: failure(error), said: warned.join('\n') };
  }
  const said = [...printed, ...warned].join('\n');
  const line = printed
    .map((text) => JSON.parse(text) as { error?: Answer['error']; outputs?: string[] })
    .find((one) => one.outputs ?? one.error);
  if (line?.error) return { error: line.error, said };
  const written = JSON.parse(readFileSync((line as { outputs: string[] }).outputs[0] as string, 'utf8')) as {
    width: number;
    height: number;
    masks: [{ segmentation: CocoRle | PolygonWithHoles[] }];
  };
  const { segmentation } = written.masks[0];
  return { mask: Array.isArray(segmentation) ? filled(segmentation, written) : decoded(segmentation), said };
}

/** Coordinates as they are typed. */
function markArgs(mark: Exclude<Question['mark'], { mask: File }>, folder: string): string[] {
  if ('box' in mark) return ['--box', mark.box.join(',')];
  if ('rle' in mark) {
    writeFileSync(`${folder}-rle.json`, JSON.stringify(mark.rle));
    return ['--rle', `${folder}-rle.json`];
  }
  const [name, points] = 'points' in mark ? (['--points', mark.points] as const) : (['--polygon', mark.polygon] as const);
  return [name, points.map((point) => point.join(',')).join(';')];
}

async function overHttp(url: string, { target, reference, mark, options, fields, polygons }: Question): Promise<Answer> {
  const annotation = 'mask' in mark ? { mask: { base64: base64(mark.mask) } } : mark;
  const response = await fetch(`${url}/v1/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ project: 'cases', image: { base64: base64(target) }, remember: false },
      references: [{ image: { base64: base64(reference) }, ...annotation, ...fields }],
      options: { ...COMMON, ...options },
      ...(polygons && { format: 'polygon', ...polygons }),
    }),
  });
  const said = await response.text();
  const answer = JSON.parse(said) as {
    image: { width: number; height: number };
    masks?: { rle: CocoRle; polygons?: PolygonWithHoles[] }[];
    error?: Answer['error'];
  };
  const [first] = answer.masks ?? [];
  if (first?.polygons) return { mask: filled(first.polygons, answer.image), said };
  return first ? { mask: decoded(first.rle), said } : { error: answer.error as { code: string; message: string }, said };
}

/** Pixels whose centers lie in one of the polygons and in none of its holes. */
function filled(polygons: readonly PolygonWithHoles[], { width, height }: { width: number; height: number }): BinaryMask {
  const data = new Uint8Array(width * height);
  for (const { exterior, holes } of polygons)
    maskFromAnnotation({ polygon: [exterior, ...holes] }, width, height).data.forEach((value, at) => {
      if (value !== 0) data[at] = 1;
    });
  return { data, width, height };
}

const base64 = ({ bytes }: File): string => Buffer.from(bytes).toString('base64');
const decoded = (rle: CocoRle): BinaryMask => binary(maskFromCocoRle(rle));
const binary = ({ data, width, height }: BinaryMask): BinaryMask => ({ data: data.map((value) => (value === 0 ? 0 : 1)), width, height });

function failure(error: unknown): { code: string; message: string } {
  return { code: isProsamError(error) ? error.code : 'USAGE', message: messageOf(error) };
}
