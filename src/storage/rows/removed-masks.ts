/** Masks that somebody removed: their annotation was deleted or withdrawn, or shows their label no more. */
import { ACTIVE, type Change } from '../schema/schema.ts';

const MASKS_AT_ONCE = 500;

/** Number of masks with these ids that count no more, and that no newer revision of their annotation replaces; erased ones are among them. */
export async function countRemoved(change: Change, ids: readonly number[]): Promise<number> {
  let removed = 0;
  for (let from = 0; from < ids.length; from += MASKS_AT_ONCE) {
    const page = ids.slice(from, from + MASKS_AT_ONCE);
    const { left } = await change
      .selectFrom('masks')
      .select(({ fn }) => fn.countAll<number>().as('left'))
      .where('id', 'in', page)
      .executeTakeFirstOrThrow();
    removed += new Set(page).size - left;
    const inactive = await change
      .selectFrom('masks')
      .innerJoin('annotations', 'annotations.sequence', 'masks.sequence')
      .select(['masks.label', 'annotations.project', 'annotations.source', 'annotations.external_id'])
      .where('masks.id', 'in', page)
      .where('masks.active', '=', 0)
      .execute();
    for (const { project, source, external_id, label } of inactive) {
      const replacement = await change
        .selectFrom('annotations')
        .innerJoin('masks', 'masks.sequence', 'annotations.sequence')
        .select('masks.id')
        .where('annotations.project', '=', project)
        .where('annotations.source', '=', source)
        .where('annotations.external_id', '=', external_id)
        .where('annotations.active', '=', ACTIVE)
        .where('masks.label', '=', label)
        .limit(1)
        .executeTakeFirst();
      if (replacement === undefined) removed++;
    }
  }
  return removed;
}
