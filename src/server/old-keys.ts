/** Keys and values of configurations written for 0.1.0, read as those of today. */

/** A configuration, or a part of one, whose shape is not checked yet. */
type Loose = Record<string, unknown>;

const LEARNER_RUNS: Readonly<Record<string, string>> = { child: 'managed', elsewhere: 'external' };

/** A copy with today's names; where a configuration has both, today's stays. Anything that is no object comes back as it is. */
export function withTodaysKeys(config: unknown): unknown {
  if (!isObject(config)) return config;
  const now = renamed(config, 'hangMs', 'inferenceTimeoutMs');
  if (now['threads'] === 0) now['threads'] = 'auto';
  for (const tool of ['labelStudio', 'cvat']) {
    const section = now[tool];
    if (isObject(section)) now[tool] = renamed(section, 'root', 'mountAtRoot');
  }
  const { learner } = now;
  if (isObject(learner) && typeof learner['run'] === 'string')
    now['learner'] = { ...learner, run: LEARNER_RUNS[learner['run']] ?? learner['run'] };
  return now;
}

function renamed(config: Loose, from: string, to: string): Loose {
  if (!Object.hasOwn(config, from)) return { ...config };
  const { [from]: value, ...rest } = config;
  return { [to]: value, ...rest };
}

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
