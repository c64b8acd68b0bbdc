/** Parsing by the table of a command. */
import { describe, expect, it } from 'vitest';
import { UsageError, type Run } from '../../../src/cli/common/command.ts';
import { runGroup } from '../../../src/cli/common/group.ts';
import { commandHelp, helpText, overview } from '../../../src/cli/common/help.ts';
import { parseCommand } from '../../../src/cli/common/parse.ts';
import { command, under, type GroupSpec } from '../../../src/cli/common/spec.ts';

const PAINT = command({
  name: 'house paint',
  summary: 'paint rooms',
  usage: ['ROOM [options]'],
  arguments: [
    { name: 'ROOM', about: 'the room', choices: ['kitchen', 'hall'] },
    { name: 'WALL', about: 'walls', optional: true, repeat: true },
  ],
  options: {
    color: { type: 'choice', choices: ['red', 'green'], about: 'color', default: 'red' },
    coats: { type: 'whole', min: 1, max: 3, about: 'coats', default: 2 },
    'drying-time': { type: 'number', min: 0.5, about: 'hours' },
    brush: { type: 'text', repeat: true, about: 'brush' },
    shades: { type: 'choice', list: true, choices: ['light', 'dark'], about: 'shades', default: 'light,dark' },
    ...under('Output', {
      json: { type: 'flag', about: 'prints JSON' },
      out: { type: 'text', value: 'DIR', about: 'folder', required: true },
    }),
  },
  exitCodes: { 0: 'done' },
  examples: ['prosam house paint kitchen --out x'],
});
const SWEEP = command({ name: 'house sweep', summary: 'sweep rooms', usage: [''], options: {}, exitCodes: { 0: 'done' }, examples: [] });
const HOUSE: GroupSpec = { name: 'house', summary: 'rooms', commands: [PAINT, SWEEP], exitCodes: { 0: 'done' }, examples: [] };

const OK = ['kitchen', '--out', 'x'];

describe('parseCommand', () => {
  it('takes what an option leaves out from its environment variable, checked like the option, and says so', () => {
    const spec = command({ ...PAINT, options: { ...PAINT.options, coats: { ...PAINT.options.coats, environment: 'COATS' } } });
    const coats = (args: readonly string[], environment: Record<string, string>): unknown =>
      parseCommand(spec, [...OK, ...args], environment).values.coats;
    expect([coats([], { COATS: '3' }), coats(['--coats', '1'], { COATS: '3' }), coats([], { COATS: '' }), coats([], {})]).toEqual([
      3, 1, 2, 2,
    ]);
    expect(() => coats([], { COATS: 'many' })).toThrow(UsageError);
    expect(helpText(spec)).toContain('default: $COATS, else 2');
  });

  it('gives defaults, numbers, lists and repeated options, by names in camel case', () => {
    expect(parseCommand(PAINT, OK).values).toEqual({ color: 'red', coats: 2, shades: ['light', 'dark'], json: false, out: 'x' });
    const given = ['--drying-time', '1.5', '--brush', 'a', '--brush=-b', '--shades', 'dark', '--json', '--coats', '3', 'north', 'south'];
    const { values, positionals, tokens } = parseCommand(PAINT, [...OK, ...given]);
    expect(values).toEqual({ color: 'red', coats: 3, dryingTime: 1.5, brush: ['a', '-b'], shades: ['dark'], json: true, out: 'x' });
    expect(positionals).toEqual(['kitchen', 'north', 'south']);
    expect(tokens.map(({ name }) => name)).toEqual(['out', 'drying-time', 'brush', 'brush', 'shades', 'json', 'coats']);
  });

  it.each([
    [['--colour', 'red'], /expected one of its options, got --colour\. Did you mean --color\?/],
    [['--zzzzzzzzzz'], /got --zzzzzzzzzz\.$/],
    [['-x'], /got -x\./],
    [['--toString', 'x'], /got --toString/],
    [['--color', 'gren'], /--color: expected one of red, green, got "gren"\. Did you mean green\?/],
    [['--coats', '4'], /--coats: expected a whole number, 1 to 3, got "4"/],
    [['--coats', '1.5'], /--coats: expected a whole number/],
    [['--coats', ''], /--coats: expected a whole number/],
    [['--coats', '-1'], /--coats: expected a whole number, 1 to 3, got "-1"/],
    [['--drying-time', 'long'], /--drying-time: expected a number, at least 0\.5, got "long"/],
    [['--shades', 'light,blue'], /--shades: expected one of light, dark, got "blue"/],
    [['--shades', ','], /--shades: expected at least one/],
    [['--json=yes'], /--json: expected no value, got "yes"/],
    [['--brush'], /--brush: expected BRUSH, got nothing/],
    [['--brush', '--json'], /--brush: expected BRUSH, got --json\. Write .* --brush=--json/],
  ])('refuses %j', (args, message) => {
    const parse = (): unknown => parseCommand(PAINT, [...OK, ...args]);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });

  it.each([
    [[], /expected one room of kitchen, hall, got none/],
    [['attic', '--out', 'x'], /room: expected one of kitchen, hall, got "attic"/],
    [['hall'], /prosam house paint: expected --out DIR, got none/],
  ])('asks for what is missing in %j', (args, message) => {
    expect(() => parseCommand(PAINT, args)).toThrow(message);
  });

  it('takes no arguments where the table has none', () => {
    expect(() => parseCommand(SWEEP, ['now'])).toThrow('prosam house sweep: expected no arguments, got "now".');
  });
});

describe('a group of commands', () => {
  const terminal = { print: () => undefined, warn: () => undefined };
  const called = async (args: readonly string[]): Promise<unknown[]> => {
    const calls: unknown[] = [];
    const recording =
      (name: string): (() => Promise<Run>) =>
      () =>
        Promise.resolve((rest) => {
          calls.push([name, rest]);
          return Promise.resolve(0);
        });
    await runGroup(HOUSE, { paint: recording('paint'), sweep: recording('sweep') }, args, terminal);
    return calls;
  };

  it('finds the command also behind options and their values', async () => {
    expect(await called(['paint', 'hall', '--out', 'x'])).toEqual([['paint', ['hall', '--out', 'x']]]);
    expect(await called(['--out', 'sweep', '--json', 'paint', 'hall'])).toEqual([['paint', ['--out', 'sweep', '--json', 'hall']]]);
  });

  it.each([
    [[], /expected one of paint, sweep, got nothing; for example prosam house paint/],
    [['swep'], /got "swep"; for example prosam house sweep/],
    [['toString'], /got "toString"/],
  ])('refuses %j', async (args, message) => {
    await expect(called(args)).rejects.toThrow(message);
  });
});

describe('help', () => {
  it('shows usage, options with choices, ranges and defaults, exit codes and examples', () => {
    expect(helpText(PAINT, 80)).toBe(`prosam house paint: paint rooms

  prosam house paint ROOM [options]

  ROOM                  the room: kitchen, hall
  WALL                  walls

  --color COLOR         color: red, green (default: red)
  --coats N             coats (1 to 3; default: 2)
  --drying-time N       hours
  --brush BRUSH         brush
  --shades SHADES       shades: light, dark (default: light,dark)

Output:
  --json                prints JSON
  --out DIR             folder (required)

Exit code: 0 done.

Examples:
  prosam house paint kitchen --out x
`);
  });

  it('breaks lines at the width', () => {
    expect(
      Math.max(
        ...helpText(PAINT, 60)
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(60);
  });

  it('is that of the sub-command that is named', () => {
    expect(commandHelp(HOUSE, ['paint', '--help'])).toBe(helpText(PAINT));
    expect(commandHelp(HOUSE, ['--help'])).toContain('prosam house paint ROOM [options]');
    expect(overview()).toMatch(/prosam segment {2,}annotate .*\n {2}prosam serve/);
  });
});
