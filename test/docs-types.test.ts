/**
 * Type check of every `ts` block in the Markdown files against the sources, under `strict`, as a user's program would be.
 *
 * A block that is a fragment has its missing part in a comment above it, which readers do not see: `<!-- prelude: ... -->`.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { fencedBlocks, markdownFiles } from '../tools/markdown.ts';
import { packageEntries } from '../tools/package-entries.ts';

interface Block {
  name: string;
  path: string;
  text: string;
  /** Lines of the prelude, which messages leave out. */
  offset: number;
}

const blocks: Block[] = markdownFiles().flatMap((file) =>
  fencedBlocks(readFileSync(file, 'utf8'))
    .filter(({ language }) => language === 'ts')
    .map(({ code, line, comment }) => {
      const prelude = /^prelude:\s*([^]*)$/.exec(comment ?? '')?.[1] ?? '';
      const path = resolve('docs-blocks', `${file.replaceAll('/', '_')}-${line}.ts`);
      return { name: `${file}:${line}`, path, text: `${prelude}\n${code}\nexport {};\n`, offset: line - prelude.split('\n').length };
    }),
);

/** Diagnostics of every block, by its path. */
function check(): Map<string, string[]> {
  const { config } = ts.readConfigFile('tsconfig.json', (path) => ts.sys.readFile(path)) as { config: { compilerOptions: object } };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, resolve('.'));
  const settings: ts.CompilerOptions = {
    ...options,
    paths: Object.fromEntries(Object.entries(packageEntries()).map(([name, source]) => [name, [resolve(source)]])),
    // Beyond `strict`, which is what a user's own project has.
    noUncheckedIndexedAccess: false,
    exactOptionalPropertyTypes: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const host = ts.createCompilerHost(settings);
  const texts = new Map(blocks.map(({ path, text }) => [path, text]));
  host.readFile = (path) => texts.get(path) ?? ts.sys.readFile(path);
  host.fileExists = (path) => texts.has(path) || ts.sys.fileExists(path);
  host.getSourceFile = (path, target) => {
    const text = host.readFile(path);
    return text === undefined ? undefined : ts.createSourceFile(path, text, target);
  };
  const program = ts.createProgram([...texts.keys(), ...nodeTypes()], settings, host);
  return new Map(
    blocks.map(({ path, offset }) => {
      const file = program.getSourceFile(path);
      const found = [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
      return [
        path,
        found.map(
          ({ start = 0, messageText }) => `line ${lineOf(file, start) + offset}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
        ),
      ];
    }),
  );
}

const lineOf = (file: ts.SourceFile | undefined, start: number): number => (file?.getLineAndCharacterOfPosition(start).line ?? 0) + 1;
const nodeTypes = (): string[] => [join(resolve('node_modules'), '@types/node/index.d.ts')];

describe('the ts blocks of the documentation', () => {
  const diagnostics = check();

  it('are there', () => {
    expect(blocks.length).toBeGreaterThan(10);
  });

  it.each(blocks)('$name compiles', ({ path }) => {
    expect(diagnostics.get(path)).toEqual([]);
  });
});
