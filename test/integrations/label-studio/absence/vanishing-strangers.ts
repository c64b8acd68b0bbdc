/** Answers of whoever is not the Label Studio that is meant, or does not show all of it. */
import { ownMissing, type Before } from './vanishing-studio.ts';

/** They answer, and are not the Label Studio that is meant, or do not show all of it. */
export const strangers: [what: string, before: Before][] = [
  ['a proxy without anything behind it', () => ({ status: 404, html: 'default backend - 404' })],
  [
    'a proxy that lost tasks and annotations',
    (path) => (path.startsWith('/api/projects') ? undefined : { status: 404, html: '<h1>404</h1>' }),
  ],
  ['a token that lost access', () => ownMissing('Project')],
  ['a token that sees no tasks', (path) => (path.startsWith('/api/projects') ? undefined : ownMissing('Task'))],
  ['a token that is refused', () => ({ status: 401, json: { detail: 'Invalid token.' } })],
  ['a token that may not', () => ({ status: 403, json: { detail: 'You do not have permission.' } })],
  ['a login page', () => ({ html: '<form>log in</form>' })],
  ['a way to a login page', () => ({ status: 302, location: '/user/login' })],
  ['a service that answers everything with a list', () => ({ json: [] })],
  ['a service that answers everything with nothing', () => ({ json: { total: 0, tasks: [], count: 0, results: [] } })],
  [
    'another project of that number',
    (path, own) => {
      if (path.startsWith('/api/tasks?')) return { json: { total: 0, tasks: [] } };
      if (!path.startsWith('/api/projects')) return ownMissing('Annotation');
      return { json: { ...(own().json as object), created_at: '2026-12-24T00:00:00Z', task_number: 0 } };
    },
  ],
  [
    'an empty list',
    (path) => {
      if (path.startsWith('/api/tasks?')) return { json: { total: 0, tasks: [] } };
      return path.startsWith('/api/projects') ? undefined : ownMissing('Annotation');
    },
  ],
  [
    'an emptied project',
    (path, own) => {
      if (path.startsWith('/api/tasks?')) return { json: { total: 0, tasks: [] } };
      return path.startsWith('/api/projects') ? { json: { ...(own().json as object), task_number: 0 } } : ownMissing('Annotation');
    },
  ],
  [
    'a token that sees four of five tasks',
    (path, own) => {
      if (/annotations\/50\/|tasks\/5\//.test(path)) return ownMissing('Annotation');
      if (!path.startsWith('/api/tasks?')) return undefined;
      const { tasks } = own().json as { tasks: { id: number }[] };
      return { json: { total: 4, tasks: tasks.filter(({ id }) => id !== 5) } };
    },
  ],
  [
    'a token that sees tasks and no annotations',
    (path, own) => {
      if (!path.startsWith('/api/tasks?')) return path.startsWith('/api/projects') ? undefined : ownMissing('Annotation');
      const { total, tasks } = own().json as { total: number; tasks: object[] };
      return { json: { total, tasks: tasks.map((task) => ({ ...task, annotations: [] })) } };
    },
  ],
  [
    'a list that does not say what is annotated',
    (path, own) => {
      if (!path.startsWith('/api/tasks?')) return path.startsWith('/api/projects') ? undefined : ownMissing('Annotation');
      const { total, tasks } = own().json as { total: number; tasks: object[] };
      return { json: { total, tasks: tasks.map((task) => ({ ...task, annotations: undefined })) } };
    },
  ],
  [
    'a list whose second page is not there',
    (path, own) => {
      if (!path.startsWith('/api/tasks?')) return path.startsWith('/api/annotations') ? ownMissing('Annotation') : undefined;
      const { tasks } = own().json as { tasks?: object[] };
      return tasks && { json: { total: 5, tasks: tasks.slice(0, 4) } };
    },
  ],
  [
    'a server that is gone before the look ends',
    (() => {
      let projects = 0;
      return (path, own) => {
        if (path.startsWith('/api/projects')) return ++projects % 2 === 1 ? undefined : { status: 404, html: '404' };
        if (path.startsWith('/api/annotations')) return ownMissing('Annotation');
        const { total, tasks } = own().json as { total: number; tasks: { id: number }[] };
        return { json: { total, tasks: tasks.map((task) => (task.id === 5 ? { ...task, annotations: [] } : task)) } };
      };
    })(),
  ],
];
