/** `npm run house`: writes the dependency table and checks the house; `--check` (lint) writes nothing. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { circles, emptyRooms, filesWithoutRoom, forbiddenImports, fullFolders, longFiles, reachesNode } from './check.ts';
import { importsOf, sourceFiles } from './imports.ts';
import { withTable } from './table.ts';

const root = resolve(import.meta.dirname, '../..');
const src = sourceFiles(`${root}/src`);
const imports = importsOf(`${root}/src`, src);
const all = ['src', 'test', 'tools', 'examples'].flatMap((folder) => sourceFiles(`${root}/${folder}`).map((file) => `${folder}/${file}`));

const offences = [
  ...filesWithoutRoom(src),
  ...emptyRooms(src),
  ...forbiddenImports(imports),
  ...circles(src, imports),
  ...reachesNode(imports),
  ...fullFolders(all),
  ...longFiles(root, all),
];

const file = `${root}/ARCHITECTURE.md`;
const document = readFileSync(file, 'utf8');
const current = withTable(document);
if (process.argv.includes('--check')) {
  if (current !== document)
    offences.push('expected the dependency table of ARCHITECTURE.md to match rooms.ts, got an old one: run npm run house');
} else if (current !== document) writeFileSync(file, current);

for (const offence of offences) console.error(offence);
if (offences.length > 0) process.exitCode = 1;
else console.log(`house: ${src.length} files of src in order, ${all.length} in all`);
