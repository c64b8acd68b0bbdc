/** Names of service projects, annotation sources, and functions as CVAT accepts them. */
import { createHash } from 'node:crypto';

/** Names CVAT accepts for a function; this one alone enables a browser plugin that expects other responses. */
const FUNCTION_NAME = /^[a-zA-Z0-9_.-]+$/;
const LONGEST_SLUG = 40;

/** The service's project for a CVAT project; tasks outside of any have one each. name: of the installation. */
export function projectNameOf(name: string, { project_id, task_id }: { project_id: number | null; task_id: number }): string {
  return project_id === null ? `${name}/task-${task_id}` : `${name}/project-${project_id}`;
}

/** The reverse: what such a name stands for in CVAT; undefined for names of other origins. */
export function cvatPlaceOf(name: string, project: string): { project: number } | { task: number } | undefined {
  const [, kind, id] = (project.startsWith(`${name}/`) && /^(project|task)-(\d{1,15})$/.exec(project.slice(name.length + 1))) || [];
  if (id === undefined) return undefined;
  return kind === 'project' ? { project: Number(id) } : { task: Number(id) };
}

/** Name of a detector. A project keeps its name for good, and no two share one: where letters had to go, a hash tells them apart. */
export function detectorName(project: string): string {
  const slug = project
    .normalize('NFKD')
    .replace(/[^a-zA-Z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .toLowerCase()
    .slice(0, LONGEST_SLUG)
    .replace(/-+$/, '');
  const hash = createHash('sha256').update(project).digest('hex').slice(0, 8);
  // One that ends like a hash could be another's name.
  const plain = slug === project && slug.length > 0 && !/-[0-9a-f]{8}$/.test(slug);
  const name = plain ? `prosam-${slug}` : `prosam-${slug === '' ? 'project' : slug}-${hash}`;
  return FUNCTION_NAME.test(name) && !RESERVED.has(name) ? name : `prosam-project-${hash}`;
}

export const INTERACTOR = 'prosam-click';
export const TRACKER = 'prosam-track';
const RESERVED: ReadonlySet<string> = new Set([INTERACTOR, TRACKER]);

/** Text that every reader of JSON and of HTTP takes: no control characters, nothing that is no Unicode, at most so long. */
export function plainText(text: string, longest: number): string {
  // eslint-disable-next-line no-control-regex -- these are what is taken out
  const plain = wellFormed(text).replace(/[\u0000-\u001f\u007f]+/g, ' ');
  return plain.length <= longest ? plain : `${wellFormed(plain.slice(0, longest - 3))}...`;
}

/** Halves of characters that stand alone would end up as bytes that are no text. */
function wellFormed(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd');
}
