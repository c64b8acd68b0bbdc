/** CVAT's doctor calls functions from CVAT's own containers: what this machine reaches, they may not. */
import { describe, expect, it } from 'vitest';
import { expectedEnvironment } from '../../../../src/cli/cvat/doctor/compose.ts';
import { checkContainers } from '../../../../src/cli/cvat/doctor/containers.ts';

const facade = new URL('http://host.docker.internal:9090');
const env = (method: string): string[] =>
  Object.entries({ ...expectedEnvironment(facade), CVAT_SERVERLESS: '1', CVAT_NUCLIO_INVOKE_METHOD: method }).map(
    ([name, value]) => `${name}=${value}`,
  );

describe('functions, from the containers', () => {
  it('are called in both where CVAT calls them on their own ports', async () => {
    const call = (name: string, port: number | undefined) => ({ name, url: `http://prosam:${port}/`, headers: {}, body: '{}', port });
    const calls = [call('prosam-click', 18_070), call('prosam-track', 18_071), call('prosam-cup', undefined)];
    const asked: string[] = [];
    const found = async (answers: string, method: string) => {
      const findings = await checkContainers(facade, calls, ([command, , , , code = '', list]) => {
        if (command === 'inspect') return Promise.resolve(JSON.stringify(env(method)));
        if (list === undefined) return Promise.resolve('200\n');
        asked.push(code, list);
        return Promise.resolve(answers);
      });
      return findings.filter(({ what }) => what.endsWith('calls functions'));
    };
    expect(await found('200\n200\n', 'direct')).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
    expect(JSON.parse(asked[1] ?? '')).toEqual(calls.slice(0, 2).map(({ url, headers, body }) => [url, headers, body]));
    const wrong = await found('403 Forbidden\n0 <urlopen error [Errno 111] Connection refused>\n', 'direct');
    expect(wrong.slice(0, 2)).toMatchObject([
      {
        state: 'problem',
        found: 'prosam-click on port 18070 answers 403 Forbidden',
        fix: expect.stringContaining('PROSAM_CVAT_ALLOW_FROM') as string,
      },
      { state: 'problem', fix: expect.stringContaining('open port 18071') as string },
    ]);
    expect(await found('', 'direct')).toMatchObject([{ found: 'prosam-click on port 18070 answers nothing' }, {}, {}, {}]);
    asked.length = 0;
    expect(await found('200', 'dashboard')).toEqual([]);
    expect(asked).toEqual([]);
  });
});
