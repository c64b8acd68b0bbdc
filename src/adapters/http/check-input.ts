/** Input against its schema; what does not fit is listed field by field: where, what was wanted, what came. */
import type { ZodType } from 'zod';
import { ProsamError } from '../../core/common/errors.ts';

/** Problems named in one message. */
const MAX_LISTED = 10;
/** Characters of a value shown. */
const MAX_SHOWN = 40;

interface Issue {
  code?: string;
  path: readonly PropertyKey[];
  message: string;
  keys?: readonly string[];
  errors?: readonly (readonly Issue[])[];
}

/** @throws REQUEST_INVALID */
export function checkInput<T>(schema: ZodType<T>, input: unknown, where: 'body' | 'query' | 'path'): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems: string[] = [];
  const issues = result.error.issues as readonly Issue[];
  for (const issue of issues.slice(0, MAX_LISTED)) problems.push(...describe(issue, input, []));
  const shown = problems.slice(0, MAX_LISTED);
  const more = issues.length > MAX_LISTED ? `; and ${issues.length - MAX_LISTED} more` : '';
  throw new ProsamError('REQUEST_INVALID', `The ${where} of the request is not as described: ${shown.join('; ')}${more}.`);
}

function describe(issue: Issue, input: unknown, above: readonly PropertyKey[]): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors !== undefined && issue.errors.length > 0) {
    // Of several forms the one that fits best says what is missing.
    const closest = [...issue.errors].sort((one, other) => distance(one) - distance(other))[0] ?? [];
    return closest.slice(0, MAX_LISTED).flatMap((inner) => describe(inner, input, path));
  }
  if (issue.code === 'unrecognized_keys') {
    const keys = (issue.keys ?? []).slice(0, 5).map((key) => cut(key));
    return [`${name(path)}: unknown ${keys.length === 1 ? 'field' : 'fields'} ${keys.join(', ')}`];
  }
  return [
    `${name(path)}: ${issue.message.replace(/^Invalid input: /, '').replace(/, received .*$/, '')}, got ${show(valueAt(input, path))}`,
  ];
}

/** Fields of the wrong form weigh more than wrong values in the right one. */
function distance(issues: readonly Issue[]): number {
  return issues.reduce(
    (sum, issue) => sum + (issue.code === 'unrecognized_keys' ? 3 * (issue.keys?.length ?? 1) : issue.path.length > 1 ? 1 : 2),
    0,
  );
}

function name(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the whole';
  return cut(path.map((part, at) => (typeof part === 'number' ? `[${part}]` : `${at === 0 ? '' : '.'}${String(part)}`)).join(''), 200);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return value.length > MAX_SHOWN ? `a text of ${value.length} characters` : JSON.stringify(value);
  return cut(typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value);
}

function cut(text: string, most = MAX_SHOWN): string {
  return text.length > most ? `${text.slice(0, most)}...` : text;
}
