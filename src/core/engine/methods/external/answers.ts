/** Answers of a system outside, checked: nothing of them is believed. */
import { messageOf, ProsamError } from '../../../common/errors.ts';
import { maskFromCocoRle, type CocoRle } from '../../../mask/rle.ts';
import { EXTERNAL_PROTOCOL } from './messages.ts';
import type { ExternalDescription, ExternalMask } from './port.ts';

/** Targets in one message at most, whatever the system says. */
const MAX_BATCH = 32;
const MAX_NAME = 200;
/** Most of the system's own words in a message. */
const MAX_WORDS = 400;

type Fields = Readonly<Record<string, unknown>>;

/** @throws EXTERNAL_FAILED for everything that is no answer to this message, and with the words of one that is an error */
export function answerOf(bytes: Uint8Array, id: string): Fields {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw failed('expected JSON, got something else. Check that the address or command is the one of a system that speaks the protocol');
  }
  if (!isFields(json)) throw failed(`expected a JSON object, got ${shown(json)}`);
  if (json.protocol !== EXTERNAL_PROTOCOL)
    throw failed(`expected protocol ${EXTERNAL_PROTOCOL}, got ${shown(json.protocol)}. Update the system, or this library`);
  if (typeof json.error === 'string') throw failed(`the system refused: ${json.error.slice(0, MAX_WORDS).replace(/[.\s]+$/, '')}`);
  if (json.id !== id) throw failed(`expected the answer to message ${shown(id)}, got one to ${shown(json.id)}. Send back the id`);
  return json;
}

/** @throws EXTERNAL_FAILED */
export function descriptionOf({ name, version, maxBatch }: Fields): ExternalDescription {
  const text = (what: string, value: unknown): string => {
    if (typeof value === 'string' && value.length >= 1 && value.length <= MAX_NAME) return value;
    throw failed(`${what}: expected a text of 1 to ${MAX_NAME} characters, got ${shown(value)}`);
  };
  if (!(Number.isInteger(maxBatch) && (maxBatch as number) >= 1))
    throw failed(`maxBatch: expected a whole number of at least 1, got ${shown(maxBatch)}`);
  return { name: text('name', name), version: text('version', version), maxBatch: Math.min(MAX_BATCH, maxBatch as number) };
}

/** One for each target: its mask, or the error of this target. @throws EXTERNAL_FAILED where they are not as many */
export function masksOf({ results }: Fields, targets: readonly { width: number; height: number }[]): (ExternalMask | ProsamError)[] {
  if (!Array.isArray(results) || results.length !== targets.length)
    throw failed(
      `results: expected a list of ${targets.length}, one for each target, got ${Array.isArray(results) ? `${results.length}` : shown(results)}`,
    );
  return targets.map((target, i) => {
    try {
      return maskOf(results[i], target, `results.${i}`);
    } catch (error) {
      return error as ProsamError;
    }
  });
}

function maskOf(result: unknown, { width, height }: { width: number; height: number }, where: string): ExternalMask {
  if (!isFields(result) || !isFields(result.mask)) throw failed(`${where}: expected { mask, score }, got ${shown(result)}`);
  const { mask, score } = result;
  if (!(typeof score === 'number' && score >= 0 && score <= 1))
    throw failed(`${where}.score: expected a number from 0 to 1, got ${shown(score)}`);
  const { size } = mask;
  if (!Array.isArray(size) || size.length !== 2 || size[0] !== height || size[1] !== width)
    throw failed(
      `${where}.mask.size: expected the target's own size [height, width], [${height}, ${width}], got ${shown(size)}. Bring the mask back to it`,
    );
  try {
    return { mask: maskFromCocoRle(mask as unknown as CocoRle).data, score };
  } catch (error) {
    throw failed(`${where}.mask: ${messageOf(error).replace(/\.$/, '')}`);
  }
}

/** problem: without a full stop. */
function failed(problem: string): ProsamError {
  return new ProsamError('EXTERNAL_FAILED', `external: ${problem}.`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? 'nothing' : text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
