/** Bounds of names, lists and annotations, the same for TypeScript, HTTP, service and storage. Lengths are in UTF-16 units, as JavaScript and JSON Schema count. */
import { ProsamError } from './errors.ts';

export const LIMITS = {
  /** Name of a project. */
  project: 200,
  label: 200,
  /** Name of the tool or installation an annotation comes from. */
  source: 200,
  /** The tool's own name of an annotation: part of a database key. */
  annotationId: 500,
  /** The tool's own name of an image, often its address. */
  imageId: 2000,
  /** Names of people, clients and versions. */
  name: 500,
  /** Reason of a promotion or rollback. */
  reason: 1000,
  /** Masks of one annotation. */
  masks: 1000,
  /** Labels of one prediction. */
  labels: 100,
  /** References that come with one request. */
  references: 50,
  /** References of one call of the engine, of all labels together. */
  callReferences: 200,
  /** Entries of one page of a list. */
  page: 1000,
} as const;

/** Bounds of one annotation, before it is compared with its image. */
export const ANNOTATION_LIMITS = {
  /** Corners of a polygon, in all its rings. */
  corners: 100_000,
  /** Points of a scribble, in all its strokes: a wide brush takes a hundred times longer a point than an outline. */
  strokePoints: 10_000,
  /** Points on and beside the object: each is a token of SAM's decoder. */
  points: 1000,
  /** Brush width in pixels. */
  brush: 100_000,
  /** Numbers of a run-length encoding that is a list. */
  runs: 1_000_000,
  /** Characters of one that is text. */
  runText: 8 * 2 ** 20,
} as const;

/** Largest key of an annotation, in bytes of UTF-8: PostgreSQL's indexes hold rows of at most 2,704. */
export const MAX_KEY_BYTES = 2500;
const PROJECT = /^[\p{L}\p{N}][\p{L}\p{N}._:@/-]*$/u;
/** Well-formed Unicode (no half of a surrogate pair) without control characters: Postgres holds nothing else, and SQLite gives nothing else back. */
export const PLAIN_TEXT = /^[^\p{Cc}\p{Cs}]*$/u;

/** @throws PROJECT_INVALID */
export function checkProject(project: string): void {
  if (project.length <= LIMITS.project && PROJECT.test(project)) return;
  throw new ProsamError(
    'PROJECT_INVALID',
    `expected a project name of 1 to ${LIMITS.project} letters, digits or any of . _ : @ / - that begins with a letter or digit, got ${shown(project)}. Use another name.`,
  );
}

/** Checks a name. what: for the message, e.g. "label". @throws REQUEST_INVALID */
export function checkName(
  what: string,
  text: string,
  kind: 'label' | 'source' | 'annotationId' | 'imageId' | 'name' | 'reason' = 'name',
): void {
  const longest = LIMITS[kind];
  if (text.length >= 1 && text.length <= longest && PLAIN_TEXT.test(text)) return;
  throw new ProsamError(
    'REQUEST_INVALID',
    `${what}: expected 1 to ${longest} characters of well-formed text without control characters, got ${shown(text)}. Use another one.`,
  );
}

/** @throws PROJECT_INVALID, REQUEST_INVALID */
export function checkAnnotationKey({ project, source, externalId }: { project: string; source: string; externalId: string }): void {
  checkProject(project);
  checkName('source', source, 'source');
  checkName('externalId', externalId, 'annotationId');
  const bytes = new TextEncoder().encode(`${project}${source}${externalId}`).length;
  if (bytes > MAX_KEY_BYTES)
    throw new ProsamError(
      'REQUEST_INVALID',
      `expected project, source and externalId of at most ${MAX_KEY_BYTES} bytes together, got ${bytes}. Use a shorter externalId.`,
    );
}

/** @throws REQUEST_INVALID */
export function checkSha256(sha256: string): void {
  if (/^[0-9a-f]{64}$/.test(sha256)) return;
  throw new ProsamError('REQUEST_INVALID', `sha256: expected 64 lowercase hexadecimal digits, got ${shown(sha256)}.`);
}

/** Text of errors and the like, which nobody chose, as every store can hold it: what it cannot hold becomes U+FFFD. */
export function storableText(text: string): string {
  return text.replace(/[\p{Cs}\0]/gu, '\ufffd');
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
