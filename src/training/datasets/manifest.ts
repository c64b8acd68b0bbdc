/** `classes.json`, from a bare list of names to a full suite with images, splits, folds and test pairs. */
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ProsamError } from '../../core/common/errors.ts';
import type { DatasetClass } from '../types.ts';

const MAX_BYTES = 256 * 2 ** 20;

const classId = z.int().min(1).max(254);
const className = z.string().min(1).max(200);
/** Files stay inside the data's folder. */
const localPath = z
  .string()
  .min(1)
  .max(1000)
  .refine((path) => !/^([/\\]|[a-z]:)|(^|[/\\])\.\.([/\\]|$)/i.test(path), 'expected a path inside the folder of the data');
const classEntry = z.object({ id: classId, name: className });
const split = z.enum(['train', 'test']);

const imageEntry = z.object({
  image: localPath,
  mask: localPath,
  w: z.int().positive().optional(),
  h: z.int().positive().optional(),
  split: split.optional(),
  /** Class id -> share of the image. */
  area: z.record(z.string().regex(/^\d+$/), z.number().min(0).max(1)).optional(),
});

const foldEntry = z.object({
  novel: z.array(classId),
  base: z.array(classId).optional(),
  /** [class id, key of the reference, key of the target]. */
  pairs: z.array(z.tuple([classId, z.string(), z.string()])).optional(),
});

const manifestSchema = z.object({
  suite: z.string().min(1).max(200).optional(),
  classes: z.union([z.array(className), z.array(classEntry)]).refine((list) => list.length >= 1 && list.length <= 254, 'expected 1 to 254'),
  /** Share of an image a class must cover to count as shown. */
  min_area: z.number().min(0).max(1).optional(),
  images: z.record(z.string(), imageEntry).optional(),
  split: z.object({ test: z.array(z.string()) }).optional(),
  folds: z.array(foldEntry).max(254).optional(),
  /** Ids that stay in the label maps but are neither trained nor tested. */
  leave_out: z.array(classId).optional(),
});

export type ManifestImage = z.infer<typeof imageEntry>;
export type ManifestFold = z.infer<typeof foldEntry>;
export type Manifest = Omit<z.infer<typeof manifestSchema>, 'classes'> & { classes: DatasetClass[] };

/** @throws DATASET_INVALID */
export async function readManifest(file: string): Promise<Manifest> {
  let content: unknown;
  try {
    const { size } = await stat(file);
    if (size > MAX_BYTES) throw new Error(`it has ${size} bytes, at most ${MAX_BYTES} are read`);
    content = JSON.parse((await readFile(file, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new ProsamError('DATASET_INVALID', `${file}: expected JSON, but ${messageOf(cause)}. ${FORMS}`, { cause });
  }
  const parsed = manifestSchema.safeParse(Array.isArray(content) ? { classes: content as unknown[] } : content);
  if (!parsed.success) throw new ProsamError('DATASET_INVALID', `${file}: ${firstIssues(parsed.error)} ${FORMS}`);
  const classes = parsed.data.classes.map((entry, i) => (typeof entry === 'string' ? { id: i + 1, name: entry } : entry));
  const twice = classes.find(({ id, name }, i) => classes.some((other, j) => j < i && (other.id === id || other.name === name)));
  if (twice) throw new ProsamError('DATASET_INVALID', `${file}: the class ${twice.id} (${twice.name}) is there twice. Remove one.`);
  return { ...parsed.data, classes };
}

const FORMS =
  'The shortest form is ["cup", "dog"], the next { "classes": [{ "id": 1, "name": "cup" }], "min_area": 0.01, "split": { "test": ["a"] }, "folds": [{ "novel": [1] }] }.';

function firstIssues(error: z.ZodError): string {
  const shown = error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.') || 'content'}: ${message}`);
  const more = error.issues.length - shown.length;
  return `expected other content (${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}).`;
}
