/** Bytes of bodies in memory at the same time, of all requests or responses together. What does not fit is told to come back later. */
import { ProsamError } from '../../../core/common/errors.ts';

export interface BodyBudget {
  /** Bytes it may hold. */
  readonly limit: number;
  /** Bytes it holds now. */
  held(): number;
  /** Opens an account for one body, with nothing in it yet. */
  open(): HeldBytes;
  /** A budget of its own, a share (0..1) of this one, whose bytes count here as well. */
  part(share: number): BodyBudget;
}

/** Share of a budget held by one body. */
export interface HeldBytes {
  /** Holds so many more. @throws SERVICE_BUSY where they do not fit; what was held before stays held */
  add(bytes: number): void;
  /** Counts no longer in the part it was opened in, only in what that is a part of. */
  leavePart(): void;
  /** Gives everything back, once. */
  release(): void;
}

/** Two of the largest bodies any route takes. */
const DEFAULT_BODY_BUDGET_BYTES = 512 * 2 ** 20;

/** Share for senders whose credentials can only be checked after their body arrived: enough for honest ones, too little to block others. */
export const UNPROVED_SHARE = 0.25;

/** Budgets a body counts in: the part it was opened in comes first, the whole last. */
type Chain = readonly { readonly limit: number; held: number }[];

/** limit: bytes, at least 1. */
export function createBodyBudget(limit: number = DEFAULT_BODY_BUDGET_BYTES): BodyBudget {
  return budgetOf([{ limit, held: 0 }]);
}

function budgetOf(chain: Chain): BodyBudget {
  const [own = { limit: 0, held: 0 }] = chain;
  return {
    limit: own.limit,
    held: () => own.held,
    open: () => openAccount(chain),
    part: (share) => budgetOf([{ limit: Math.max(1, Math.floor(share * own.limit)), held: 0 }, ...chain]),
  };
}

function openAccount(opened: Chain): HeldBytes {
  let chain = opened;
  let mine = 0;
  let released = false;
  return {
    add(bytes) {
      if (released) return;
      const full = chain.find(({ held, limit }) => held + bytes > limit);
      if (full !== undefined) {
        throw new ProsamError(
          'SERVICE_BUSY',
          `expected room for ${bytes} more bytes of bodies, got ${full.limit - full.held} of ${full.limit}. Try again in a moment, or send less at a time.`,
        );
      }
      for (const one of chain) one.held += bytes;
      mine += bytes;
    },
    leavePart() {
      const [part, ...whole] = chain;
      if (part === undefined || whole.length === 0) return;
      if (!released) part.held -= mine;
      chain = whole;
    },
    release() {
      if (released) return;
      released = true;
      for (const one of chain) one.held -= mine;
    },
  };
}
