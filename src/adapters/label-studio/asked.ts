/** Question of a project of Label Studio to the service: labels, options, and the settings that change what is written of a mask. */
import type { AskedVersion } from '../../service/types.ts';
import { outputsOf, type LabelConfig } from './protocol/label-config.ts';
import { hasLabelsOfTasks } from './protocol/task-data.ts';
import type { Connection, LabelStudioOptions } from './types.ts';

export interface AskedParts {
  /** Settings of the service, which extra params of a connection override. */
  settings: Pick<LabelStudioOptions, 'instances' | 'threshold' | 'tolerance' | 'cleaning'>;
}

/** Everything the version of its predictions stands for. */
export interface Asked extends Pick<AskedVersion, 'labels'>, Required<Pick<AskedVersion, 'options' | 'form'>> {
  /** One region a connected part. */
  split: boolean;
}

/** Reads the settings of a connection. */
export function askedOf({ extraParams }: Pick<Connection, 'extraParams'>, config: LabelConfig, { settings }: AskedParts): Asked {
  const split = typeof extraParams.instances === 'boolean' ? extraParams.instances : (settings.instances ?? false);
  const threshold = shareIn(extraParams.threshold) ?? settings.threshold;
  return {
    split,
    // Tasks bring labels of their own: all that are known count.
    ...(!hasLabelsOfTasks(config) && { labels: [...new Set(outputsOf(config).map(({ label }) => label))] }),
    options: { ...settings.cleaning, ...(threshold !== undefined && { threshold }) },
    form: { ...(split && { instances: true }), ...(settings.tolerance !== undefined && { tolerance: settings.tolerance }) },
  };
}

/** A number from 0 to 1 in settings that people write. */
function shareIn(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= 1 ? value : undefined;
}
