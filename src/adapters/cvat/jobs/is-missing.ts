/** CVAT's word that something is not there, told apart from every other trouble. */
import { OutboundError } from '../../http/outbound-response.ts';

/** @throws CVAT_* for every other answer than "there is none" */
export async function isMissing(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return false;
  } catch (error) {
    if (error instanceof OutboundError && error.answered === 404) return true;
    throw error;
  }
}
