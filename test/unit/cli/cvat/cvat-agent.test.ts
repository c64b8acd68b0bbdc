/** `prosam cvat agent` and the configuration. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { agentSettings } from '../../../../src/cli/cvat/agent.ts';

const folder = mkdtempSync(join(tmpdir(), 'prosam-agent-'));
afterAll(() => rmSync(folder, { recursive: true }));

const written = (json: object): string => {
  const file = join(folder, 'prosam.config.json');
  writeFileSync(file, JSON.stringify(json));
  return file;
};

describe('the threshold of an agent', () => {
  it('is that of the command line, else that of the configuration, else the one of the service', async () => {
    const shapes = { instances: true, leastPart: 0.2, uploads: 'records' };
    const config = written({ cvat: { threshold: 0.25, name: 'lab', ...shapes } });
    expect(await agentSettings({ config, threshold: 0 }, {})).toEqual({ threshold: 0, installation: 'lab', ...shapes });
    expect(await agentSettings({ config }, {})).toEqual({ threshold: 0.25, installation: 'lab', ...shapes });
    expect((await agentSettings({ config: written({}) }, {})).threshold).toBeUndefined();
  });

  it('is refused where it is none', async () => {
    await expect(agentSettings({ config: written({ cvat: { threshold: 2 } }) }, {})).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });
});
