/** Sound checkpoints of every form to start from. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { writeSafetensors, writeShards, writeTorch, type TensorSource } from '../../../test/golden/checkpoint-writers.ts';
import { dinov2OfTransformers, promptEncoderOfVrpSam, samOfTransformers } from '../../../test/golden/foreign-names.ts';
import { openGoldenSet, readTensors } from '../../../test/golden/golden-set.ts';

const GOLDEN = 'test/golden/data';

export interface Seed {
  name: string;
  /** Files of the checkpoint by name; the one in `open` is opened, any may be damaged. */
  files: ReadonlyMap<string, Buffer>;
  open: string;
}

function sourcesOf(name: string): TensorSource[] {
  const file = openGoldenSet(GOLDEN).manifest.weights[name]?.file as string;
  return [...readTensors(join(GOLDEN, file))].map(([key, { data, shape }]) => ({
    name: key,
    shape,
    values: () => Float32Array.from(data),
  }));
}

/** folder: an empty one to write them in. */
export function checkpointSeeds(folder: string): Seed[] {
  const one = (name: string, write: (path: string) => void): Seed => {
    const path = join(folder, name);
    write(path);
    return { name, files: new Map([[name, readFileSync(path)]]), open: name };
  };
  const shards = join(folder, 'shards');
  mkdirSync(shards);
  writeShards(shards, sourcesOf('backbone_vgg'), 2);
  const legacy = 'test/unit/core/checkpoint/fixtures';
  return [
    one('sam.pth', (path) => writeTorch(path, sourcesOf('sam'))),
    one('sam.safetensors', (path) => writeSafetensors(path, samOfTransformers(sourcesOf('sam')), 'F16')),
    one('resnet.safetensors', (path) => writeSafetensors(path, sourcesOf('backbone_resnet_deep'))),
    one('dinov2.safetensors', (path) => writeSafetensors(path, dinov2OfTransformers(sourcesOf('backbone_dinov2')), 'BF16')),
    one('dinov3.safetensors', (path) => copyFileSync('test/golden/dino-data/weights/backbone_dinov3.safetensors', path)),
    one('vrp-sam.pt', (path) => writeTorch(path, promptEncoderOfVrpSam(sourcesOf('prompt_encoder_resnet')))),
    ...readdirSync(legacy).map((name): Seed => ({ name, files: new Map([[name, readFileSync(join(legacy, name))]]), open: name })),
    {
      name: 'shards',
      files: new Map(
        readdirSync(shards).flatMap((name) => (statSync(join(shards, name)).isFile() ? [[name, readFileSync(join(shards, name))]] : [])),
      ),
      open: 'model.safetensors.index.json',
    },
  ];
}
