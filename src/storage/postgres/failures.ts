/** Trouble with Postgres, told as ours; and whether a connection is of any use after it. */
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import { storageFailed, storageTimeout } from '../map-errors.ts';

const DATABASE = 'the Postgres database';

/** By SQLSTATE: what was expected, why it did not come, and what to do. */
const TIMEOUTS: Readonly<Record<string, readonly [expected: string, why: string, advice: string]>> = {
  '55P03': [
    `a lock of ${DATABASE} within storageTimeouts.lockMs`,
    'somebody else holds it',
    'Try again; if it stays so, pg_stat_activity shows who holds it.',
  ],
  '57014': [
    `the answer to a statement of ${DATABASE} within storageTimeouts.statementMs`,
    'Postgres cancelled it',
    'Try again; if it stays so, see what keeps the database busy, or raise storageTimeouts.statementMs.',
  ],
  '25P03': [
    `the next statement of a transaction within storageTimeouts.idleTransactionMs`,
    'Postgres ended the transaction and undid it',
    'Try again; this process was stopped or held up.',
  ],
  '25P04': [`the end of a transaction in time`, 'Postgres ended it and undid it', 'Try again; see what keeps the database busy.'],
};

/** By what the driver says. */
const DRIVER_TIMEOUTS: readonly [pattern: RegExp, expected: string, why: string][] = [
  [/^Query read timeout/, `an answer of ${DATABASE}`, 'the connection is silent'],
  [
    /^timeout exceeded when trying to connect/,
    `one of this process's connections to ${DATABASE} within storageTimeouts.connectMs`,
    'all are in use',
  ],
  [/timeout expired|due to connection timeout/, `a connection to ${DATABASE} within storageTimeouts.connectMs`, 'it does not answer'],
];
const DRIVER_ADVICE = 'Try again; if it stays so, check that the database runs and the network between.';

/** Text that no later try makes storable. */
const UNSTORABLE: ReadonlySet<string> = new Set(['22021', '22P05']);

export function postgresFailed(error: unknown): ProsamError {
  if (UNSTORABLE.has(stateOf(error) ?? ''))
    return new ProsamError(
      'REQUEST_INVALID',
      `expected text that ${DATABASE} can hold, got NUL or half of a surrogate pair (${messageOf(error)}). Send it without.`,
      { cause: error },
    );
  const known = TIMEOUTS[stateOf(error) ?? ''];
  if (known) return storageTimeout(...known, error);
  const silence = DRIVER_TIMEOUTS.find(([pattern]) => pattern.test(messageOf(error)));
  if (silence) return storageTimeout(silence[1], silence[2], DRIVER_ADVICE, error);
  return storageFailed(DATABASE, error);
}

/** Whether the connection it happened on is gone, or still waits for an answer that may never come. */
export function isConnectionLost(error: unknown): boolean {
  const state = stateOf(error);
  // An error without a state is none of Postgres's own. 08: the connection; 57P: the server goes; 25P03, 25P04: the session was ended.
  return state === undefined || /^(08...|57P..|25P0[34])$/.test(state);
}

/** SQLSTATE of an error the server sent; network errors have codes as well, but no severity. */
function stateOf(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && severity !== undefined ? code : undefined;
}
