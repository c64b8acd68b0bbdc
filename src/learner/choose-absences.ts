/** Choice of the labels a run takes images not to show: those of labels that are learned, the newest, within a bound. */
import type { AbsenceRow, Store } from '../service/ports/storage.ts';
import type { SnapshotAbsence } from './snapshot.ts';

const PAGE = 1000;

export type AbsenceStore = {
  annotations: Pick<Store['annotations'], 'absences'>;
  images: Pick<Store['images'], 'get'>;
};

/** All of a project: one of each image and label, the newest. */
export async function absencesOf({ annotations }: AbsenceStore, project: string): Promise<AbsenceRow[]> {
  const found = new Map<string, AbsenceRow>();
  let after: number | undefined;
  for (;;) {
    const page = await annotations.absences(project, { limit: PAGE, ...(after !== undefined && { after }) });
    for (const row of page) found.set(`${row.sha256} ${row.label}`, row);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return [...found.values()];
    after = last.id;
  }
}

/** rows: oldest first; those of images without a side are left out. most: of each side */
export async function chooseAbsences(
  { images }: AbsenceStore,
  project: string,
  { rows, labels, most }: { rows: readonly AbsenceRow[]; labels: ReadonlySet<string>; most: Record<'train' | 'gate', number> },
): Promise<SnapshotAbsence[]> {
  const left = { ...most };
  const chosen: SnapshotAbsence[] = [];
  for (const { label, sha256, split } of rows.toReversed()) {
    if (!labels.has(label) || split === undefined || left[split] === 0) continue;
    const image = await images.get(project, sha256);
    if (image === undefined) continue;
    left[split]--;
    chosen.push({ label, sha256, width: image.width, height: image.height, split });
  }
  return chosen;
}
