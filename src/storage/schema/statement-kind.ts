/** Telling questions from changes. */

/** Of statements outside of transactions: those that begin with anything else may change something. */
export function onlyReads(sql: string): boolean {
  return /^\s*select\b/i.test(sql);
}
