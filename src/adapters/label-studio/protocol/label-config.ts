/** Parsed labeling configuration: images, controls and labels. */
import { ProsamError } from '../../../core/common/errors.ts';
import { parseXml, type XmlElement, type XmlLimits } from '../../../core/common/xml.ts';

/** Kinds of controls whose regions are masks, outlines, boxes or points on an image; lower case, as in regions. */
export const CONTROL_KINDS = [
  'brushlabels',
  'bitmasklabels',
  'polygonlabels',
  'rectanglelabels',
  'keypointlabels',
  'ellipselabels',
] as const;
export type ControlKind = (typeof CONTROL_KINDS)[number];

export interface Control {
  kind: ControlKind;
  name: string;
  /** Name of the image it draws on. */
  toName: string;
  /** Labels as they appear in regions, in the order of the configuration. */
  labels: readonly string[];
  /** Its regions are sent as prompts while they are drawn. */
  smart: boolean;
  /** Its regions are prompts only, never an annotation. */
  smartOnly: boolean;
}

export interface ImageObject {
  name: string;
  /** Field of the task's data that holds the address. */
  field: string;
}

export interface LabelConfig {
  controls: readonly Control[];
  images: readonly ImageObject[];
}

const LIMITS: XmlLimits = {
  characters: 2 ** 20,
  elements: 20_000,
  fail: (problem) =>
    new ProsamError('REQUEST_INVALID', `The labeling configuration cannot be read: ${problem}. Correct it in the project's settings.`),
};

/** @throws REQUEST_INVALID for what is not well formed */
export function parseLabelConfig(xml: string): LabelConfig {
  const controls: Control[] = [];
  const images: ImageObject[] = [];
  const visit = (element: XmlElement): void => {
    const { tag, attributes } = element;
    const kind = CONTROL_KINDS.find((one) => one === tag.toLowerCase());
    if (kind !== undefined && attributes.name !== undefined && attributes.toName !== undefined) {
      controls.push({
        kind,
        name: attributes.name,
        toName: attributes.toName,
        labels: [...new Set(labelsOf(element))],
        smart: attributes.smart === 'true' || attributes.smartOnly === 'true',
        smartOnly: attributes.smartOnly === 'true',
      });
    }
    if (tag.toLowerCase() === 'image' && attributes.name !== undefined) {
      const field = /^\$([^\s[\]]+)/.exec(attributes.value ?? '')?.[1];
      if (field !== undefined) images.push({ name: attributes.name, field });
    }
    element.children.forEach(visit);
  };
  visit(parseXml(xml, LIMITS));
  return { controls, images };
}

/** An alias takes the place of the value in regions. */
function labelsOf({ children }: XmlElement): string[] {
  return children.flatMap((child) => {
    const { alias, value } = child.attributes;
    const own = child.tag.toLowerCase() === 'label' ? [alias ?? value ?? ''].filter((label) => label !== '') : [];
    return [...own, ...labelsOf(child)];
  });
}

/** Output formats for masks, best first: the one that loses least of a mask. */
const OUTPUTS: readonly ControlKind[] = ['brushlabels', 'bitmasklabels', 'polygonlabels', 'rectanglelabels'];

export interface Output {
  label: string;
  control: Control;
  image: ImageObject;
}

/**
 * Output control of each label: one per label and image, the one that loses least of a mask; controls that only take prompts come
 * last. In the order of the configuration.
 */
export function outputsOf({ controls, images }: LabelConfig): Output[] {
  const outputs = new Map<string, Output & { rank: number }>();
  for (const control of controls) {
    const image = images.find(({ name }) => name === control.toName);
    const kind = OUTPUTS.indexOf(control.kind);
    if (image === undefined || kind < 0 || control.smartOnly) continue;
    const rank = kind;
    for (const label of control.labels) {
      const key = JSON.stringify([image.name, label]);
      const known = outputs.get(key);
      if (known === undefined || rank < known.rank) outputs.set(key, { label, control, image, rank });
    }
  }
  return [...outputs.values()].map(({ label, control, image }) => ({ label, control, image }));
}
