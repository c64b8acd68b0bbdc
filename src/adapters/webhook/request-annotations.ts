/** Annotations as requests spell them, their files replaced by bytes. */
import { ProsamError } from '../../core/common/errors.ts';
import { annotationIn, type Annotation } from '../../core/mask/annotation.ts';
import type { AnnotationFields } from './schemas.ts';

/** Parts of a multipart body, by field name. */
export type Files = ReadonlyMap<string, readonly Uint8Array[]>;

/** @throws REQUEST_INVALID where a file part is missing, ANNOTATION_INVALID for fields that do not go together */
export function annotationFrom(fields: AnnotationFields, files: Files): Annotation {
  const { mask } = fields;
  const annotation = annotationIn(fields as Annotation);
  if (mask === undefined) return annotation;
  return { ...annotation, mask: mask.file === undefined ? Buffer.from(mask.base64 ?? '', 'base64') : filePart(files, mask.file) };
}

function filePart(files: Files, field: string): Uint8Array {
  const [bytes, another] = files.get(field) ?? [];
  if (bytes !== undefined && another === undefined) return bytes;
  const got = bytes === undefined ? `parts named ${[...files.keys()].slice(0, 20).join(', ') || '(none)'}` : 'several of that name';
  throw new ProsamError(
    'REQUEST_INVALID',
    `Expected one file part named ${JSON.stringify(field)}, got ${got}. Send multipart/form-data with it.`,
  );
}
