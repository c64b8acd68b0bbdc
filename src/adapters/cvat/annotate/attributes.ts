/** Attribute values of the shapes people drew as references, for the shapes that are predicted from them. */
import { z } from 'zod';
import { ProsamError } from '../../../core/common/errors.ts';
import type { CvatAttribute, CvatLabel, CvatTrack } from '../api/types.ts';

/** Value of an attribute on a shape, as CVAT stores it. */
export interface AttributeValue {
  spec_id: number;
  value: string;
}

/** Values on one shape that is a reference. */
export interface ReferenceValues {
  label: string;
  frame: number;
  values: AttributeValue[];
}

export interface CarriedAttributes {
  /** For the shapes of each label, by its name. */
  values: Map<string, AttributeValue[]>;
  /** Attributes whose values differ among the references of a label: CVAT's default is left to stand. */
  differing: { label: string; attribute: string; values: string[] }[];
}

const attributeValue = z.object({ spec_id: z.int(), value: z.string().max(4096) });

/** Those that can be read; others are left out. */
export function valuesOf(attributes: readonly unknown[]): AttributeValue[] {
  return attributes.flatMap((one) => {
    const { success, data } = attributeValue.safeParse(one);
    return success ? [data] : [];
  });
}

/** Values of a track on a frame: its own, and of those that change the latest before. */
export function valuesOfTrack({ attributes, shapes }: Pick<CvatTrack, 'attributes' | 'shapes'>, frame: number): AttributeValue[] {
  const before = shapes.filter((shape) => shape.frame <= frame).sort((a, b) => a.frame - b.frame);
  const latest = new Map([attributes, ...before.map((shape) => shape.attributes)].flatMap(valuesOf).map((one) => [one.spec_id, one]));
  return [...latest.values()];
}

/**
 * Values that all references of a label share; a shape without a value has the default. references: those of one run. onRefused: told of a
 * value that the label does not allow, which leaves CVAT's default to stand.
 * @throws OPTION_INVALID for such a value where nobody is told
 */
export function carriedAttributes(
  references: readonly ReferenceValues[],
  labels: readonly CvatLabel[],
  onRefused?: (problem: string) => void,
): CarriedAttributes {
  const carried: CarriedAttributes = { values: new Map(), differing: [] };
  for (const { name: label, attributes } of labels) {
    const own = references.filter((one) => one.label === label);
    if (own.length === 0) continue;
    const values: AttributeValue[] = [];
    for (const attribute of attributes) {
      const { id, name, default_value: usual } = attribute;
      if (id === undefined) continue;
      const refused: string[] = [];
      const found = own.map(({ frame, values: there }) => {
        const value = there.find(({ spec_id: of }) => of === id)?.value;
        const problem = value === undefined ? undefined : problemOf(attribute, value, { label, frame });
        if (problem !== undefined) refused.push(problem);
        return value ?? usual;
      });
      const [first] = refused;
      if (first !== undefined) {
        if (onRefused === undefined)
          throw new ProsamError('OPTION_INVALID', `--attributes: ${first} Correct it in CVAT and save, or run without --attributes.`);
        onRefused(first);
        continue;
      }
      const different = [...new Set(found)];
      if (different.length > 1) carried.differing.push({ label, attribute: name, values: different });
      else values.push({ spec_id: id, value: different[0] as string });
    }
    carried.values.set(label, values);
  }
  return carried;
}

/** Expected and got, in words; undefined where the value is allowed. */
function problemOf(attribute: CvatAttribute, value: string, { label, frame }: { label: string; frame: number }): string | undefined {
  const expected = expectedOf(attribute, value);
  if (expected === undefined) return undefined;
  return `expected the attribute ${attribute.name} of ${label} on frame ${frame} to be ${expected}, got ${JSON.stringify(value)}.`;
}

/** Allowed values in words; undefined where the value is one of them. */
function expectedOf({ input_type: type, values }: CvatAttribute, value: string): string | undefined {
  switch (type) {
    case 'select':
    case 'radio':
      return values.includes(value) ? undefined : `one of ${values.join(', ')}`;
    case 'checkbox':
      return value === 'true' || value === 'false' ? undefined : 'true or false';
    case 'number': {
      const [least = '', largest = ''] = values;
      const number = Number(value);
      const isInside = value.trim() !== '' && Number.isFinite(number) && !(number < Number(least)) && !(number > Number(largest));
      return isInside ? undefined : `a number from ${least} to ${largest}`;
    }
    default:
      return undefined;
  }
}
