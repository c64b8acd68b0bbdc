/** Notices about the images of a data set, counted: one line a kind at the end, however many images there are. */
import type { Notice, NoticeCode } from '../../core/common/notice.ts';

export interface DataNotices {
  /** Takes a notice; the same image may be read several times. */
  add: (notice: Notice, file: string) => void;
  lines(): string[];
}

export function createDataNotices(): DataNotices {
  const found = new Map<NoticeCode, { files: Set<string>; first: string }>();
  return {
    add({ code, message }, file) {
      const known = found.get(code) ?? { files: new Set<string>(), first: `${file}: ${message}` };
      known.files.add(file);
      found.set(code, known);
    },
    lines: () =>
      [...found].map(([code, { files, first }]) => `${files.size} ${files.size === 1 ? 'image' : 'images'} with ${code}, such as ${first}`),
  };
}
