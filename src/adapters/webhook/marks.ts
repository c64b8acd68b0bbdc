/** Marks as requests spell them, turned into the engine's annotations. */
import { ProsamError } from '../../core/common/errors.ts';
import type { Annotation } from '../../core/mask/annotation.ts';
import type { Mark } from './schemas.ts';

/** Parts of a multipart body, by field name. */
export type Files = ReadonlyMap<string, readonly Uint8Array[]>;

/** @throws REQUEST_INVALID where a file part is missing */
export function annotationFromMark(mark: Mark, files: Files): Annotation {
  switch (mark.kind) {
    case 'rle':
      return { kind: 'coco-rle', rle: mark.rle };
    case 'png':
      return { kind: 'mask-file', file: mark.file === undefined ? Buffer.from(mark.base64 ?? '', 'base64') : filePart(files, mark.file) };
    default:
      return mark;
  }
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
