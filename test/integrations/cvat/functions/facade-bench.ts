/** Facade with labelled references, closed after each test. */
import sharp from 'sharp';
import { afterEach, beforeAll } from 'vitest';
import { detectorName } from '../../../../src/adapters/cvat/names.ts';
import { exactService, label, startFacade } from './facade-server.ts';

type Facade = Awaited<ReturnType<typeof startFacade>>;
export const PROJECT = 'animals';
export const DETECTOR = detectorName(PROJECT);

interface FacadeBench {
  facade: Facade;
  picture: Buffer;
}

/** Registers what closes the facade after each test. */
export function facadeBench() {
  const bench = {} as FacadeBench;
  beforeAll(async () => {
    bench.picture = await sharp({ create: { width: 64, height: 48, channels: 3, background: '#804020' } })
      .png()
      .toBuffer();
  });
  afterEach(() => bench.facade.close());

  async function labelled(labels = ['cat', 'dog'], options: Parameters<typeof startFacade>[0] = {}): Promise<Facade> {
    bench.facade = await startFacade({ service: exactService({ labels }), ...options });
    await label(bench.facade.service, PROJECT, labels, bench.picture);
    return bench.facade;
  }

  return Object.assign(bench, { labelled });
}
