/** Telling questions from changes. */

/** Whether a statement outside of transactions only reads: those that begin with anything else may change something. */
export function onlyReads(sql: string): boolean {
  return /^\s*select\b/i.test(sql);
}
