/** Parses the arguments of a command by its table: `expected X, got Y` for everything that does not fit. */
import { commaList } from '../../core/common/comma-list.ts';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { closest } from '../../server/suggest.ts';
import { UsageError } from './command.ts';
import { camel, placeholder, rangeText, type ArgumentSpec, type CommandSpec, type Options, type OptionSpec, type Values } from './spec.ts';

/** An option as it was written. */
export interface OptionToken {
  name: string;
  /** undefined for flags. */
  value: string | undefined;
}

export interface Parsed<O extends Options> {
  values: Values<O>;
  positionals: string[];
  /** Options in the order they were written. */
  tokens: OptionToken[];
}

/** @throws UsageError */
export function parseCommand<S extends CommandSpec>(
  spec: S,
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Parsed<S['options']> {
  const { options } = spec;
  const { tokens, positionals } = tokensOf(options, args);
  for (const { name, rawName, value, inlineValue } of tokens) {
    const option = Object.hasOwn(options, name) ? options[name] : undefined;
    if (option === undefined) throw unknownOption(spec, rawName);
    checkToken(name, option, value, inlineValue);
  }
  checkArguments(spec, positionals);
  const given = new Map<string, string[]>();
  for (const { name, value } of tokens) given.set(name, [...(given.get(name) ?? []), value ?? '']);
  const values: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(options)) {
    const outside = option.environment === undefined ? undefined : environment[option.environment] || undefined;
    const value = valueOf(name, option, given.get(name) ?? (outside === undefined ? undefined : [outside]));
    if (value !== undefined) values[camel(name)] = value;
    else if (option.required === true)
      throw new UsageError(`prosam ${spec.name}: expected --${name} ${placeholder(name, option) ?? ''}, got none.`);
  }
  return { values: values as Values<S['options']>, positionals, tokens: tokens.map(({ name, value }) => ({ name, value })) };
}

/** Index of the first argument that is neither an option nor the value of one; -1: there is none. */
export function firstPositional(options: Options, args: readonly string[]): number {
  const { positionalIndexes } = tokensOf(options, args);
  return positionalIndexes[0] ?? -1;
}

function tokensOf(options: Options, args: readonly string[]) {
  const types = Object.entries(options).map(([name, { type }]) => [name, { type: type === 'flag' ? 'boolean' : 'string' }] as const);
  const config = {
    ...{ args: [...args], options: Object.fromEntries(types), strict: false, allowPositionals: true, tokens: true },
  } satisfies ParseArgsConfig;
  const { tokens } = parseArgs(config);
  const positional = tokens.filter((token) => token.kind === 'positional');
  return {
    tokens: tokens.filter((token) => token.kind === 'option'),
    positionals: positional.map(({ value }) => value),
    positionalIndexes: positional.map(({ index }) => index),
  };
}

function unknownOption({ name, options }: CommandSpec, given: string): UsageError {
  const meant = closest(given.replace(/^-+/, ''), Object.keys(options));
  return new UsageError(
    `prosam ${name}: expected one of its options, got ${given}.${meant === undefined ? '' : ` Did you mean --${meant}?`}`,
  );
}

function checkToken(name: string, option: OptionSpec, value: string | undefined, inline: boolean | undefined): void {
  const expected = placeholder(name, option);
  if (expected === undefined) {
    if (value !== undefined) throw new UsageError(`--${name}: expected no value, got ${JSON.stringify(value)}.`);
    return;
  }
  if (value === undefined) throw new UsageError(`--${name}: expected ${expected}, got nothing.`);
  // A number below 0, or a list that begins with one: no option begins like that.
  const isNumber = /^-\.?\d/.test(value);
  if (inline !== true && /^-./.test(value) && !isNumber)
    throw new UsageError(`--${name}: expected ${expected}, got ${value}. Write a value that begins with - as --${name}=${value}.`);
}

function checkArguments({ name, arguments: expected = [] }: CommandSpec, given: readonly string[]): void {
  const most = expected.at(-1)?.repeat === true ? Infinity : expected.length;
  const words = expected.map((one) => one.name).join(' ');
  if (given.length > most) {
    const extra = given.slice(most).map((word) => JSON.stringify(word));
    throw new UsageError(
      `prosam ${name}: expected ${words === '' ? 'no arguments' : `${words} and nothing more`}, got ${extra.join(' ')}.`,
    );
  }
  for (const [i, argument] of expected.entries()) {
    const value = given[i];
    if (value === undefined && argument.optional !== true) throw missingArgument(name, argument);
    if (value !== undefined && argument.choices) choice(argument.name.toLowerCase(), value, argument.choices);
  }
}

function missingArgument(command: string, { name, choices }: ArgumentSpec): UsageError {
  const expected = choices ? `one ${name.toLowerCase()} of ${choices.join(', ')}` : name;
  return new UsageError(`prosam ${command}: expected ${expected}, got none.`);
}

function valueOf(name: string, option: OptionSpec, given: readonly string[] | undefined): unknown {
  if (option.type === 'flag') return given !== undefined;
  const texts = given ?? (option.default === undefined ? undefined : [String(option.default)]);
  if (texts === undefined) return undefined;
  if (option.list === true) return texts.flatMap((text) => words(name, text)).map((text) => parsed(name, option, text));
  if (option.repeat === true) return texts.map((text) => parsed(name, option, text));
  return parsed(name, option, texts.at(-1) as string);
}

function parsed(name: string, option: Exclude<OptionSpec, { type: 'flag' }>, text: string): string | number {
  switch (option.type) {
    case 'text':
      return text;
    case 'choice':
      return choice(`--${name}`, text, option.choices);
    case 'whole':
    case 'number':
      return numberIn(name, text, option);
  }
}

interface Bounds {
  type: 'whole' | 'number';
  min?: number;
  max?: number;
}

/** A number of an option within its bounds. @throws UsageError */
export function numberIn(name: string, text: string, { type, min = -Infinity, max = Infinity }: Bounds): number {
  const value = Number(text);
  const fits = type === 'whole' ? Number.isSafeInteger(value) : Number.isFinite(value);
  if (text.trim() !== '' && fits && value >= min && value <= max) return value;
  const range = rangeText({ ...(min > -Infinity && { min }), ...(max < Infinity && { max }) });
  const expected = `${type === 'whole' ? 'a whole number' : 'a number'}${range === undefined ? '' : `, ${range}`}`;
  throw new UsageError(`--${name}: expected ${expected}, got ${JSON.stringify(text)}.`);
}

function choice(what: string, text: string, allowed: readonly string[]): string {
  if (allowed.includes(text)) return text;
  const meant = closest(text, allowed);
  const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
  throw new UsageError(`${what}: expected one of ${allowed.join(', ')}, got ${JSON.stringify(text)}.${hint}`);
}

/** Words separated by commas, at least one. @throws UsageError */
export function words(name: string, text: string): string[] {
  const found = commaList(text);
  if (found.length === 0) throw new UsageError(`--${name}: expected at least one, separated by commas, got none.`);
  return found;
}

/** Copies the named values that were given. */
export function pick<T extends object, K extends keyof T>(values: T, ...keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => values[key] !== undefined).map((key) => [key, values[key]])) as Pick<T, K>;
}
