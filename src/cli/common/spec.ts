/**
 * Tables of commands: parsing, validation, `--help` and the reference in the docs are all made from the `CommandSpec` of a command.
 * A default is either applied by the parser (`default`) or documented only (`otherwise`), where the code behind the command applies it.
 */

interface OptionBase {
  /** Description without the default: begins with a lower-case word, has no full stop. */
  about: string;
  /** Heading under which the option is listed. */
  group?: string;
  /** Placeholder of the value, such as DIR. @default N for numbers, the option's name otherwise */
  value?: string;
  /** May be given several times. */
  repeat?: boolean;
  /** Several values, separated by commas. */
  list?: boolean;
  required?: boolean;
  /** Environment variable whose value stands for the option where that is absent. */
  environment?: string;
  /** Default in words, applied by the code behind the command. */
  otherwise?: string | number;
}

export interface FlagOption extends OptionBase {
  type: 'flag';
}

export interface TextOption extends OptionBase {
  type: 'text';
  default?: string;
}

export interface NumberOption extends OptionBase {
  type: 'whole' | 'number';
  min?: number;
  max?: number;
  default?: number;
}

export interface ChoiceOption extends OptionBase {
  type: 'choice';
  choices: readonly string[];
  default?: string;
}

export type OptionSpec = FlagOption | TextOption | NumberOption | ChoiceOption;
export type Options = Readonly<Record<string, OptionSpec>>;

export interface ArgumentSpec {
  /** Placeholder in capitals, such as NAME. */
  name: string;
  about: string;
  choices?: readonly string[];
  optional?: boolean;
  /** May be given several times; the last argument only. */
  repeat?: boolean;
}

interface Described {
  /** Words after `prosam`, such as 'models add'. */
  name: string;
  summary: string;
  /** Paragraphs before the options. */
  intro?: readonly string[];
  /** Paragraphs after the options; one with line breaks is kept as it is. */
  notes?: readonly string[];
  exitCodes: Readonly<Record<number, string>>;
  /** Lines of a shell. */
  examples: readonly string[];
}

export interface CommandSpec extends Described {
  /** Ways to call it, without `prosam NAME`. */
  usage: readonly string[];
  arguments?: readonly ArgumentSpec[];
  options: Options;
}

/** A command with sub-commands. */
export interface GroupSpec extends Described {
  commands: readonly CommandSpec[];
}

/** Checks a table while keeping its literal types. */
export function command<const S extends CommandSpec>(spec: S): S {
  return spec;
}

/** Checks a table of options while keeping its literal types. */
export function options<const O extends Options>(table: O): O {
  return table;
}

/** The same options under a heading. */
export function under<const O extends Options>(group: string, table: O): { [K in keyof O]: O[K] & { group: string } } {
  const entries = Object.entries(table).map(([name, option]) => [name, { ...option, group }]);
  return Object.fromEntries(entries) as { [K in keyof O]: O[K] & { group: string } };
}

/** 'target-dir' -> 'targetDir' */
export type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;

export function camel(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

type Single<O> = O extends { type: 'flag' }
  ? boolean
  : O extends { type: 'whole' | 'number' }
    ? number
    : O extends { choices: readonly (infer C)[] }
      ? C
      : string;
type Value<O> = O extends { repeat: true } | { list: true } ? Single<O>[] : Single<O>;
type Present<O> = O extends { type: 'flag' } | { required: true } | { default: string | number } ? true : false;

/** Values of parsed options by their names in camel case; flags that were not given are false. */
export type Values<O extends Options> = {
  [K in keyof O as Present<O[K]> extends true ? Camel<K & string> : never]: Value<O[K]>;
} & {
  [K in keyof O as Present<O[K]> extends true ? never : Camel<K & string>]?: Value<O[K]>;
};

/** Placeholder of an option's value; undefined for flags. */
export function placeholder(name: string, { type, value }: OptionSpec): string | undefined {
  if (type === 'flag') return undefined;
  return value ?? (type === 'whole' || type === 'number' ? 'N' : name.toUpperCase());
}

/** Range of a number in words, such as "1 to 48". */
export function rangeText({ min, max }: Pick<NumberOption, 'min' | 'max'>): string | undefined {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  if (min !== undefined) return `at least ${min}`;
  return max === undefined ? undefined : `at most ${max}`;
}

/** Default of an option in words; undefined where there is none. */
export function defaultText(option: OptionSpec): string | undefined {
  const value = option.otherwise ?? (option.type === 'flag' ? undefined : option.default);
  const words = [...(value === undefined ? [] : [String(value)]), ...(option.environment === undefined ? [] : [`$${option.environment}`])];
  return words.length === 0 ? undefined : words.reverse().join(', else ');
}
