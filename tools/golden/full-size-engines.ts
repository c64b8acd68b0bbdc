import type { Runtime } from '../../src/core/onnx/session.ts';
import type { TrainingEngine } from '../../src/training/tfjs/engine.ts';

/** Runtime of the networks, and the differentiating engine: without one nothing is differentiated. */
export interface FullSizeEngines {
  runtime: Runtime;
  engine?: TrainingEngine | undefined;
}
