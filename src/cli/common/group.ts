/** Commands with sub-commands: finds the one that was asked for and loads its code. */
import { closest } from '../../server/suggest.ts';
import { UsageError, type Run, type Terminal } from './command.ts';
import { subName } from './help.ts';
import { firstPositional } from './parse.ts';
import type { GroupSpec, Options } from './spec.ts';

/** Code of the sub-commands by their names, loaded on demand. */
export type Loaders = Readonly<Record<string, () => Promise<Run>>>;

/** Runs the sub-command, which may follow options. @throws UsageError */
export async function runGroup(spec: GroupSpec, loaders: Loaders, args: readonly string[], terminal: Terminal): Promise<number> {
  const at = firstPositional(Object.assign({}, ...spec.commands.map(({ options }) => options)) as Options, args);
  const name = args[at];
  const load = name !== undefined && Object.hasOwn(loaders, name) ? loaders[name] : undefined;
  if (load === undefined) throw unknownCommand(spec, name);
  const run = await load();
  return run(args.toSpliced(at, 1), terminal);
}

function unknownCommand({ name, commands }: GroupSpec, given: string | undefined): UsageError {
  const names = commands.map(subName);
  const example = (given === undefined ? undefined : closest(given, names)) ?? names[0] ?? '';
  const got = given === undefined ? 'nothing' : JSON.stringify(given);
  return new UsageError(`prosam ${name}: expected one of ${names.join(', ')}, got ${got}; for example prosam ${name} ${example}.`);
}
