/** Text of `--help`, made from the table of a command. */
import { wrapped } from '../../core/common/finding.ts';
import {
  defaultText,
  placeholder,
  rangeText,
  type ArgumentSpec,
  type CommandSpec,
  type GroupSpec,
  type NumberOption,
  type OptionSpec,
} from './spec.ts';
import { SUMMARIES } from './summaries.ts';

const MAX_WIDTH = 120;
const MIN_WIDTH = 60;
const MARGIN = 24;

/** Columns to write help in. */
function helpWidth(columns: number | undefined = process.stdout.columns): number {
  return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns || MAX_WIDTH));
}

export function isGroup(spec: CommandSpec | GroupSpec): spec is GroupSpec {
  return 'commands' in spec;
}

/** Text of `prosam --help`. */
export function overview(width = helpWidth()): string {
  const margin = Math.max(...Object.keys(SUMMARIES).map((name) => name.length)) + 'prosam '.length + 4;
  const lines = Object.entries(SUMMARIES).map(([name, summary]) => wrapped(`  prosam ${name}`.padEnd(margin), summary, width));
  return `prosam: annotate an object in one image, get its masks in all the others

${lines.join('\n')}

  prosam COMMAND --help   options and examples of a command
  prosam --version

Example:
  prosam segment --reference cup.jpg --box 40,60,210,240 --target-dir photos --out masks
`;
}

/** Help of a command, or of the sub-command that the arguments name. */
export function commandHelp(spec: CommandSpec | GroupSpec, args: readonly string[]): string {
  const sub = isGroup(spec) ? spec.commands.find(({ name }) => args.includes(subName({ name }))) : undefined;
  return helpText(sub ?? spec);
}

/** Name of a sub-command within its group. */
export function subName({ name }: Pick<CommandSpec, 'name'>): string {
  return name.slice(name.lastIndexOf(' ') + 1);
}

/** Text of `--help`. width: columns. */
export function helpText(spec: CommandSpec | GroupSpec, width = helpWidth()): string {
  const { name, summary, intro = [], notes = [], exitCodes, examples } = spec;
  const blocks = [
    [`prosam ${name}: ${summary}`],
    isGroup(spec) ? spec.commands.flatMap((one) => subCommand(one, width)) : usageLines(spec),
    ...intro.map((text) => [paragraph(text, width)]),
    ...(isGroup(spec) ? [[`prosam ${name} COMMAND --help   options and examples of one`]] : optionBlocks(spec, width)),
    ...notes.map((text) => [paragraph(text, width)]),
    [paragraph(`Exit code: ${exitCodeText(exitCodes)}.`, width)],
    ...(examples.length > 0 ? [['Examples:', ...examples.map((line) => `  ${line}`)]] : []),
  ];
  return `${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Ways to call a command, in full. */
export function usageLines({ name, usage }: CommandSpec): string[] {
  return usage.map((line) => `  prosam ${name}${line === '' ? '' : ` ${line}`}`);
}

export function exitCodeText(codes: Readonly<Record<number, string>>): string {
  return Object.entries(codes)
    .map(([code, text]) => `${code} ${text}`)
    .join(', ');
}

function subCommand(spec: CommandSpec, width: number): string[] {
  return [...usageLines(spec), wrapped(' '.repeat(MARGIN), spec.summary, width)];
}

/** An option and its value, such as "--target-dir DIR". */
export function optionTitle(name: string, option: OptionSpec): string {
  const value = placeholder(name, option);
  return `--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** Description of an option with its choices, range and default. */
export function optionText(option: OptionSpec): string {
  const range = option.type === 'whole' || option.type === 'number' ? notableRange(option) : undefined;
  const fallback = defaultText(option);
  const remarks = [
    ...(range === undefined ? [] : [range]),
    ...(option.required === true ? ['required'] : []),
    ...(fallback === undefined ? [] : [`default: ${fallback}`]),
  ];
  const choices = option.type === 'choice' ? `: ${option.choices.join(', ')}` : '';
  return `${option.about}${choices}${remarks.length === 0 ? '' : ` (${remarks.join('; ')})`}`;
}

/** Range of a number in words; undefined for those that are merely not negative. */
function notableRange(option: NumberOption): string | undefined {
  return option.max === undefined && (option.min ?? 0) <= 1 ? undefined : rangeText(option);
}

/** Description of an argument with its choices. */
export function argumentText({ about, choices }: ArgumentSpec): string {
  return `${about}${choices ? `: ${choices.join(', ')}` : ''}`;
}

/** Options by heading, in the order of their first one; those without a heading come first. */
export function grouped({ options }: CommandSpec): [heading: string, options: [name: string, option: OptionSpec][]][] {
  const groups = new Map<string, [string, OptionSpec][]>([['', []]]);
  for (const [name, option] of Object.entries(options)) {
    const heading = option.group ?? '';
    groups.set(heading, [...(groups.get(heading) ?? []), [name, option]]);
  }
  return [...groups].filter(([, members]) => members.length > 0);
}

function optionBlocks(spec: CommandSpec, width: number): string[][] {
  const entry = (title: string, text: string): string =>
    title.length + 4 > MARGIN
      ? `  ${title}\n${wrapped(' '.repeat(MARGIN), text, width)}`
      : wrapped(`  ${title}`.padEnd(MARGIN), text, width);
  const { arguments: given = [] } = spec;
  return [
    ...(given.length > 0 ? [given.map((one) => entry(one.name, argumentText(one)))] : []),
    ...grouped(spec).map(([heading, members]) => [
      ...(heading === '' ? [] : [`${heading}:`]),
      ...members.map(([name, option]) => entry(optionTitle(name, option), optionText(option))),
    ]),
  ];
}

function paragraph(text: string, width: number): string {
  return text.includes('\n') ? text : wrapped('', text, width);
}
