/** Nothing outlives a test: not where its process is killed, either. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { dyingWithUs, folderDyingWithUs } from './support/dies-with-us.ts';

/** Done within a moment, whatever happens. */
const INSTANT = /\('(?:mkfifo|touch|kill|nvidia-smi|git)'/;
const AS_IT_SHOULD = /\(\s*(?:\.\.\.dyingWithUs\(|\.\.\.as\()/;

let survivors: number[] = [];
afterEach(() => {
  for (const pid of survivors.filter(runs)) process.kill(pid, 'SIGKILL');
  survivors = [];
});

describe('what a test starts', () => {
  it.skipIf(!existsSync('/proc/self/stat') || !existsSync('/usr/bin/setpriv'))(
    'goes when its process is killed: services, databases, browsers, shells and what those started, and folders',
    async () => {
      const program = spawn(...dyingWithUs(process.execPath, [join(import.meta.dirname, 'starts-everything.ts')]), {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [folder] = (await Promise.race([
        once(createInterface({ input: program.stdout }), 'line'),
        once(program, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${String(code)} before`))),
      ])) as [string];
      survivors = descendantsOf(program.pid as number).filter((pid) => !commandOf(pid).includes('read told;'));
      // Guards outlive the others to look after them. Each sort of start, the shells' and services' own children among them.
      const commands = survivors.map(commandOf).join('\n');
      for (const part of ['serve --port', 'hostile/serve.ts', 'holder-program.ts', 'inference-worker', 'sleep 7200'])
        expect(commands).toContain(part);
      expect(existsSync(folder)).toBe(true);
      program.kill('SIGKILL');
      await once(program, 'exit');
      while (survivors.some(runs) || existsSync(folder)) await wait(20);
    },
  );

  it('is started in no other way', () => {
    const wrong: string[] = [];
    for (const place of ['test', 'tools'])
      for (const file of readdirSync(place, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))) {
        const text = readFileSync(join(place, file), 'utf8');
        if (!text.includes(`from 'node:child_process'`) || /(^|\/)dies-with-us\./.test(file)) continue;
        if (text.includes('groupDyingWithUs(')) continue;
        const run = text.includes('promisify(execFile)') ? '|run' : '';
        for (const [call, rest] of text.matchAll(
          new RegExp(`\\b(?:spawn|fork|execFile|execFileSync|spawnSync|exec${run})(\\(\\s*.*)`, 'g'),
        ))
          if (
            !call.startsWith('exec(') &&
            !AS_IT_SHOULD.test(rest ?? '') &&
            !INSTANT.test(rest ?? '') &&
            !/^\(execFile\)|^\(\//.test(rest ?? '')
          )
            wrong.push(`${join(place, file)}: ${call}`);
      }
    expect(wrong).toEqual([]);
  });
});

describe('a folder of this process', () => {
  it('may be removed earlier', async () => {
    const folder = folderDyingWithUs('prosam-earlier-');
    expect(existsSync(folder.path)).toBe(true);
    await folder.remove();
    expect(existsSync(folder.path)).toBe(false);
  });
});

/** All processes below one, as they are now. */
function descendantsOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = statOf(Number(name));
    if (stat) parents.set(Number(name), stat.parent);
  }
  const below = [root];
  for (const pid of below) for (const [child, parent] of parents) if (parent === pid) below.push(child);
  return below.slice(1);
}

/** One that ended but was not yet waited for runs no more. */
function runs(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const [, state = '', parent] = /\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { state, parent: Number(parent) };
  } catch {
    return undefined; // gone
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
