#!/usr/bin/env node
/** The command line: picks the command, prints errors with what to do, sets the exit code. All else is loaded when it is needed. */
import { readFileSync } from 'node:fs';
import { COMMANDS } from './cli/commands.ts';
import { ask, canAsk } from './cli/common/ask.ts';
import { EXIT, UsageError } from './cli/common/command.ts';
import type { CommandName } from './cli/common/summaries.ts';

const HELP_FLAGS = ['--help', '-h'];

function version(): string {
  const { version: text } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return text;
}

async function main(args: readonly string[]): Promise<number> {
  const [first, ...others] = args;
  if (first === '--version' || first === '-v') return print(version());
  const wantsHelp = first === 'help' || args.some((word) => HELP_FLAGS.includes(word));
  const [name, ...rest] = first === 'help' ? others : args;
  if (name === undefined || HELP_FLAGS.includes(name)) return print((await import('./cli/common/help.ts')).overview());
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name as CommandName] : undefined;
  if (command === undefined) throw await unknownCommand(name);
  if (wantsHelp) {
    const { commandHelp } = await import('./cli/common/help.ts');
    return print(commandHelp(await command.spec(), rest));
  }
  helpOf = `prosam ${name} --help`;
  const run = await command.run();
  const warn = (line: string): unknown => process.stderr.write(`${line}\n`);
  return run(rest, { print, warn, signal: interrupt.signal, ...(canAsk() && { ask }) });
}

async function unknownCommand(name: string): Promise<UsageError> {
  const { closest } = await import('./server/suggest.ts');
  const names = Object.keys(COMMANDS);
  const meant = closest(name, names);
  return new UsageError(
    `there is no command ${name}. ${meant === undefined ? `Commands: ${names.join(', ')}.` : `Did you mean ${meant}?`}`,
  );
}

function print(text: string): number {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  return EXIT.ok;
}

/** Command that explains the one which failed. */
let helpOf = 'prosam --help';

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
// A reader that closes the pipe early (such as head) needs no more results.
process.stdout.on('error', () => interrupt.abort());

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  async (error: unknown) => {
    const { isProsamError, messageOf } = await import('./core/common/errors.ts');
    const interrupted = error instanceof Error && error.name === 'AbortError';
    const hint = error instanceof UsageError ? ` See ${helpOf}.` : '';
    process.stderr.write(
      interrupted ? 'interrupted\n' : `prosam: ${isProsamError(error) ? `${error.code}: ` : ''}${messageOf(error)}${hint}\n`,
    );
    process.exitCode = interrupted ? EXIT.interrupted : EXIT.usage;
  },
);
