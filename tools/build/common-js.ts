/** The build for `require`: every ES module that an entry reaches, translated file by file, so that entries share their chunks here too. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transform } from 'esbuild';

/** Names of a module's own address. */
const OWN_URL = 'import.meta.url';
const URL_NAME = 'ownModuleUrl';
const URL_LINE = `const ${URL_NAME} = require('node:url').pathToFileURL(__filename).href;\n`;
/** A file beside the importing one, loaded on demand. */
const ON_DEMAND = /\bimport\((['"]\.\/[^'"\n]+?)\.js(['"])\)/g;
/** Any file beside the importing one, with what stands before its ending. */
const BESIDE = /((?:\bfrom|\bimport|\bimport\()\s*['"]\.\/[^'"\n]+?)\.js(['"])/g;

/** Writes NAME.cjs and NAME.d.cts beside NAME.js and NAME.d.ts, for the named entries and all that they import. */
export async function writeCommonJs(folder: string, entries: readonly string[]): Promise<void> {
  const code = await reached(folder, entries, '.js');
  for (const [name, text] of code) await writeFile(join(folder, `${name}.cjs`), await translated(text, name));
  const types = await reached(folder, entries, '.d.ts');
  for (const [name, text] of types) await writeFile(join(folder, `${name}.d.cts`), text.replaceAll(BESIDE, '$1.cjs$2'));
}

/** Texts by name, without the ending. */
async function reached(folder: string, entries: readonly string[], ending: '.js' | '.d.ts'): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const reach = async (name: string): Promise<void> => {
    if (found.has(name)) return;
    const text = await readFile(join(folder, name + ending), 'utf8');
    found.set(name, text);
    for (const [, before = ''] of text.matchAll(BESIDE)) await reach(before.slice(before.indexOf('./') + 2));
  };
  for (const name of entries) await reach(name);
  return found;
}

async function translated(text: string, name: string): Promise<string> {
  // Packages and files of users stay with import(), which takes both kinds; runners such as jest have none for chunks.
  const required = text.replaceAll(ON_DEMAND, 'Promise.resolve().then(() => require($1.cjs$2))').replaceAll(BESIDE, '$1.cjs$2');
  const { code } = await transform(required, {
    // As .mjs, defaults of CommonJS packages are what Node makes of them.
    ...{ sourcefile: `${name}.mjs`, format: 'cjs', platform: 'node', target: 'node22' },
    define: { [OWN_URL]: URL_NAME },
  });
  return code.includes(URL_NAME) ? code.replace(/^("use strict";\n)?/, `$1${URL_LINE}`) : code;
}
