/** The project itself, asked for by its number: whether what answers at an address is the Label Studio, and the project, that are known. */
import { projectKeyOf } from '../protocol/events.ts';
import type { ApiProject } from '../api/responses.ts';
import type { LabelStudioClient } from '../api/client.ts';
import { failed } from '../api/transport.ts';
import type { Connection } from '../types.ts';

/** @throws LABEL_STUDIO_* where no project of that number answers, or one that was made at another time: another server, or a new one */
export async function confirmProject(
  client: Pick<LabelStudioClient, 'project'>,
  { key, projectId }: Pick<Connection, 'key' | 'projectId'>,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<ApiProject> {
  const project = await client.project(projectId, options);
  const responses = projectKeyOf(project.id, project.created_at);
  // A key of old says the number alone.
  if (project.id === projectId && (responses === key || !key.includes('.'))) return project;
  throw failed(
    `GET /api/projects/${projectId}: expected project ${key}, got ${responses ?? 'one without a date'}: another Label Studio, or another project of that number. Connect it anew, or correct the url`,
  );
}

/** Longest title that is shown, in characters. */
const LONGEST_TITLE = 60;

/** A title as people read it, on one line: it may hold anything. */
export function shownTitle(title: string): string {
  const plain = title.replace(/[\p{Cc}\p{Cs}\p{Bidi_Control}\s]+/gu, ' ').trim();
  return plain.length <= LONGEST_TITLE
    ? plain
    : `${Array.from(plain)
        .slice(0, LONGEST_TITLE - 3)
        .join('')}...`;
}
