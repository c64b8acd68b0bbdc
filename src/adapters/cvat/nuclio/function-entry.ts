/** A function as Nuclio's dashboard describes it. CVAT's whole page of models fails over one entry that is not exactly so. */
import type { CvatFunction } from './functions.ts';
import type { AnsweredAttribute } from './reference-attributes.ts';

/** Shapes the tracker takes and gives. */
const TRACKED_SHAPES = ['mask', 'polygon', 'rectangle'] as const;

export interface FunctionEntry {
  metadata: { name: string; namespace: string; labels: Record<string, string>; annotations: Record<string, string> };
  spec: { description: string };
  status: { state: 'ready'; httpPort: number };
}

/** Without its values, even none, CVAT's list ends with status 500. */
function asDeclared({ name, input_type, values }: AnsweredAttribute) {
  return { name, input_type, values };
}

/** port: its own, where it is called directly; CVAT reads it in any case. */
export function functionEntry({ name, kind, title, description, labels, forms, attributes }: CvatFunction, port: number): FunctionEntry {
  // Texts alone: a number or a list here ends CVAT's list with status 500.
  const annotations: Record<string, string> = {
    ...{ name: title, type: kind, version: '2', animated_gif: '' },
    // Masks suit labels of masks, polygons and any shape; CVAT asks for no others unless their own form is declared.
    spec: kind === 'detector' ? JSON.stringify(labels.map(declared)) : '',
    help_message: description,
  };
  function declared(label: string, id: number) {
    return { id, name: label, type: forms?.get(label) ?? 'mask', attributes: (attributes?.get(label) ?? []).map(asDeclared) };
  }
  if (kind === 'interactor') {
    // No "startswith_box": CVAT takes any text there, even "false", as a yes.
    Object.assign(annotations, { min_pos_points: '1', min_neg_points: '0', startswith_box_optional: 'true' });
  }
  if (kind === 'tracker') annotations['supported_shape_types'] = TRACKED_SHAPES.join(',');
  return {
    metadata: { name, namespace: 'nuclio', labels: { 'nuclio.io/project-name': 'cvat' }, annotations },
    spec: { description },
    status: { state: 'ready', httpPort: port },
  };
}
