/** The two ways a PyTorch checkpoint is refused: it is damaged, or it holds more than weights. */
import { ProsamError } from '../../common/errors.ts';

export function damagedCheckpoint(label: string, problem: string): ProsamError {
  return new ProsamError('CHECKPOINT_INVALID', `${label}: not a sound PyTorch checkpoint: ${problem}. Fetch or save the file again.`);
}

/** found: what stands there besides weights. */
export function refusedPickle(label: string, found: string): ProsamError {
  return new ProsamError(
    'CHECKPOINT_PICKLE',
    `${label}: expected weights alone, found ${found}. A pickle can run code, so nothing but tensors in dictionaries is read from one. ` +
      'Open it in PyTorch where it is trusted and save model.state_dict() alone, or save the weights as safetensors.',
  );
}
