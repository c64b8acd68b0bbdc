/** Tests of a system outside, for the method 'external'. */
import type { ExternalSystem, ExternalTransport } from '../core/engine/methods/external/port.ts';
import { EXTERNAL_CHECKS } from '../external/conformance.ts';
import { ok } from './checks.ts';
import type { TestRunner } from './test-runner.ts';

export interface ExternalTestOptions {
  /** The system, or a function that makes it once the tests begin, such as one that starts a server. */
  system: ExternalSystem | (() => Promise<ExternalSystem>);
  /** Longest time of one check, in ms. @default 120,000 */
  timeoutMs?: number;
}

/**
 * The suite of a system outside: its description; masks of one target and of several, at their own sizes; several references; messages at
 * once; and refusals of what it does not know. `prosam doctor --external` asks the same.
 * @example testExternal({ afterAll, beforeAll, describe, it }, { system: externalSystem('http://127.0.0.1:8700') });
 */
export function testExternal(tests: TestRunner, { system, timeoutMs = 120_000 }: ExternalTestOptions): void {
  const { describe, beforeAll, afterAll, it } = tests;
  describe('the external system', () => {
    let transport: ExternalTransport | undefined;
    beforeAll(async () => {
      transport = (typeof system === 'function' ? await system() : system).open();
    });
    afterAll(() => transport?.close());
    for (const { name, run } of EXTERNAL_CHECKS)
      it(
        name,
        async () => {
          const { state, found, fix = '' } = await run(transport as ExternalTransport);
          ok(state === 'ok', `${found}. ${fix}`);
        },
        timeoutMs,
      );
  });
}
