/** Name of a project for people: its number and the title it has in Label Studio. */
import type { ApiProject } from '../../adapters/label-studio/api/responses.ts';
import { shownTitle } from '../../adapters/label-studio/connection/project.ts';

export function projectText({ id, title }: Pick<ApiProject, 'id' | 'title'>): string {
  return `project ${id} "${shownTitle(title)}"`;
}
