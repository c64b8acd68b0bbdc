/**
 * The public interface in files: api/<entry>.api.md holds the declarations of each entry of package.json, sorted, without comments,
 * and below them those they refer to. `npm run api` writes them; `npm run api:check` fails where they differ from the sources.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import ts from 'typescript';

const FOLDER = 'api';
const MAX_SHOWN = 60;
const root = resolve('.');
/** Kinds of declarations at the top of a file. */
const TOP = [
  ts.isFunctionDeclaration,
  ts.isInterfaceDeclaration,
  ts.isTypeAliasDeclaration,
  ts.isClassDeclaration,
  ts.isVariableDeclaration,
  ts.isEnumDeclaration,
];

const read = (path: string): unknown => ts.readConfigFile(path, (name) => ts.sys.readFile(name)).config as unknown;
const config = ts.parseJsonConfigFileContent(read('tsconfig.json'), ts.sys, root);
const { exports } = read('package.json') as { exports: Record<string, unknown> };

/** Entry -> source file, by the paths of tsconfig.json: one for each entry of package.json. */
const entries = Object.keys(exports)
  .filter((name) => name !== './package.json')
  .map((name): readonly [entry: string, source: string] => {
    const specifier = name.replace('.', 'prosam');
    const source = config.options.paths?.[specifier]?.[0];
    if (source === undefined) throw new Error(`expected a path for ${specifier} in tsconfig.json, found none. Add one.`);
    return [specifier === 'prosam' ? 'prosam' : specifier.replace('prosam/', ''), resolve(source)];
  });

const declared = declarationsOf(entries.map(([, source]) => source));
const program = programOf(declared);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });
const reports = new Map(entries.map(([entry, source]) => [`${entry.replace('/', '-')}.api.md`, reportOf(entry, source)]));

if (process.argv.includes('--check')) check();
else write();

/** Declaration files of the sources, by their paths. */
function declarationsOf(sources: string[]): Map<string, string> {
  const emitted = new Map<string, string>();
  const options = { ...config.options, noEmit: false, declaration: true, emitDeclarationOnly: true, removeComments: true, noCheck: true };
  const result = ts.createProgram(sources, options).emit(undefined, (path, text) => emitted.set(resolve(path), text));
  const [problem] = result.diagnostics;
  if (problem) throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
  return emitted;
}

/** The declaration files as a program of their own. */
function programOf(files: ReadonlyMap<string, string>): ts.Program {
  const options = { ...config.options, paths: {} };
  const host = ts.createCompilerHost(options);
  const [fileExists, readFile] = [host.fileExists.bind(host), host.readFile.bind(host)];
  host.fileExists = (path) => files.has(resolve(path)) || (!isSource(path) && fileExists(path));
  // The extension of the source is not that of its declarations.
  host.readFile = (path) => files.get(resolve(path))?.replaceAll(/(['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2') ?? readFile(path);
  return ts.createProgram(
    entries.map(([, source]) => source.replace(/\.ts$/, '.d.ts')),
    options,
    host,
  );
}

function isSource(path: string): boolean {
  return path.endsWith('.ts') && !path.endsWith('.d.ts') && !relative(root, path).includes('node_modules');
}

function reportOf(entry: string, source: string): string {
  const file = program.getSourceFile(source.replace(/\.ts$/, '.d.ts'));
  const module = file && checker.getSymbolAtLocation(file);
  if (!module) throw new Error(`expected exports in ${relative(root, source)}, found none`);
  const own = new Map<string, ts.Symbol>();
  for (const symbol of checker.getExportsOfModule(module)) own.set(symbol.name, followed(symbol));
  const exported = new Set(own.values());
  const used = new Set<ts.Symbol>();
  for (const symbol of exported) addUsed(symbol, exported, used);
  const section = (symbols: Iterable<readonly [string, ts.Symbol]>): string[] =>
    [...symbols].map(([name, symbol]) => textOf(name, symbol)).sort();
  const blocks = [
    `# ${entry === 'prosam' ? 'prosam' : `prosam/${entry}`}\n`,
    'Made by `npm run api`; a change here is a change of the public interface.\n',
    ...['```ts', ...section(own), '```\n'],
    ...(used.size > 0
      ? ['## Referred to, not exported\n', '```ts', ...section([...used].map((symbol) => [symbol.name, symbol] as const)), '```\n']
      : []),
  ];
  return blocks.join('\n');
}

function followed(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** Our own declarations that a declaration's text names, and those they name. */
function addUsed(symbol: ts.Symbol, exported: ReadonlySet<ts.Symbol>, used: Set<ts.Symbol>): void {
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) || ts.isImportTypeNode(node)) {
      const found = checker.getSymbolAtLocation(ts.isImportTypeNode(node) ? (node.qualifier ?? node) : node);
      const named = found && followed(found);
      if (named && named !== symbol && isOurs(named) && !exported.has(named) && !used.has(named)) {
        used.add(named);
        addUsed(named, exported, used);
      }
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of ours(symbol)) visit(declaration);
}

/** Declared at the top of one of our files: not a member, not a parameter, not of a package. */
function isOurs(symbol: ts.Symbol): boolean {
  return ours(symbol).some((node) => TOP.some((is) => is(node)));
}

function ours(symbol: ts.Symbol): ts.Declaration[] {
  return (symbol.declarations ?? []).filter((node) => declared.has(resolve(node.getSourceFile().fileName)));
}

/** The declarations of a symbol under the name it is exported by. */
function textOf(name: string, symbol: ts.Symbol): string {
  const nodes = ours(symbol);
  if (nodes.length === 0) return `export { ${name} }; // of another package`;
  const text = nodes
    .map((node) => {
      const printed = printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
      return ts.isVariableDeclaration(node) ? `const ${printed};` : printed.replace(/^(export |declare |default )+/, '');
    })
    .join('\n');
  return name === symbol.name ? text : `// as ${name}\n${text}`;
}

function write(): void {
  mkdirSync(FOLDER, { recursive: true });
  for (const name of leftOver()) rmSync(join(FOLDER, name));
  for (const [name, text] of reports) writeFileSync(join(FOLDER, name), text);
  console.log(`${reports.size} reports in ${FOLDER}/`);
}

function check(): void {
  const problems = leftOver().map((name) => `${FOLDER}/${name}: no such entry any more`);
  for (const [name, text] of reports) {
    const path = join(FOLDER, name);
    const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
    if (before !== text) problems.push(`${path}:`, ...changedLines(before, text));
  }
  if (problems.length === 0) return;
  console.error(`The public interface has changed:\n${problems.join('\n')}\nRun npm run api and commit what it writes.`);
  process.exitCode = 1;
}

function leftOver(): string[] {
  return existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => !reports.has(name)) : [];
}

/** Lines that went and came, of a longest common subsequence: what `diff` prints without its context. */
function changedLines(before: string, after: string): string[] {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const common = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = now.length - 1; j >= 0; j--)
      (common[i] as Uint16Array)[j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const changed: string[] = [];
  for (let i = 0, j = 0; i < old.length || j < now.length;) {
    if (i < old.length && j < now.length && old[i] === now[j]) [i, j] = [i + 1, j + 1];
    else if (j >= now.length || (i < old.length && at(i + 1, j) >= at(i, j + 1))) changed.push(`- ${String(old[i++])}`);
    else changed.push(`+ ${String(now[j++])}`);
  }
  return changed.length > MAX_SHOWN ? [...changed.slice(0, MAX_SHOWN), `... and ${changed.length - MAX_SHOWN} more lines`] : changed;
}
