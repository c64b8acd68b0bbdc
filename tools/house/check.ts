/** Checks of the house: who imports whom, circles, full folders, long files. Each returns the offences as sentences. */
import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { packageOf, type Import } from './imports.ts';
import { FREE_OF_NODE, MAX_FILES, MAX_LINES, ROOMS, type Room } from './rooms.ts';

const inside = (file: string, place: string): boolean => place === '' || file === place || file.startsWith(`${place}/`);

/** The most specific room of a file; undefined where no rule holds. */
export function roomOf(file: string, rooms: readonly Room[] = ROOMS): Room | undefined {
  return rooms.filter(({ place }) => inside(file, place)).sort((a, b) => b.place.length - a.place.length)[0];
}

export function filesWithoutRoom(files: readonly string[], rooms: readonly Room[] = ROOMS): string[] {
  return files
    .filter((file) => roomOf(file, rooms) === undefined)
    .map((file) => `expected a room for src/${file}, got none: add it to rooms.ts`);
}

/** A row that no file falls under is out of date, unless it waits for its first file. */
export function emptyRooms(files: readonly string[], rooms: readonly Room[] = ROOMS): string[] {
  return rooms.flatMap(({ place, planned }) => {
    const used = files.some((file) => inside(file, place));
    if (used === (planned !== true)) return [];
    return [
      used ? `expected src/${place} to be planned no longer: it has files` : `expected files in src/${place}, got none: remove its row`,
    ];
  });
}

export function forbiddenImports(imports: readonly Import[], rooms: readonly Room[] = ROOMS): string[] {
  return imports
    .filter((one) => !allowed(one, roomOf(one.from, rooms)))
    .map(({ from, specifier }) => `expected src/${from} to stay within its room's rules, got an import of ${specifier}`);
}

function allowed({ from, specifier, to, typeOnly }: Import, room: Room | undefined): boolean {
  if (room === undefined) return false;
  if (to === undefined)
    return typeOnly || (isBuiltin(specifier) ? room.node === true : (room.packages ?? []).includes(packageOf(specifier)));
  // A type leaves no trace at run time; types of the engine are words everybody may use.
  if (typeOnly && (inside(to, 'core') || (room.types ?? []).some((place) => inside(to, place)))) return true;
  return [room.place, ...room.knows].some((place) => inside(to, place)) || to === from;
}

/** Values and types alike: a circle of types is two files that are one. */
export function circles(files: readonly string[], imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>(files.map((file) => [file, []]));
  for (const { from, to } of imports) if (to !== undefined) next.get(from)?.push(to);
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done' || !next.has(file)) return;
    if (state.get(file) === 'open') {
      found.push(`expected no circle of imports, got ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`);
      return;
    }
    state.set(file, 'open');
    for (const to of next.get(file) ?? []) visit(to, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  return found;
}

/** Follows imports by value from what pages run; whatever reaches Node or sharp is an offence. */
export function reachesNode(imports: readonly Import[], entries: readonly string[] = FREE_OF_NODE): string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const { from, to, specifier, typeOnly } of imports) {
      if (from !== file || typeOnly) continue;
      if (to !== undefined) follow(to);
      else if (isBuiltin(specifier) || packageOf(specifier) === 'sharp')
        found.push(`expected no Node below src/${file}, got an import of ${specifier}`);
    }
  };
  for (const entry of entries) follow(entry);
  return found;
}

/** Recorded data is exempt: only folders that hold source count. */
export function fullFolders(files: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const file of files) counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > MAX_FILES)
    .map(([folder, count]) => `expected at most ${MAX_FILES} files in ${folder}, got ${count}`);
}

export function longFiles(root: string, files: readonly string[]): string[] {
  return files.flatMap((file) => {
    const lines = readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
    return lines > MAX_LINES ? [`expected at most ${MAX_LINES} lines in ${file}, got ${lines}`] : [];
  });
}
