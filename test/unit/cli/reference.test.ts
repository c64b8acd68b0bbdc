/** Tables of the commands, held against their code and their examples. */
import { expect, it } from 'vitest';
import { COMMANDS, commandSpecs } from '../../../src/cli/commands.ts';
import { isGroup } from '../../../src/cli/common/help.ts';
import { parseCommand } from '../../../src/cli/common/parse.ts';
import { SUMMARIES } from '../../../src/cli/common/summaries.ts';
import type { CommandSpec } from '../../../src/cli/common/spec.ts';

const specs = await commandSpecs();
const commands: CommandSpec[] = specs.flatMap((spec) => (isGroup(spec) ? spec.commands : [spec]));
const examples = specs.flatMap((spec) => [...spec.examples, ...(isGroup(spec) ? spec.commands.flatMap((one) => one.examples) : [])]);

/** Words of a shell line after "prosam"; one list for each call on it. */
function callsIn(line: string): string[][] {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const calls: string[][] = [];
  let call: string[] | undefined;
  for (const word of words) {
    if (word === '#' || word === '>') break;
    if (word === '&&') call = undefined;
    else if (word === 'prosam') calls.push((call = []));
    else call?.push(word);
  }
  return calls;
}

it('are those of the commands', () => {
  expect(specs.map(({ name }) => name)).toEqual(Object.keys(COMMANDS));
  expect(Object.keys(COMMANDS)).toEqual(Object.keys(SUMMARIES));
});

it.each(examples)('parse their example %s', (line) => {
  for (const call of callsIn(line)) {
    const spec = commands.find(({ name }) => call.join(' ').startsWith(name)) as CommandSpec;
    expect(spec, line).toBeDefined();
    expect(() => parseCommand(spec, call.slice(spec.name.split(' ').length))).not.toThrow();
  }
});

it.each(commands.map((spec) => [spec.name, spec] as const))('of %s reads like the others', (_, { options, summary, usage, exitCodes }) => {
  for (const [name, { about }] of Object.entries(options))
    expect(about, `--${name}`).toMatch(/^(?!(what|who|where|which|how many)\b)[^.].*[^.]$/s);
  expect(summary).toMatch(/[^.]$/);
  expect(usage.length).toBeGreaterThan(0);
  expect(Object.keys(exitCodes)).toContain('0');
});

it.each(specs.filter(isGroup))('of $name gives an option one type in all its sub-commands', ({ commands: own }) => {
  const types = new Map<string, boolean>();
  for (const { options } of own)
    for (const [name, { type }] of Object.entries(options)) {
      expect(types.get(name) ?? type === 'flag', name).toBe(type === 'flag');
      types.set(name, type === 'flag');
    }
});
