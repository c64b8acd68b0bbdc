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
type DrawnBy<Kind> = Kind extends `${infer Shape}labels` ? Shape : never;
/** Kinds of regions that are drawn without a label, which `Labels` give them. */
export type ShapeKind = DrawnBy<ControlKind>;

export interface Control {
  kind: ControlKind;
  /** Name of what its regions are drawn with. */
  name: string;
  /** Name of the image it draws on. */
  toName: string;
  /** Labels as they appear in regions, in the order of the configuration. */
  labels: readonly string[];
  /** Field of the task's data that holds further labels. */
  labelsField?: string;
  /** Name of the `Labels` that names what is drawn with it: its regions come in two parts of one id. */
  labelledBy?: string;
  /** Its regions are sent as prompts while they are drawn. */
  smart: boolean;
  /** Its regions are prompts only, never an annotation. */
  smartOnly: boolean;
}

export interface ImageObject {
  name: string;
  /** Field of the task's data that holds the address, or the addresses. */
  field: string;
  /** Shows a list of images, one a page: regions say on which one they lie. */
  pages?: true;
}

export interface LabelConfig {
  controls: readonly Control[];
  images: readonly ImageObject[];
}

const unreadable = (problem: string): ProsamError =>
  new ProsamError('REQUEST_INVALID', `The labeling configuration cannot be read: ${problem}. Correct it in the project's settings.`);
const LIMITS: XmlLimits = { characters: 2 ** 20, elements: 20_000, fail: unreadable };
/** Each control without labels counts once for each `Labels` of its image. */
const MAX_CONTROLS = 1000;
/** Every task is compared with every one of them. */
const MAX_IMAGES = 100;
/** Bound on the labels of all controls together: those that several share count once for each. */
export const MAX_CONFIG_LABELS = 20_000;

/** Kind of a region that is drawn with a control without labels, such as `Brush`, once `Labels` name it; undefined for other types. */
export function labeledKind(type: string): ControlKind | undefined {
  return CONTROL_KINDS.find((kind) => kind === `${type}labels`);
}

/** @throws REQUEST_INVALID for what is not well formed */
export function parseLabelConfig(xml: string): LabelConfig {
  const elements: XmlElement[] = [];
  const visit = (element: XmlElement): void => {
    elements.push(element);
    element.children.forEach(visit);
  };
  visit(parseXml(xml, LIMITS));
  const separate = elements
    .filter(({ tag }) => tag.toLowerCase() === 'labels')
    .map((element) => ({ ...labelsOfControl(element), labelledBy: element.attributes.name, of: element.attributes.toName }));
  const controls: Control[] = [];
  let labels = 0;
  const add = (control: Control): void => {
    controls.push(control);
    labels += control.labels.length;
    if (controls.length > MAX_CONTROLS) throw unreadable(`it has more than ${MAX_CONTROLS} controls`);
    if (labels > MAX_CONFIG_LABELS) throw unreadable(`its controls have more than ${MAX_CONFIG_LABELS} labels together`);
  };
  for (const element of elements) {
    const tag = element.tag.toLowerCase();
    const { name, toName } = element.attributes;
    if (name === undefined || toName === undefined) continue;
    const own = { name, toName, ...smartness(element) };
    const kind = CONTROL_KINDS.find((one) => one === tag);
    if (kind !== undefined) add({ kind, ...own, ...labelsOfControl(element) });
    const drawn = labeledKind(tag);
    if (drawn === undefined) continue;
    for (const { labelledBy, of, ...named } of separate) {
      if (labelledBy !== undefined && of === toName) add({ kind: drawn, ...own, ...named, labelledBy });
    }
  }
  const images = elements.flatMap(imageOf);
  if (images.length > MAX_IMAGES) throw unreadable(`it has more than ${MAX_IMAGES} images`);
  return { controls, images };
}

function smartness({ attributes: { smart, smartOnly } }: XmlElement): Pick<Control, 'smart' | 'smartOnly'> {
  return { smart: smart === 'true' || smartOnly === 'true', smartOnly: smartOnly === 'true' };
}

function labelsOfControl(element: XmlElement): Pick<Control, 'labels' | 'labelsField'> {
  const labelsField = fieldOf(element.attributes.value);
  return { labels: [...new Set(labelsOf(element))], ...(labelsField !== undefined && { labelsField }) };
}

function imageOf({ tag, attributes: { name, value, valueList } }: XmlElement): ImageObject[] {
  if (tag.toLowerCase() !== 'image' || name === undefined) return [];
  const list = fieldOf(valueList);
  if (list !== undefined) return [{ name, field: list, pages: true }];
  const field = fieldOf(value);
  return field === undefined ? [] : [{ name, field }];
}

/** Name after a dollar sign: that of a field of the task's data. */
function fieldOf(value = ''): string | undefined {
  return /^\$([^\s[\]]+)/.exec(value)?.[1];
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
export const OUTPUTS: readonly ControlKind[] = ['brushlabels', 'bitmasklabels', 'polygonlabels', 'ellipselabels', 'rectanglelabels'];

export interface Output {
  label: string;
  control: Control;
  image: ImageObject;
}

/**
 * Output control of each label: one per label and image, the one that loses least of a mask; controls that only take prompts come
 * last. In the order of the configuration.
 */
export function outputsOf(config: LabelConfig): readonly Output[] {
  const made = known.get(config) ?? findOutputs(config);
  known.set(config, made);
  return made;
}

/** Thousands of tasks come with one configuration. */
const known = new WeakMap<LabelConfig, readonly Output[]>();

function findOutputs({ controls, images }: LabelConfig): Output[] {
  const outputs = new Map<string, Output & { rank: number }>();
  for (const control of controls) {
    const image = images.find(({ name }) => name === control.toName);
    const kind = OUTPUTS.indexOf(control.kind);
    if (image === undefined || kind < 0 || control.smartOnly) continue;
    const rank = kind;
    for (const label of control.labels) {
      const key = JSON.stringify([image.name, label]);
      const before = outputs.get(key);
      if (before === undefined || rank < before.rank) outputs.set(key, { label, control, image, rank });
    }
  }
  return [...outputs.values()].map(({ label, control, image }) => ({ label, control, image }));
}
