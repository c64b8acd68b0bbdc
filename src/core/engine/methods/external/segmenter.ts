/** The protocol on a transport: describes itself once, then segments. */
import { ProsamError } from '../../../common/errors.ts';
import { answerOf, descriptionOf, masksOf } from './answers.ts';
import { describeMessage, MAX_MESSAGE_BYTES, segmentMessage, sizeOfBatch } from './messages.ts';
import type { ExternalDescription, ExternalSegmenter, ExternalTransport } from './port.ts';

export function createExternalSegmenter(transport: ExternalTransport): ExternalSegmenter {
  let last = 0;
  let described: Promise<ExternalDescription> | undefined;
  const nextId = (): string => String(++last);

  return {
    /** Kept once it succeeded. A caller's signal ends the waiting of all who share it; they ask again. */
    describe(signal) {
      if (described) return described;
      const id = nextId();
      const mine = transport.exchange(describeMessage(id), signal).then((bytes) => descriptionOf(answerOf(bytes, id)));
      described = mine;
      mine.catch(() => {
        if (described === mine) described = undefined;
      });
      return mine;
    },
    async segment(batch, signal) {
      const bytes = sizeOfBatch(batch);
      if (bytes > MAX_MESSAGE_BYTES)
        throw new ProsamError(
          'REQUEST_TOO_LARGE',
          `external: expected references and target of at most ${MAX_MESSAGE_BYTES} bytes together, got ${bytes}. Use fewer references, or smaller images.`,
        );
      const id = nextId();
      return masksOf(answerOf(await transport.exchange(segmentMessage(id, batch), signal), id), batch.targets);
    },
    close: () => transport.close(),
  };
}
