/** Validation of project names, labels and external ids. */
import { ProsamError } from '../core/common/errors.ts';

const PROJECT = /^[\p{L}\p{N}][\p{L}\p{N}._:@/-]{0,199}$/u;
// eslint-disable-next-line no-control-regex -- these are what is refused
const CONTROL = /[\u0000-\u001f\u007f]/;

/** @throws PROJECT_INVALID */
export function checkProject(project: string): void {
  if (PROJECT.test(project)) return;
  throw new ProsamError(
    'PROJECT_INVALID',
    `expected a project name of 1 to 200 letters, digits or any of . _ : @ / - that begins with a letter or digit, got ${shown(project)}. Use another name.`,
  );
}

/** Runs work of one project; rejects with PROJECT_INVALID where its name is none. */
export async function inProject<T>(project: string, work: () => Promise<T>): Promise<T> {
  checkProject(project);
  return work();
}

/** Checks a name. what: its name in the message, e.g. "label". @throws REQUEST_INVALID */
export function checkName(what: string, text: string, longest = 500): void {
  if (text.length >= 1 && text.length <= longest && !CONTROL.test(text)) return;
  throw new ProsamError(
    'REQUEST_INVALID',
    `${what}: expected 1 to ${longest} characters without control characters, got ${shown(text)}. Use another one.`,
  );
}

/** @throws REQUEST_INVALID */
export function checkSha256(sha256: string): void {
  if (/^[0-9a-f]{64}$/.test(sha256)) return;
  throw new ProsamError('REQUEST_INVALID', `sha256: expected 64 lowercase hexadecimal digits, got ${shown(sha256)}.`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
