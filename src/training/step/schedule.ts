/** Learning rates over training (paper, section 5.1). Epochs are fractional: 2.25 is a quarter into the third. */

export const SCHEDULES = ['warm_restarts', 'cosine'] as const;
export type ScheduleKind = (typeof SCHEDULES)[number];

export interface Schedule {
  /**
   * - 'warm_restarts': cosine to `minLr`, starting anew after `restartEpochs` (the paper)
   * - 'cosine': one cosine to `minLr` over all epochs (VRP-SAM's code)
   */
  kind: ScheduleKind;
  lr: number;
  minLr: number;
  /** T_0: epochs of the first cycle. */
  restartEpochs: number;
  /** T_mult: each cycle is this many times as long as the one before. */
  restartFactor: number;
  /** Epochs of the whole training. */
  epochs: number;
}

/** The paper's settings for 100 epochs. */
export const PAPER_SCHEDULE: Schedule = { kind: 'warm_restarts', lr: 1e-4, minLr: 0, restartEpochs: 15, restartFactor: 1, epochs: 100 };

/** Learning rate at a point of training. epoch >= 0, fractional. */
export function learningRate(schedule: Schedule, epoch: number): number {
  const { lr, minLr } = schedule;
  const share = schedule.kind === 'cosine' ? Math.min(1, epoch / schedule.epochs) : cycleShare(schedule, epoch);
  return minLr + ((lr - minLr) * (1 + Math.cos(Math.PI * share))) / 2;
}

/** Position of an epoch within its cycle, 0..1. */
function cycleShare({ restartEpochs, restartFactor }: Schedule, epoch: number): number {
  if (restartFactor === 1) return (epoch % restartEpochs) / restartEpochs;
  let length = restartEpochs;
  let start = 0;
  while (epoch >= start + length) {
    start += length;
    length *= restartFactor;
  }
  return (epoch - start) / length;
}
