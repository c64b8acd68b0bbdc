/** `prosam models info`: what a model is, where its files lie, and what it takes to run it. */
import { parseArgs } from 'node:util';
import { inspectModel, type ModelFacts } from '../core/models/inspect.ts';
import { modelFolder } from '../core/checkpoint/model-paths.ts';
import { millions } from './models-list.ts';
import { bytesText } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { textTable } from './text-table.ts';
import { EXIT, oneName } from './usage.ts';

/** -> exit code */
export async function modelInfo(args: readonly string[], { print }: Terminal): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options: { json: { type: 'boolean' } } });
  const facts = await inspectModel(modelFolder(oneName('info', positionals)));
  if (values.json === true) {
    const { manifest, ...rest } = facts;
    const { name, license, about, sam, trained, prompt_encoder: encoder } = manifest;
    const trainedAgainst = encoder?.trained_against;
    print(JSON.stringify({ name, license, about, resize: sam.resize, ...rest, trainedAgainst, trained }, null, 2));
  } else print(infoLines(facts).join('\n'));
  return EXIT.ok;
}

function infoLines({ manifest, folder, parts, files, bytes, parameters, memoryBytes, methods }: ModelFacts): string[] {
  const { prompt_encoder: encoder, sam, trained = {} } = manifest;
  const against = encoder?.trained_against;
  const nameOf = (sha256: string): string => files.find((file) => file.sha256 === sha256)?.name ?? sha256.slice(0, 12);
  const facts = [
    ...(manifest.about === undefined ? [] : [['about', manifest.about] as const]),
    ['license', manifest.license],
    ['methods', methods.join(', ')],
    ['images', `${sam.config.imageSize} x ${sam.config.imageSize}, resize ${sam.resize}`],
    ['memory', `about ${bytesText(memoryBytes)} at its peak on a CPU in single precision (an estimate)`],
    ...(against === undefined
      ? []
      : [
          [
            'trained',
            `against ${[against.sam, against.backbone].flatMap((one) => (one === undefined ? [] : [nameOf(one)])).join(' and ')}`,
          ] as const,
        ]),
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
