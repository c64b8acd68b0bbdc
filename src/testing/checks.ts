/** Assertions of the suites: they throw the AssertionError of node:assert, which every test runner shows. */
import { AssertionError } from 'node:assert';
import { inspect } from 'node:util';
import { isProsamError, type ErrorCode } from '../core/common/errors.ts';

/** Deep equality. A key that is undefined counts as absent; a function in `expected` is asked whether it takes the value. */
export function equal(actual: unknown, expected: unknown): void {
  check(actual, expected, false);
}

/** The same, but objects may have further keys. */
export function alike(actual: unknown, expected: unknown): void {
  check(actual, expected, true);
}

export function ok(condition: boolean, message = 'expected a condition to hold, got false'): asserts condition {
  if (!condition) throw new AssertionError({ message, actual: condition, expected: true, operator: 'ok' });
}

/** The promise must be rejected with a ProsamError of this code whose message holds every part. */
export async function rejects(code: ErrorCode, promise: Promise<unknown>, ...inMessage: string[]): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown ?? 'nothing',
  );
  if (!isProsamError(error)) {
    const got = error === undefined ? 'a result' : inspect(error);
    throw new AssertionError({ message: `expected an error with code ${code}, got ${got}`, actual: error, expected: code });
  }
  equal(error.code, code);
  for (const part of inMessage) ok(error.message.includes(part), `expected a message with ${inspect(part)}, got ${inspect(error.message)}`);
}

function check(actual: unknown, expected: unknown, partial: boolean): void {
  const found = difference(actual, expected, partial, 'the value');
  if (found !== undefined) throw new AssertionError({ message: found, actual, expected, operator: partial ? 'alike' : 'equal' });
}

function difference(actual: unknown, expected: unknown, partial: boolean, path: string): string | undefined {
  if (Object.is(actual, expected) || actual === expected) return undefined;
  if (typeof expected === 'function') {
    const takes = expected as (value: unknown) => boolean;
    return takes(actual) ? undefined : `${path}: expected one that ${expected.toString()} takes, got ${inspect(actual)}`;
  }
  const differs = `${path}: expected ${inspect(expected)}, got ${inspect(actual)}`;
  if (!isObject(actual) || !isObject(expected)) return differs;
  if (isList(actual) !== isList(expected)) return differs;
  if (isList(actual) && actual.length !== expected.length) {
    return `${path}: expected ${String(expected.length)} items, got ${String(actual.length)}: ${inspect(actual)}`;
  }
  const keys = new Set(Object.keys(expected));
  if (!partial) for (const key of Object.keys(actual)) keys.add(key);
  for (const key of keys) {
    const found = difference(actual[key], expected[key], partial, `${path}, ${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isList(value: object): boolean {
  return Array.isArray(value) || ArrayBuffer.isView(value);
}
