/** Folder of models for each test, and the command in it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { modelsCommand } from '../../../../src/cli/models/models.ts';
import type { TensorSource } from '../../../golden/checkpoint-writers.ts';
import { readTensors } from '../../../golden/golden-set.ts';

export const WEIGHTS = resolve('test/golden/data/weights');
export const SAM = join(WEIGHTS, 'sam.safetensors');
export const RESNET = join(WEIGHTS, 'backbone_resnet_plain.safetensors');
export const VGG = join(WEIGHTS, 'backbone_vgg.safetensors');
export const DINO = join(WEIGHTS, 'backbone_dinov2.safetensors');

export interface Said {
  code: number;
  out: string;
  err: string;
}

export function sourcesOf(file: string): TensorSource[] {
  return [...readTensors(file)].map(([name, { data, shape }]) => ({ name, shape, values: () => Float32Array.from(data) }));
}

interface ModelsPlace {
  /** Of this test alone. */
  place: string;
  /** Folder of all tests of the file, in which they run. */
  readonly root: string;
  /** Folder in which the process was started. */
  readonly start: string;
}

/** Registers what makes the folders and takes them away. */
export function modelsPlace() {
  const root = mkdtempSync(join(tmpdir(), 'prosam-here-'));
  const start = process.cwd();
  const here = { place: '', root, start } as ModelsPlace;
  let count = 0;

  beforeAll(() => process.chdir(root)); // no configuration and no store of the project
  beforeEach(() => {
    here.place = join(root, `models-${count++}`);
    // In place: workers and child processes get a copy of this very object.
    Object.assign(process.env, { PROSAM_MODELS: here.place, XDG_CACHE_HOME: join(root, 'cache'), HF_HOME: join(root, 'hf') });
  });
  afterAll(() => {
    process.chdir(start);
    rmSync(root, { recursive: true, force: true });
  });

  async function models(...args: string[]): Promise<Said> {
    const said = { out: '', err: '' };
    const print = (line: string): void => void (said.out += `${line}\n`);
    const code = await modelsCommand(args, { print, warn: (line) => void (said.err += `${line}\n`) });
    return { code, ...said };
  }

  const json = async <T>(...args: string[]): Promise<T> => JSON.parse((await models(...args, '--json')).out) as T;
  const manifestOf = (name: string): Record<string, unknown> => JSON.parse(readFileSync(join(here.place, name, 'manifest.json'), 'utf8')) as Record<string, unknown>; // prettier-ignore

  return Object.assign(here, { models, json, manifestOf });
}
