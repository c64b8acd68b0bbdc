/**
 * The one place where absence is believed: whether what another server no longer shows is gone there. A server that answers 404, or less
 * than it has, may be a proxy, another server at that address, or one that lets this token see a part.
 */

/** One look at a project, job or folder of another server, read to its end. */
export interface Look {
  /** The project itself answered, in this look and with these credentials, and is the one that is known. */
  confirmed: boolean;
  /** Different entries the list gave, and how many it should have; undefined where the server does not say. */
  listed: number;
  announced: number | undefined;
  /** Number of active records before the reconcile began. */
  known: number;
  /** Number of those neither listed nor found by their own id. */
  missing: number;
  /** Taken for gone in earlier looks of the last day and not seen again since: small steps add up. @default 0 */
  lately?: number;
  /** A person has said that as much is gone as is missing. @default false */
  accepted?: boolean;
}

/** Verdict. why: part of a sentence, for people. */
export type Belief = { gone: true } | { gone: false; why: string };

/** So few may always go: even in a project of two annotations both may be deleted. */
const FEW = 2;
/** Larger shares of what is known do not vanish at once without anybody saying so. */
const LARGEST_SHARE = 0.5;
/** Time for which an earlier reconcile counts as "lately", in milliseconds. */
export const LATELY_MS = 86_400_000;

/**
 * Believed where the project answers for itself, its list was read to its end, and no more than half of what is known (and more than two)
 * is missing, or a person accepts that. Whoever believes it withdraws what was known, in the revision that was known, so that what is
 * shown again counts again; a deletion for good is only ever what a person orders.
 */
export function believeAbsence({ confirmed, listed, announced, known, missing, lately = 0, accepted = false }: Look): Belief {
  if (!confirmed) return { gone: false, why: 'the project does not answer for itself' };
  if (announced !== undefined && listed < announced)
    return { gone: false, why: `only ${listed} of the ${announced} entries it should have can be seen with these credentials` };
  const [gone, all] = [missing + lately, known + lately];
  if (accepted || gone <= FEW || gone <= LARGEST_SHARE * all) return { gone: true };
  return { gone: false, why: `${gone} of ${all} that are known would vanish at once` };
}
