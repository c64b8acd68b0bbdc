/** The few functions the suites need of a test runner: those of vitest and jest fit as they are. */

export interface TestRunner {
  describe: (name: string, define: () => void) => void;
  /** timeoutMs: the longest the test may take; runners without such a third argument ignore it. */
  it: (name: string, run: () => Promise<void> | void, timeoutMs?: number) => void;
  /** Run once before the tests of the `describe` around it; `before` of node:test. */
  beforeAll: (prepare: () => Promise<void> | void) => void;
  /** Run once after them, also where one failed; `after` of node:test. */
  afterAll: (cleanUp: () => Promise<void> | void) => void;
}
