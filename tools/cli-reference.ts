/** Writes the reference of the command line (docs/reference/cli.md), made from the tables of the commands. */
import { commandSpecs } from '../src/cli/commands.ts';
import { argumentText, exitCodeText, grouped, isGroup, optionText, optionTitle, usageLines } from '../src/cli/common/help.ts';
import type { CommandSpec, GroupSpec } from '../src/cli/common/spec.ts';
import { makePage } from './made-page.ts';

/** Many examples need a server, a hub or photos; a test has the parser read each of them. */
const NOT_RUN = '<!-- not run: test/unit/cli/reference.test.ts parses each example -->';

/** Reference of all commands as Markdown. */
async function cliReference(): Promise<string> {
  const specs = await commandSpecs();
  const rows = specs.map(({ name, summary }) => [link(name), cell(summary)]);
  return `${[
    '# Command line',
    '`npm run docs:cli` makes this page from the tables of the commands; `prosam COMMAND --help` shows the same.',
    table(['command', ''], rows),
    ...specs.flatMap((spec) => (isGroup(spec) ? groupPage(spec) : commandPage(spec, '##'))),
  ].join('\n\n')}\n`;
}

function groupPage(spec: GroupSpec): string[] {
  const rows = spec.commands.map(({ name, summary }) => [link(name), cell(summary)]);
  return [
    `## prosam ${spec.name}`,
    sentence(spec.summary),
    ...paragraphs(spec.intro),
    table(['command', ''], rows),
    ...paragraphs(spec.notes),
    ...spec.commands.flatMap((one) => commandPage(one, '###')),
  ];
}

function commandPage(spec: CommandSpec, heading: string): string[] {
  const given = (spec.arguments ?? []).map((one) => [code(one.name), cell(argumentText(one))]);
  return [
    `${heading} prosam ${spec.name}`,
    sentence(spec.summary),
    block(
      'text',
      usageLines(spec).map((line) => line.trim()),
    ),
    ...paragraphs(spec.intro),
    ...(given.length > 0 ? [table(['argument', ''], given)] : []),
    ...grouped(spec).flatMap(([title, options]) => [
      ...(title === '' ? [] : [`**${title}**`]),
      table(
        ['option', ''],
        options.map(([name, option]) => [code(optionTitle(name, option)), cell(optionText(option))]),
      ),
    ]),
    ...paragraphs(spec.notes),
    sentence(`Exit code: ${exitCodeText(spec.exitCodes)}`),
    ...(spec.examples.length > 0 ? [`${NOT_RUN}\n${block('sh', spec.examples)}`] : []),
  ];
}

function paragraphs(texts: readonly string[] = []): string[] {
  return texts.map((text) => (text.includes('\n') ? block('text', text.split('\n')) : escaped(text)));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function block(language: string, lines: readonly string[]): string {
  return ['```' + language, ...lines, '```'].join('\n');
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function link(name: string): string {
  return `[prosam ${name}](#prosam-${name.replaceAll(' ', '-')})`;
}

function sentence(text: string): string {
  return `${escaped(text.charAt(0).toUpperCase() + text.slice(1))}.`;
}

function cell(text: string): string {
  return escaped(text).replaceAll('|', '\\|');
}

/** Text without meaning in Markdown and HTML; names with underscores and braces stay readable. */
function escaped(text: string): string {
  return text.replaceAll(/[<>*]/g, (one) => `\\${one}`);
}

makePage('docs/reference/cli.md', await cliReference(), 'npm run docs:cli');
