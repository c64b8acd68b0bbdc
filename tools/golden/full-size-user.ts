/** The whole way a user goes: files of other programs, `prosam models add`, the model opened by its name, an image encoded and decoded. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openModel } from '../../src/core/checkpoint/model-folder.ts';
import type { Raster } from '../../src/core/image/pillow-resize.ts';
import { createNetworks, type Networks } from '../../src/core/onnx/networks.ts';
import type { Runtime, Tensor } from '../../src/core/onnx/session.ts';
import { FORMS, type ExpectedModel } from './full-size-forms.ts';
import { hashedNoise, hashedPixels } from '../../test/golden/hash-weights.ts';
import type { TensorSource } from '../../test/golden/checkpoint-writers.ts';
import { dyingWithUs } from '../../test/support/dies-with-us.ts';

const run = promisify(execFile);
type Named = Record<string, Tensor>;

export interface UserRun {
  title: string;
  /** Model whose expected numbers the outputs are compared with. */
  model: ExpectedModel;
  outputs: Named;
}

const raster = (side: number): Raster => ({ data: hashedPixels(side), width: side, height: side, channels: 3 });

/** Channels [from, to) of a map [1, C, h, w]. */
function channels({ data, shape }: Tensor, from: number, to: number): Tensor {
  const [, , height, width] = shape as [number, number, number, number];
  const cells = height * width;
  return { data: data.subarray(from * cells, to * cells), shape: [1, to - from, height, width] };
}

async function withNetworks<T>(folder: string, runtime: Runtime, use: (networks: Networks) => Promise<T>): Promise<T> {
  const networks = createNetworks(await openModel(folder), runtime);
  try {
    return await use(networks);
  } finally {
    await networks.close();
  }
}

/** folder: an empty one. weightsOf: hashed weights of a model. isThere: are its expected numbers at hand? */
export async function runAsUser(
  folder: string,
  weightsOf: (model: string) => readonly TensorSource[],
  isThere: (model: ExpectedModel) => boolean,
  runtime: Runtime,
): Promise<UserRun[]> {
  const add = async (name: string, ...args: string[]): Promise<void> => {
    await run(...dyingWithUs(process.execPath, ['src/cli.ts', 'models', 'add', name, ...args]), {
      env: { ...process.env, PROSAM_MODELS: folder },
    });
  };
  const written = (model: ExpectedModel, form: number): string =>
    (FORMS[model][form] as (typeof FORMS)[ExpectedModel][0]).write(folder, weightsOf(model), weightsOf);
  const way: Way = { folder, add, written, runtime };
  return [...(isThere('sam_vit_b') ? await runSam1(way) : []), ...(isThere('sam2.1_hiera_tiny') ? await runSam2(way) : [])];
}

interface Way {
  folder: string;
  /** `prosam models add`. */
  add: (name: string, ...args: string[]) => Promise<void>;
  /** Path of the weights, once they are written. */
  written: (model: ExpectedModel, form: number) => string;
  runtime: Runtime;
}

/** An image and fifty prompts, as any model takes them. */
function encodedAndDecoded({ folder, runtime }: Way, name: string): Promise<Named> {
  return withNetworks(join(folder, name), runtime, async (networks) => {
    const features = await networks.encode(raster(1024));
    const { logits, iou } = await networks.decodePrompts(features, { data: hashedNoise('prompts', 50 * 256), shape: [1, 50, 256] });
    return { image_embedding: features.embedding, low_res_logits: logits, iou };
  });
}

async function runSam1(way: Way): Promise<UserRun[]> {
  const { folder, add, written, runtime } = way;
  const sam = written('sam_vit_b', 0);
  const [backbone, encoder] = [written('resnet50_deep', 0), written('prompt_encoder_resnet50', 0)];
  await add('sam-alone', '--sam', sam);
  const alone = await encodedAndDecoded(way, 'sam-alone');
  await add('as-in-the-paper', '--sam', sam, '--backbone', backbone, '--prompt-encoder', encoder);
  const paper = await withNetworks(join(folder, 'as-in-the-paper'), runtime, async (networks) => {
    const { mid, high } = await networks.encode(raster(512));
    return { f2: channels(mid, 0, 512), f3: channels(mid, 512, 1536), f4: high };
  });
  return [
    { title: 'models add, SAM alone from .pth', model: 'sam_vit_b', outputs: alone },
    { title: 'models add, the paper’s three parts', model: 'resnet50_deep', outputs: paper },
  ];
}

/** Meta's file, video part and all. */
async function runSam2(way: Way): Promise<UserRun[]> {
  await way.add('sam2', '--sam', way.written('sam2.1_hiera_tiny', 0));
  const outputs = await encodedAndDecoded(way, 'sam2');
  return [{ title: 'models add, SAM 2.1 from .pt', model: 'sam2.1_hiera_tiny', outputs }];
}
