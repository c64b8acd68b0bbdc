/** Results of checks, as `prosam doctor`, `label-studio doctor` and `cvat doctor` report them: one shape, one way to print it. */

export interface Finding {
  /** Subject of the check, e.g. 'token'. */
  what: string;
  /** ok: as it should be. note: works, could be better, or could not be told. problem: does not work. */
  state: 'ok' | 'note' | 'problem';
  /** State of the subject, in words. */
  found: string;
  /** Steps that put it right; not with 'ok'. */
  fix?: string;
}

export function ok(what: string, found: string): Finding {
  return { what, state: 'ok', found };
}

export function note(what: string, found: string, fix?: string): Finding {
  return { what, state: 'note', found, ...(fix !== undefined && { fix }) };
}

export function problem(what: string, found: string, fix?: string): Finding {
  return { what, state: 'problem', found, ...(fix !== undefined && { fix }) };
}

export function problemsOf<T extends Finding>(findings: readonly T[]): T[] {
  return findings.filter(({ state }) => state === 'problem');
}

const MARGIN = 'problem  '.length;

/** A line for the finding and one for its fix, each broken before it is longer than width. @default width no limit */
export function findingText({ what, state, found, fix }: Finding, width = Infinity): string {
  const lines = [wrapped(state.padEnd(MARGIN), `${what}: ${found}`, width)];
  if (fix !== undefined && state !== 'ok') lines.push(wrapped(`${' '.repeat(MARGIN)}fix: `, fix, width));
  return lines.join('\n');
}

/** 'No problems found.', '1 problem found.', ... */
export function verdictText(findings: readonly Finding[]): string {
  const { length } = problemsOf(findings);
  return length === 0 ? 'No problems found.' : `${length} problem${length === 1 ? '' : 's'} found.`;
}

/** Words behind a margin, broken so that no line is longer than width columns, as far as the words allow. */
export function wrapped(margin: string, text: string, width: number): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && margin.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((words, i) => (i === 0 ? margin : ' '.repeat(margin.length)) + words).join('\n');
}
