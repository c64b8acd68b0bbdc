/** Every method of a model passes the published suite of methods, on the smallest model that has it. */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { createEngine } from '../../../src/core/runtime/node/create-engine.ts';
import { MODEL_METHODS } from '../../../src/core/engine/types.ts';
import { testMethod } from '../../../src/testing/method.ts';

/** PerSAM's few points lose half of a small object with so small a SAM; the photo model, which alone has a coarse mask, knows few drawings. */
const MIN_OWN_IOU = {
  prosam: 0.5,
  coarse: 0.2,
  persam: 0.3,
  nearest: 0.5,
  refined: 0.5,
  pieces: 0.5,
  pseudo: 0.3,
  'gf-sam': 0.3,
  'persam-paper': 0.1,
  'persam-f': 0.1,
  matcher: 0.3,
};

for (const method of MODEL_METHODS) {
  const engine = () => createEngine({ device: 'cpu', model: method === 'coarse' ? 'small' : 'tiny' });
  testMethod({ afterAll, beforeAll, describe, it }, { engine, method, minOwnIou: MIN_OWN_IOU[method] });
}
