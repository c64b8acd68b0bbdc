/** `prosam models list`: the models on this machine, and the versions that were learned. */
import { sep } from 'node:path';
import { CATALOGUE } from '../../core/models/published-models.ts';
import { cachedRepository, repositoryFolder } from '../../core/models/hub/cache.ts';
import { hubCache } from '../../core/models/hub/settings.ts';
import { inspectModel, type ModelFacts } from '../../core/models/inspect.ts';
import { addedModels, builtInModels, modelFolder, modelsFolder } from '../../core/checkpoint/model-paths.ts';
import { isProsamError, messageOf } from '../../core/common/errors.ts';
import { MODELS_LIST } from './spec.ts';
import { learnedVersions } from './store.ts';
import { bytesText } from '../common/progress.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { textTable } from '../common/text-table.ts';

/** One line of the list. */
export interface ListedModel {
  name: string;
  kind: 'built-in' | 'added' | 'pulled';
  folder: string;
  what?: string;
  bytes?: number;
  parameters?: number;
  license?: string;
  methods?: string[];
  /** Damage, where there is some. */
  problem?: { code: string; message: string };
}

/** Resolves to the exit code. */
export async function listModels(args: readonly string[], { print }: Terminal): Promise<number> {
  const { values } = parseCommand(MODELS_LIST, args);
  const models = await listedModels();
  if (values.json) {
    const learned = await learnedVersions(values, values.project);
    const { projects = [], versions = [] } = learned ?? {};
    print(JSON.stringify({ models, projects, versions }, null, 2));
    return EXIT.ok;
  }
  print(modelTable(models));
  const backbones = await cachedBackbones();
  if (backbones.length > 0) print(`backbones in the hub's cache, for --backbone: ${backbones.join(', ')}`);
  print(`models that are added or pulled lie in ${modelsFolder()}`);
  // Last, so that a store that cannot be reached hides none of the models.
  const learned = await learnedVersions(values, values.project);
  if (learned) print(['', ...learned.lines].join('\n'));
  return EXIT.ok;
}

/** Built-in models first, then by name; a damaged one is listed with its problem. */
export async function listedModels(): Promise<ListedModel[]> {
  const builtIn = builtInModels();
  const names = [...builtIn, ...addedModels().filter((name) => !builtIn.includes(name))];
  return Promise.all(
    names.map(async (name): Promise<ListedModel> => {
      const folder = modelFolder(name);
      const kind = builtIn.includes(name) ? 'built-in' : 'added';
      try {
        const facts = await inspectModel(folder);
        const { bytes, parameters, methods, manifest } = facts;
        const lost = facts.files.filter((file) => file.bytes === undefined).map((file) => file.path);
        return {
          ...{
            name,
            kind: kind === 'added' && wasPulled(facts) ? 'pulled' : kind,
            folder,
            what: whatIs(facts),
            bytes,
            parameters,
            methods,
          },
          license: manifest.license,
          ...(lost.length > 0 && { problem: { code: 'MODEL_NOT_FOUND', message: `gone: ${lost.join(', ')}` } }),
        };
      } catch (error) {
        return { name, kind, folder, problem: { code: isProsamError(error) ? error.code : 'ENGINE_FAILED', message: messageOf(error) } };
      }
    }),
  );
}

/** Whether its weights are in the cache that the hub's tools share. */
function wasPulled({ files }: ModelFacts): boolean {
  return files.some(({ path }) => path.startsWith(hubCache() + sep));
}

/** Parts of a model in a few words. */
export function whatIs({ parts }: ModelFacts): string {
  return parts.map(({ what }) => what).join(' + ');
}

function modelTable(models: readonly ListedModel[]): string {
  const head = ['name', '', 'what it is', 'size', 'parameters', 'license', 'methods'];
  const rows = models.map(({ name, kind, what, bytes, parameters, license, methods, problem }) => [
    name,
    kind,
    problem ? `${problem.code}: ${problem.message}` : (what ?? ''),
    bytes === undefined ? '-' : bytesText(bytes),
    parameters === undefined ? '-' : millions(parameters),
    license ?? '-',
    methods?.join(', ') ?? '-',
  ]);
  return textTable({ head, rows });
}

/** 93735472 -> "93.7 M" */
export function millions(count: number): string {
  return `${(count / 1e6).toFixed(count < 1e7 ? 2 : 1)} M`;
}

async function cachedBackbones(): Promise<string[]> {
  const cache = hubCache();
  const found: string[] = [];
  for (const { name, role, repo } of CATALOGUE) {
    if (role !== 'backbone') continue;
    const cached = await cachedRepository(cache, repo, 'main');
    if (cached?.paths.some((path) => /\.(safetensors|bin|pth|pt)$/.test(path))) found.push(`${name} (${repositoryFolder(cache, repo)})`);
  }
  return found;
}
