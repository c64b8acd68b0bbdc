/** What every refusal must be: a ProsamError with a code, and a message that names what it is about. */
import { expect } from 'vitest';
import { isOwnError, type ErrorCode, type ProsamError } from '../../../src/core/common/errors.ts';

function check(error: unknown, code: ErrorCode, inMessage: readonly (string | RegExp)[]): ProsamError {
  if (!isOwnError(error)) throw new Error(`expected ${code}, but this was thrown`, { cause: error });
  expect(error.code, error.message).toBe(code);
  for (const part of inMessage) expect(error.message).toMatch(part);
  return error;
}

const NOTHING = Symbol('nothing');

/** run must throw a ProsamError of this code whose message holds every part. */
export function expectCode(code: ErrorCode, run: () => unknown, ...inMessage: (string | RegExp)[]): ProsamError {
  let thrown: unknown = NOTHING;
  try {
    run();
  } catch (error) {
    thrown = error;
  }
  if (thrown === NOTHING) throw new Error(`expected ${code}, but nothing was thrown`);
  return check(thrown, code, inMessage);
}

/** The same of a promise. */
export async function expectRejection(code: ErrorCode, promise: Promise<unknown>, ...inMessage: (string | RegExp)[]): Promise<ProsamError> {
  const thrown = await promise.then(
    () => NOTHING,
    (error: unknown) => error,
  );
  if (thrown === NOTHING) throw new Error(`expected ${code}, but the promise was fulfilled`);
  return check(thrown, code, inMessage);
}
