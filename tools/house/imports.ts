/** Reads the import statements of source files. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

export interface Import {
  /** Path below the root. */
  readonly from: string;
  /** Specifier as written. */
  readonly specifier: string;
  /** Path below the root for a relative specifier. */
  readonly to: string | undefined;
  readonly typeOnly: boolean;
}

const STATEMENT = /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

/** TypeScript files below a folder, as paths below it. */
export function sourceFiles(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules') && !name.split('/').includes('dist'))
    .sort();
}

/** Every import of the given files, dynamic ones of relative files included. */
export function importsOf(root: string, files: readonly string[]): Import[] {
  return files.flatMap((from) => {
    const text = readFileSync(join(root, from), 'utf8');
    const found = [...text.matchAll(STATEMENT)].map(([, type, specifier]) => ({
      specifier: specifier as string,
      typeOnly: type !== undefined,
    }));
    const later = [...text.matchAll(DYNAMIC)]
      .map(([, specifier]) => ({ specifier: specifier as string, typeOnly: false }))
      .filter(({ specifier }) => specifier.startsWith('.'));
    return [...found, ...later].map(({ specifier, typeOnly }) => ({
      from,
      specifier,
      to: specifier.startsWith('.') ? relative(root, resolve(root, dirname(from), specifier)) : undefined,
      typeOnly,
    }));
  });
}

/** `@scope/name/part` -> `@scope/name`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}
