/** Notices when somebody who has work to do says nothing for too long. */

export interface SilenceWatch {
  /** He spoke. */
  heard(): void;
  stop(): void;
}

/** Silence is counted in steps this process lived through, so that a machine that slept for an hour does not count it. */
const STEPS = 10;

/** busy: whether he has work. onSilence: called when he was silent for longestMs (up to a tenth more) while he had, and again until stopped. */
export function watchSilence(longestMs: number, { busy, onSilence }: { busy: () => boolean; onSilence: () => void }): SilenceWatch {
  let steps = 0;
  const timer = setInterval(() => {
    if (!busy()) steps = 0;
    else if (++steps > STEPS) onSilence();
  }, longestMs / STEPS).unref();
  return {
    heard() {
      steps = 0;
    },
    stop: () => clearInterval(timer),
  };
}
