/** Names of the layers of the mask decoder's small networks. */
import type { CheckpointTensors } from '../checkpoint.ts';

/** A small network of linear layers: in transformers first, between and last; at Meta one list. */
const LAYERS =
  /^(mask_decoder\.(?:output_hypernetworks_mlps\.\d+|iou_prediction_head|pred_obj_score_head))\.(proj_in|layers\.(\d+)|proj_out)\.(weight|bias)$/;

/** The name of such a layer at Meta; undefined for any other tensor. */
export function layerName(tensors: CheckpointTensors, name: string): string | undefined {
  const found = LAYERS.exec(name);
  if (!found) return undefined;
  const [, network = '', which = '', between, kind = ''] = found;
  let inner = 0;
  while (tensors.has(`${network}.layers.${inner}.weight`)) inner++;
  const index = which === 'proj_in' ? 0 : which === 'proj_out' ? inner + 1 : Number(between) + 1;
  return `${network}.layers.${index}.${kind}`;
}
