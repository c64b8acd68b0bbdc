/** An engine over an opened model folder that counts how often its encoders run. */
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { createEngineCore } from '../../../../src/core/engine/engine.ts';
import type { Engine } from '../../../../src/core/engine/types.ts';
import { nodeImageSource } from '../../../../src/core/image/node/source.ts';
import { createNetworks, type Networks } from '../../../../src/core/onnx/networks.ts';
import { nodeRuntime } from '../../../../src/core/runtime/node/ort-node.ts';

export interface CountedEngine {
  engine: Engine;
  /** The engine's own, not counted. */
  networks: Networks;
  ran: { sam: number; backbone: number };
}

export async function countedEngine(folder: string, cacheBytes: number): Promise<CountedEngine> {
  const model = await openModel(folder);
  const networks = createNetworks(model, nodeRuntime({ threads: 1 }));
  const ran = { sam: 0, backbone: 0 };
  const counted: Networks = {
    ...networks,
    encodeSam: (image) => {
      ran.sam++;
      return networks.encodeSam(image);
    },
    encodeBackbone: (image) => {
      ran.backbone++;
      return networks.encodeBackbone(image);
    },
  };
  return { engine: createEngineCore({ model, networks: counted, source: nodeImageSource(), cacheBytes }), networks, ran };
}
