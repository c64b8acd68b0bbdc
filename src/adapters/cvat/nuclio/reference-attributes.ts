/**
 * Attribute values of a project's references, for the shapes that its detector answers. The service keeps masks alone, so they are read in
 * CVAT, where the references were drawn.
 */
import { messageOf } from '../../../core/common/errors.ts';
import type { Log } from '../../../service/ports/log.ts';
import { everyAnnotation } from '../../../service/every-annotation.ts';
import type { ConceptInfo, Service } from '../../../service/types.ts';
import type { CvatAnnotations, CvatAttribute, CvatLabel } from '../api/types.ts';
import { carriedAttributes, type ReferenceValues } from '../annotate/attributes.ts';
import { valuesOnFrame } from '../annotate/frame-annotations.ts';
import { placeOfLesson } from '../jobs/counted-lessons.ts';
import { cvatPlaceOf } from '../names.ts';
import type { CvatApi } from '../types.ts';
import { createPatientLookup } from './patient-lookup.ts';

/** An attribute of a label as a function declares it, and the value of the shapes it answers. */
export interface AnsweredAttribute extends Pick<CvatAttribute, 'name' | 'input_type' | 'values'> {
  value: string;
}

/** By label. */
export type AnsweredAttributes = ReadonlyMap<string, readonly AnsweredAttribute[]>;

/** Resolves to what is known. version: changes with the references. Never rejects. */
export type AttributesOf = (project: string, version: string) => Promise<AnsweredAttributes | undefined>;

export interface ReferenceAttributesOptions {
  api: Pick<CvatApi, 'labels' | 'annotations'>;
  service: Pick<Service, 'annotations' | 'projects'>;
  /** Name of the CVAT installation, and source of its annotations. */
  name: string;
  log: Log;
  /** Time for which values are reused while the references stay the same: people may change them. @default 600,000 */
  freshMs?: number;
  patienceMs?: number;
  clockMs?: () => number;
}

export function createReferenceAttributes({
  api,
  service,
  name,
  log,
  freshMs = 600_000,
  ...options
}: ReferenceAttributesOptions): AttributesOf {
  return createPatientLookup<AnsweredAttributes>({
    ...options,
    freshMs,
    onError: (project, error) => log.warn({ project }, `cvat: attributes of the references cannot be read: ${messageOf(error)}`),
    async ask(project) {
      const place = cvatPlaceOf(name, project);
      if (place === undefined) return new Map();
      const labels = (await api.labels(place)).filter(({ attributes, parent_id: parent }) => parent === null && attributes.length > 0);
      const { concepts } = await service.projects.get(project);
      const values = labels.length === 0 ? [] : await valuesOfReferences(project, labels, concepts);
      const refused = (problem: string): void => log.warn({ project }, `cvat: an attribute is left to CVAT's default: ${problem}`);
      const carried = carriedAttributes(values, labels, refused);
      for (const { label, attribute, values: found } of carried.differing)
        log.info({ project, label, attribute }, `cvat: an attribute is left to CVAT's default, for references differ: ${found.join(', ')}`);
      return new Map(labels.map((label) => [label.name, declaredOf(label, carried.values.get(label.name) ?? [])]));
    },
  });

  async function valuesOfReferences(
    project: string,
    labels: readonly CvatLabel[],
    concepts: readonly ConceptInfo[],
  ): Promise<ReferenceValues[]> {
    const wanted = new Map<string, Set<string>>();
    for (const { label, references } of concepts)
      if (labels.some((one) => one.name === label)) wanted.set(label, new Set(references.map(({ sha256 }) => sha256)));
    const jobs = new Map<number, CvatAnnotations | undefined>();
    const values: ReferenceValues[] = [];
    for await (const { source, externalId, sha256, labels: own } of everyAnnotation(service, project)) {
      const at = source === name ? placeOfLesson(externalId) : undefined;
      const shown = own.map(({ label }) => label).filter((label) => wanted.get(label)?.has(sha256) === true);
      if (at === undefined || shown.length === 0) continue;
      if (!jobs.has(at.job)) jobs.set(at.job, await annotationsOf(at.job));
      const there = jobs.get(at.job);
      for (const { id, name: label } of labels)
        if (there && shown.includes(label))
          for (const one of valuesOnFrame(there, at.frame, id)) values.push({ label, frame: at.frame, values: one });
    }
    return values;
  }

  /** undefined: it was deleted, or is hidden. */
  async function annotationsOf(job: number): Promise<CvatAnnotations | undefined> {
    try {
      return await api.annotations({ job });
    } catch (error) {
      log.warn({ job }, `cvat: attributes of a reference cannot be read: ${messageOf(error)}`);
      return undefined;
    }
  }
}

function declaredOf({ attributes }: CvatLabel, carried: readonly { spec_id: number; value: string }[]): AnsweredAttribute[] {
  return attributes.flatMap(({ id, name, input_type, values }) => {
    const value = carried.find(({ spec_id: of }) => of === id)?.value;
    return value === undefined ? [] : [{ name, input_type, values, value }];
  });
}
