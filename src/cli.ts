#!/usr/bin/env node
/** The command line: picks the command, prints errors people can act on, sets the exit code. */
import { readFileSync } from 'node:fs';
import { isProsamError, messageOf } from './core/common/errors.ts';
import type { Terminal } from './cli/common/terminal.ts';
import { EXIT, UsageError } from './cli/common/usage.ts';

interface Command {
  run: (args: readonly string[], terminal: Terminal) => Promise<number>;
  help: string;
}

/** Loaded when asked for: segmenting one image should not wait for what trains. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  demo: async () => import('./cli/demo/demo.ts').then(({ demo, DEMO_HELP }) => ({ run: demo, help: DEMO_HELP })),
  segment: async () => import('./cli/segment/segment.ts').then(({ segment, SEGMENT_HELP }) => ({ run: segment, help: SEGMENT_HELP })),
  serve: async () => import('./cli/serve/serve.ts').then(({ serveCommand, SERVE_HELP }) => ({ run: serveCommand, help: SERVE_HELP })),
  train: async () => import('./cli/train/train.ts').then(({ trainCommand, TRAIN_HELP }) => ({ run: trainCommand, help: TRAIN_HELP })),
  learn: async () => import('./cli/learn/learn.ts').then(({ learnCommand, LEARN_HELP }) => ({ run: learnCommand, help: LEARN_HELP })),
  models: async () =>
    import('./cli/models/models.ts').then(({ modelsCommand, MODELS_HELP }) => ({ run: modelsCommand, help: MODELS_HELP })),
  'label-studio': async () =>
    import('./cli/label-studio/label-studio.ts').then(({ labelStudioCommand, LABEL_STUDIO_HELP }) => ({
      run: labelStudioCommand,
      help: LABEL_STUDIO_HELP,
    })),
  eval: async () => import('./cli/eval/eval.ts').then(({ evalCommand, EVAL_HELP }) => ({ run: evalCommand, help: EVAL_HELP })),
  study: async () => import('./cli/study/study.ts').then(({ studyCommand, STUDY_HELP }) => ({ run: studyCommand, help: STUDY_HELP })),
  scenes: async () => import('./cli/scenes/scenes.ts').then(({ scenes, SCENES_HELP }) => ({ run: scenes, help: SCENES_HELP })),
  db: async () => import('./cli/db/db.ts').then(({ dbCommand, DB_HELP }) => ({ run: dbCommand, help: DB_HELP })),
  cvat: async () => import('./cli/cvat/cvat.ts').then(({ cvatCommand, CVAT_HELP }) => ({ run: cvatCommand, help: CVAT_HELP })),
  doctor: async () => import('./cli/doctor/doctor.ts').then(({ doctor, DOCTOR_HELP }) => ({ run: doctor, help: DOCTOR_HELP })),
  setup: async () => import('./cli/setup/setup.ts').then(({ setup, SETUP_HELP }) => ({ run: setup, help: SETUP_HELP })),
};

const HELP = `prosam: mark an object in one image, get its masks in all the others

  prosam demo       see it work on generated scenes, offline (or on your own photos)
  prosam segment    one marked reference, many targets
  prosam serve      masks over HTTP, for labeling tools
  prosam train      learn from annotated images
  prosam learn      learn from what people accepted, and put better versions into service
  prosam models     models: pull from the hub, add your own, verify; versions that were learned
  prosam db         look after the database, or move everything to another
  prosam label-studio  connect a Label Studio project, find what is wrong, annotate through its interface
  prosam eval       measure models and methods on annotated images
  prosam study      the paper's studies, trained and measured here
  prosam scenes     draw annotated images to train on
  prosam cvat       fill tasks of a CVAT; find out why it does not reach prosam
  prosam setup      make a training engine or CUDA ready
  prosam doctor     what this machine has, which devices work, and how fast

  prosam COMMAND --help   options and examples of a command
  prosam --version

Example:
  prosam segment --reference cup.jpg --box 40,60,210,240 --target-dir photos --out masks
`;

function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return text;
}

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version' || name === '-v') return say(version());
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return say(HELP);
  const load = COMMANDS[name];
  if (load === undefined) throw new UsageError(`there is no command ${name}. Commands: ${Object.keys(COMMANDS).join(', ')}.`);
  const command = await load();
  if (rest.includes('--help') || rest.includes('-h')) return say(command.help);
  return command.run(rest, { print: say, warn: (line) => process.stderr.write(`${line}\n`), signal: interrupt.signal });
}

function say(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return EXIT.ok;
}

/** parseArgs' own complaints carry codes of this form. */
function isUsage(error: unknown): boolean {
  return error instanceof UsageError || String((error as { code?: unknown } | null)?.code).startsWith('ERR_PARSE_ARGS');
}

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
// A reader that closes the pipe early (such as head) wants no more results.
process.stdout.on('error', () => interrupt.abort());

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const interrupted = error instanceof Error && error.name === 'AbortError';
    const hint = isUsage(error) ? ' See prosam --help.' : '';
    process.stderr.write(
      interrupted ? 'interrupted\n' : `prosam: ${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}${hint}\n`,
    );
    process.exitCode = interrupted ? EXIT.interrupted : EXIT.usage;
  },
);
