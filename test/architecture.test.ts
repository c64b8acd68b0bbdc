/** Dependency rules of ARCHITECTURE.md, held against the imports. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { circles, emptyRooms, filesWithoutRoom, forbiddenImports, fullFolders, longFiles, reachesNode } from '../tools/house/check.ts';
import { importsOf, sourceFiles, type Import } from '../tools/house/imports.ts';
import type { Room } from '../tools/house/rooms.ts';
import { dependencyTable, withTable } from '../tools/house/table.ts';

const SOURCE = resolve('src');
const files = sourceFiles(SOURCE);
const imports = importsOf(SOURCE, files);

const one = (from: string, specifier: string, to?: string, typeOnly = false): Import => ({ from, specifier, to, typeOnly });

describe('the architecture', () => {
  it('has a room for every file, and lets each import only what its room may know', () => {
    expect(imports.length).toBeGreaterThan(1500); // the pattern really finds them
    expect(filesWithoutRoom(files)).toEqual([]);
    expect(emptyRooms(files)).toEqual([]);
    expect(forbiddenImports(imports)).toEqual([]);
  });

  it('has no circle of imports, not even of types', () => {
    expect(circles(files, imports)).toEqual([]);
  });

  it('keeps the engine, the client and all that runs in browsers free of Node, whichever way one follows their imports', () => {
    expect(reachesNode(imports)).toEqual([]);
  });

  it('has no full folder and no long file', () => {
    expect(fullFolders(files)).toEqual([]);
    expect(longFiles(SOURCE, files)).toEqual([]);
  });
});

describe('the checks', () => {
  const rooms: Room[] = [
    { place: 'a', knows: ['b'], packages: ['zod'], why: '' },
    { place: 'a/deep', knows: [], types: ['c'], node: true, why: '' },
    { place: 'b', knows: [], why: '' },
  ];

  it('refuse other rooms, packages and Node, but for what the row names', () => {
    const good = [
      one('a/x.ts', '../b/y.ts', 'b/y.ts'),
      one('a/x.ts', 'zod'),
      one('a/deep/x.ts', 'node:fs'),
      one('a/deep/x.ts', '../../c/t.ts', 'c/t.ts', true),
      one('b/y.ts', '../core/t.ts', 'core/t.ts', true),
    ];
    expect(forbiddenImports(good, rooms)).toEqual([]);
    const bad = [
      one('b/y.ts', '../a/x.ts', 'a/x.ts'),
      one('a/x.ts', 'node:fs'),
      one('a/x.ts', 'express'),
      one('a/deep/x.ts', '../../b/y.ts', 'b/y.ts'),
      one('a/deep/x.ts', '../../c/t.ts', 'c/t.ts'),
      one('b/y.ts', '../core/t.ts', 'core/t.ts'),
      one('nowhere/x.ts', '../b/y.ts', 'b/y.ts'),
    ];
    expect(forbiddenImports(bad, rooms)).toHaveLength(bad.length);
    expect(filesWithoutRoom(['a/x.ts', 'nowhere/x.ts'], rooms)).toHaveLength(1);
    expect(emptyRooms(['a/x.ts', 'a/deep/x.ts'], rooms)).toEqual([expect.stringContaining('src/b')]);
    expect(emptyRooms(['b/x.ts'], [{ place: 'b', knows: [], planned: true, why: '' }])).toHaveLength(1);
  });

  it('find circles of values and of types', () => {
    const ring = [one('a.ts', './b.ts', 'b.ts'), one('b.ts', './c.ts', 'c.ts', true), one('c.ts', './a.ts', 'a.ts')];
    expect(circles(['a.ts', 'b.ts', 'c.ts'], ring)).toEqual([expect.stringContaining('a.ts -> b.ts -> c.ts -> a.ts')]);
    expect(circles(['a.ts', 'b.ts', 'c.ts'], ring.slice(0, 2))).toEqual([]);
  });

  it('find Node below a page, full folders and long files', () => {
    expect(reachesNode([one('page.ts', './b.ts', 'b.ts'), one('b.ts', 'node:fs')], ['page.ts'])).toHaveLength(1);
    expect(reachesNode([one('page.ts', './b.ts', 'b.ts', true), one('b.ts', 'node:fs')], ['page.ts'])).toEqual([]);
    expect(fullFolders(Array.from({ length: 31 }, (_, i) => `src/a/${i}.ts`))).toHaveLength(1);
    const folder = mkdtempSync(join(tmpdir(), 'prosam-house-'));
    try {
      writeFileSync(join(folder, 'long.ts'), 'x\n'.repeat(301));
      writeFileSync(join(folder, 'short.ts'), 'x\n'.repeat(300));
      expect(longFiles(folder, ['long.ts', 'short.ts'])).toEqual([expect.stringContaining('long.ts')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('put the table between its markers, and say when they are gone', () => {
    const before = 'a\n<!-- dependency table: made by npm run house -->\nold\n<!-- end of the dependency table -->\nb';
    expect(withTable(before, 'new')).toBe(before.replace('old', 'new'));
    expect(() => withTable('a', 'new')).toThrow('expected the lines');
    expect(dependencyTable(rooms)).toContain('| `a/deep` | types of `c` | Node |');
  });
});
