/** `prosam models info`: architecture, files and memory of a model. */
import { inspectModel, type ModelFacts } from '../../core/models/inspect.ts';
import { modelFolder } from '../../core/checkpoint/model-paths.ts';
import { millions } from './list.ts';
import { bytesText } from '../common/progress.ts';
import { EXIT, type Terminal } from '../common/command.ts';
import { parseCommand } from '../common/parse.ts';
import { MODELS_INFO } from './spec.ts';
import { textTable } from '../common/text-table.ts';

/** Resolves to the exit code. */
export async function modelInfo(args: readonly string[], { print }: Terminal): Promise<number> {
  const { values, positionals } = parseCommand(MODELS_INFO, args);
  const [name] = positionals as [string];
  const facts = await inspectModel(modelFolder(name));
  if (values.json) {
    const { manifest, ...rest } = facts;
    const { license, about, good_at: goodAt, weak_at: weakAt, sam, trained, prompt_encoder: encoder } = manifest;
    const trainedAgainst = encoder?.trained_against;
    print(
      JSON.stringify(
        { name: manifest.name, license, about, goodAt, weakAt, resize: sam.resize, ...rest, trainedAgainst, trained },
        null,
        2,
      ),
    );
  } else print(infoLines(facts).join('\n'));
  return EXIT.ok;
}

const optional = (name: string, value: string | undefined): (readonly [string, string])[] => (value === undefined ? [] : [[name, value]]);

function infoLines({ manifest, folder, parts, files, bytes, parameters, memoryBytes, methods }: ModelFacts): string[] {
  const { prompt_encoder: encoder, sam, trained = {} } = manifest;
  const against = encoder?.trained_against;
  const nameOf = (sha256: string): string => files.find((file) => file.sha256 === sha256)?.name ?? sha256.slice(0, 12);
  const facts = [
    ...optional('about', manifest.about),
    ...optional('good at', manifest.good_at),
    ...optional('weak at', manifest.weak_at),
    ['license', manifest.license],
    ['methods', methods.join(', ')],
    ['images', `${sam.config.imageSize} x ${sam.config.imageSize}, resize ${sam.resize}`],
    ['memory', `about ${bytesText(memoryBytes)} at its peak on a CPU in single precision (an estimate)`],
    ...optional(
      'trained',
      against &&
        `against ${[against.sam, against.backbone]
          .flatMap((one) => one ?? [])
          .map(nameOf)
          .join(' and ')}`,
    ),
    ['folder', folder],
  ] as const;
  const rows = parts.map(({ role, what, parameters: count, dtypes }) => [role, what, millions(count), dtypes.join(', ')]);
  return [
    manifest.name,
    ...facts.map(([name, value]) => `  ${name.padEnd(9)}${value}`),
    ...Object.entries(trained).map(([part, how]) => `  ${part.replaceAll('_', ' ')}: ${how}`),
    '',
    textTable({ head: ['part', 'what it is', 'parameters', 'type'], rows: [...rows, ['all', '', millions(parameters), '']] }),
    '',
    textTable({
      head: ['file', 'size', 'sha256', 'place'],
      rows: [
        ...files.map((file) => [file.name, file.bytes === undefined ? 'gone' : bytesText(file.bytes), file.sha256.slice(0, 12), file.path]),
        ['all', bytesText(bytes), '', ''],
      ],
    }),
  ];
}
