/** Data sets as labeling tools export them: recognised by what their files hold, or refused by name. */
import { open } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import type { Dataset } from '../../types.ts';
import type { DatasetFormat } from '../expected-tree.ts';
import type { OpenDatasetOptions } from '../options.ts';
import { createTally } from '../tally.ts';
import { readCocoExport } from './coco-export.ts';
import { readCvatXml } from './cvat-xml.ts';
import { readDatumaro } from './datumaro.ts';
import type { Gathered, ReadContext } from './gathered.ts';
import { jsonKind, type JsonKind } from './json-kind.ts';
import { readLabelme } from './labelme.ts';
import { readLabelStudio } from './label-studio.ts';
import { openGathered } from './open-gathered.ts';
import { refusalOf, refuseFile, type Seen } from './refused.ts';
import { readTree, type Tree } from './tree.ts';
import { maskFolders, readVocMasks } from './voc-masks.ts';
import { isYoloConfig, readYaml, readYolo } from './yolo.ts';

/** JSON files looked into; labelme writes one an image. */
const MAX_JSON = 40;
/** Folders that hold annotations and no images. */
const APART = /^(annotations?|labels?|jsons?)$/i;
const SNIFFED_BYTES = 64 * 2 ** 10;

interface Form {
  format: DatasetFormat;
  /** Name for people. */
  title: string;
  read: (context: ReadContext) => Promise<Gathered>;
}

/** Undefined where the folder holds none of these forms. only: a file to read instead of all. @throws DATASET_INVALID for what is refused by name */
export async function openForm(
  path: string,
  tried: readonly DatasetFormat[],
  options: OpenDatasetOptions,
  isFile: boolean,
): Promise<Dataset | undefined> {
  const tally = createTally();
  // The images of annotations/x.json lie beside that folder, as a rule.
  const above = dirname(path);
  const folder = !isFile ? path : APART.test(basename(above)) ? dirname(above) : above;
  if (isFile) await refuseFile(path);
  const tree = await readTree(folder, tally, options.signal);
  const only = isFile ? relative(folder, path).replaceAll('\\', '/') : undefined;
  const seen = await look(tree, only, options);
  const forms = formsOf(seen).filter(({ format }) => tried.includes(format));
  const [form] = forms;
  if (form === undefined) {
    const refused = await refusalOf(tree, seen);
    if (refused) throw refused;
    return undefined;
  }
  const gathered = await form.read({ tree, tally, options, ...(only !== undefined && { only }) });
  const others = forms.slice(1).map(({ title }) => title);
  const notes =
    others.length === 0
      ? []
      : [`it also holds ${others.join(' and ')}, which was not read: name that file with --data instead of the folder.`];
  return openGathered(path, form.title, { ...gathered, notes: [...gathered.notes, ...notes] }, { tree, tally, options });
}

/** Kinds of the files of a folder, by their content. */
async function look(tree: Tree, only: string | undefined, options: OpenDatasetOptions): Promise<Seen> {
  const json = new Map<JsonKind, string[]>();
  const among = only === undefined ? tree.files : [only];
  const candidates = among.filter((path) => /\.json$/i.test(path));
  for (const path of spread(candidates, MAX_JSON)) {
    options.signal?.throwIfAborted();
    const kind = await jsonKind(tree.at(path));
    json.set(kind, [...(json.get(kind) ?? []), path]);
  }
  // Each image has its file: those not looked into are taken for the same, and counted where they are not.
  if (json.has('labelme'))
    json.set(
      'labelme',
      candidates.filter((path) => !['coco', 'datumaro', 'label-studio'].some((kind) => json.get(kind as JsonKind)?.includes(path))),
    );
  const xml = { cvat: [] as string[], voc: [] as string[], other: [] as string[] };
  for (const path of spread(
    among.filter((one) => /\.xml$/i.test(one)),
    MAX_JSON,
  )) {
    const text = await headOf(tree.at(path));
    if (/<annotations[\s>]/.test(text)) xml.cvat.push(path);
    else if (/<annotation[\s>]/.test(text)) xml.voc.push(path);
    else xml.other.push(path);
  }
  let yolo: string | undefined;
  for (const path of among.filter((one) => /\.ya?ml$/i.test(one) && one.split('/').length <= 2)) {
    const fields = await readYaml(tree.at(path));
    if (fields && isYoloConfig(fields)) yolo ??= path;
  }
  if (
    yolo === undefined &&
    only === undefined &&
    tree.files.some((path) => /(^|\/)classes\.txt$/.test(path)) &&
    tree.files.some((path) => /(^|\/)labels\/.*\.txt$/.test(path))
  )
    yolo = '';
  return { json, xml, yolo, masks: only === undefined && maskFolders(tree).length > 0 };
}

function formsOf({ json, xml, yolo, masks }: Seen): Form[] {
  const of = (kind: JsonKind): readonly string[] => json.get(kind) ?? [];
  return [
    ...(yolo === undefined ? [] : [{ format: 'yolo', title: 'YOLO-seg', read: readYolo } as const]),
    ...(of('coco').length === 0
      ? []
      : [{ format: 'coco', title: 'COCO', read: (context: ReadContext) => readCocoExport(context, of('coco')) } as const]),
    ...(of('datumaro').length === 0
      ? []
      : [{ format: 'datumaro', title: 'Datumaro', read: (context: ReadContext) => readDatumaro(context, of('datumaro')) } as const]),
    ...(masks ? [{ format: 'voc-masks', title: 'Pascal VOC label maps', read: readVocMasks } as const] : []),
    ...(xml.cvat.length === 0
      ? []
      : [{ format: 'cvat', title: 'CVAT for images', read: (context: ReadContext) => readCvatXml(context, xml.cvat) } as const]),
    ...(of('label-studio').length === 0
      ? []
      : [
          {
            format: 'label-studio',
            title: 'Label Studio',
            read: (context: ReadContext) => readLabelStudio(context, of('label-studio')),
          } as const,
        ]),
    ...(of('labelme').length === 0
      ? []
      : [{ format: 'labelme', title: 'labelme', read: (context: ReadContext) => readLabelme(context, of('labelme')) } as const]),
  ];
}

async function headOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SNIFFED_BYTES), 0, SNIFFED_BYTES, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** At most so many of a list, evenly over its length. */
function spread<T>(all: readonly T[], most: number): T[] {
  const count = Math.min(most, all.length);
  return Array.from({ length: count }, (_, i) => all[Math.floor((i * all.length) / count)] as T);
}
