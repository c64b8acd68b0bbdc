/** Functions offered to CVAT: one detector per project with references, one interactor and one tracker for all. */
import { createLruMap } from '../../../core/common/lru-map.ts';
import { messageOf, ProsamError } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import { within } from '../../../core/common/patience.ts';
import type { ProjectService } from '../../../service/types.ts';
import type { ShapeForm } from '../annotate/new-shapes.ts';
import type { FactsOf, ProjectFacts } from './project-facts.ts';
import type { AnsweredAttributes, AttributesOf } from './reference-attributes.ts';
import { detectorName, INTERACTOR, plainText, TRACKER } from '../names.ts';

export type FunctionKind = 'detector' | 'interactor' | 'tracker';

export interface CvatFunction {
  /** Name under which CVAT calls it. */
  name: string;
  kind: FunctionKind;
  /** For people. */
  title: string;
  description: string;
  /** Project whose references a detector uses. */
  project?: string;
  /** Labels a detector finds. */
  labels: readonly string[];
  /** Forms that labels take which do not take masks. @default masks */
  forms?: ReadonlyMap<string, ShapeForm>;
  /** Attribute values of the shapes it answers. @default none: CVAT sets its own */
  attributes?: AnsweredAttributes;
}

/** A project with references, as it was at the last look. */
export interface Concepts {
  project: string;
  labels: readonly string[];
  /** Changes with its references. */
  version: string;
  facts?: ProjectFacts;
  attributes?: AnsweredAttributes;
}

export interface Functions {
  /** Those of projects somebody may not use included. Never rejects: what cannot be looked at now is shown as it was. */
  list(): Promise<CvatFunction[]>;
  /** @throws FUNCTION_NOT_FOUND, REFERENCE_MISSING where its project has lost its references */
  get(name: string): Promise<CvatFunction>;
  concepts(): Promise<Concepts[]>;
}

export interface FunctionsOptions {
  service: { projects: Pick<ProjectService, 'list' | 'get'> };
  log: Log;
  /** Facts that CVAT knows of a project. @default none: its labels take masks */
  factsOf?: FactsOf;
  /** Attribute values of a project's references. @default none are answered */
  attributesOf?: AttributesOf | undefined;
  /** Time for which a read of the store is reused. @default 2,000 */
  freshMs?: number;
  /** Milliseconds that only go forward. */
  clockMs?: () => number;
}

/** CVAT's page of models is one list: nobody reads more. */
const MAX_PROJECTS = 500;
/** Largest number of labels of one detector: each runs the decoder on every frame. */
const MAX_LABELS = 100;
const LANES = 4;
/** A look that takes longer is not waited for: what was seen before is shown. */
const LOOK_MS = 20_000;
/** Names that were offered once, kept to say what became of them. */
const MAX_REMEMBERED = 5000;

export function createFunctions({ service, log, factsOf, attributesOf, ...options }: FunctionsOptions): Functions {
  const { freshMs = 2000, clockMs = () => performance.now() } = options;
  let known = new Map<string, Concepts>();
  let lookedMs = -Infinity;
  let looking: Promise<void> | undefined;
  /** Project, as people read it, by the name of its detector. */
  const offered = createLruMap<string, string>({ max: MAX_REMEMBERED });

  const look = async (): Promise<void> => {
    const names = (await service.projects.list()).slice(0, MAX_PROJECTS);
    const found = new Map<string, Concepts>();
    const todo = names.values();
    const lane = async (): Promise<void> => {
      for (const project of todo) {
        const before = known.get(project);
        try {
          const { concepts, version } = await service.projects.get(project);
          const [facts, attributes] = await Promise.all([factsOf?.(project), attributesOf?.(project, version)]);
          const labelled = concepts.filter(({ label, references }) => references.length > 0 && isShowable(label));
          const labels = labelled
            .sort((a, b) => b.masks - a.masks || (a.label < b.label ? -1 : 1))
            .slice(0, MAX_LABELS)
            .map(({ label }) => label);
          if (labels.length > 0)
            found.set(project, { project, labels: labels.sort(), version, ...(facts && { facts }), ...(attributes && { attributes }) });
        } catch (error) {
          log.warn({ project }, `cvat: a project cannot be looked at: ${messageOf(error)}`);
          if (before) found.set(project, before);
        }
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    // In the order of the store, whichever came first.
    known = new Map(names.flatMap((name) => (found.has(name) ? [[name, found.get(name) as Concepts] as const] : [])));
  };
  const fresh = (): Promise<void> => {
    if (clockMs() - lookedMs < freshMs) return Promise.resolve();
    looking ??= within(look(), { ms: LOOK_MS })
      .catch((error: unknown) => log.warn({}, `cvat: the projects cannot be looked at: ${messageOf(error)}`))
      .finally(() => {
        lookedMs = clockMs();
        looking = undefined;
      });
    return looking;
  };
  const list = async (): Promise<CvatFunction[]> => {
    await fresh();
    const detectors = new Map<string, CvatFunction>();
    for (const concepts of known.values()) {
      const one = detector(concepts);
      if (one === undefined || detectors.has(one.name)) continue;
      detectors.set(one.name, one);
      offered.set(one.name, shownName(concepts));
    }
    return [...detectors.values(), ...STANDING];
  };

  return {
    list,
    async get(name) {
      const found = (await list()).find((one) => one.name === name);
      if (found) return found;
      const project = offered.get(name);
      if (project !== undefined) {
        throw new ProsamError(
          'REFERENCE_MISSING',
          `${plainText(project, 100)} has no labeled reference any more. Label one object in one frame, then try again.`,
        );
      }
      throw new ProsamError(
        'FUNCTION_NOT_FOUND',
        `There is no function ${JSON.stringify(plainText(name, 100))} here. Reload CVAT's page: its list of AI tools is out of date.`,
      );
    },
    async concepts() {
      await fresh();
      return [...known.values()];
    },
  };
}

/** CVAT's name of a project, which people know, or its name here. */
function shownName({ project, facts }: Concepts): string {
  return facts === undefined || facts.title.trim() === '' ? project : facts.title;
}

/** undefined: none of its labels takes what can be drawn. */
function detector(concepts: Concepts): CvatFunction | undefined {
  const { project, facts, attributes } = concepts;
  const forms = new Map<string, ShapeForm>();
  // A label that CVAT no longer has may come back, so it stays; CVAT drops what nobody asked for.
  const labels = concepts.labels.filter((label) => {
    const form = facts?.forms.get(label);
    if (form !== undefined && form !== 'mask') forms.set(label, form);
    return form !== undefined || facts?.forms.has(label) !== true;
  });
  if (labels.length === 0) return undefined;
  const shown = plainText(shownName(concepts), 80);
  const some = plainText(labels.slice(0, 5).join(', '), 200);
  const more = labels.length > 5 ? ` and ${labels.length - 5} more` : '';
  const without = concepts.labels.filter((label) => !labels.includes(label));
  const not = without.length === 0 ? '' : `. Not ${plainText(without.join(', '), 200)}: CVAT takes neither masks nor boxes for it`;
  return {
    ...{
      name: detectorName(project),
      kind: 'detector',
      title: `ProSAM: ${shown}`,
      project,
      labels,
      forms,
      ...(attributes && { attributes }),
    },
    description: `Finds what the references of ${shown} show: ${some}${more}${not}`,
  };
}

const STANDING: readonly CvatFunction[] = [
  {
    ...{ name: INTERACTOR, kind: 'interactor', title: 'ProSAM click', labels: [] },
    description: 'Click an object or draw a box around it; what was labelled before helps',
  },
  {
    ...{ name: TRACKER, kind: 'tracker', title: 'ProSAM track', labels: [] },
    description: 'Finds a marked object in the following frames',
  },
];

/** A half of a character could not be written by CVAT, and its whole list would fail. */
function isShowable(label: string): boolean {
  return label.trim() !== '' && !/[\p{Cs}\p{Cc}]/u.test(label);
}
