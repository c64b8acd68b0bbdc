/** Every method of the built-in model passes the published suite of methods. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { createEngine } from '../../../src/core/runtime/node/create-engine.ts';
import { METHODS } from '../../../src/core/engine/types.ts';
import { testMethod } from '../../../src/testing/method.ts';

/** PerSAM's few points lose half of a small object with so small a SAM. */
const MIN_OWN_IOU = { prosam: 0.5, persam: 0.3, nearest: 0.5 };

for (const method of METHODS) {
  const engine = () => createEngine({ model: 'tiny', device: 'cpu' });
  testMethod({ afterAll, beforeAll, describe, it }, { engine, method, minOwnIou: MIN_OWN_IOU[method] });
}
