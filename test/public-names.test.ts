/** The reports in api/, which `npm run lint` holds to the sources: few names in the root, and a name for every type in its signatures. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Names that a report exports, and those that its declarations refer to besides. */
function namesOf(report: string): { exported: string[]; referredTo: string[] } {
  const [own = '', others = ''] = readFileSync(`api/${report}.api.md`, 'utf8').split('## Referred to, not exported');
  const declared = (text: string): string[] =>
    [...text.matchAll(/^(?:class|function|interface|type) (\w+)/gm)].map(([, name]) => name as string);
  return { exported: declared(own), referredTo: declared(others) };
}

describe('the root entry', () => {
  const root = namesOf('prosam');
  const types = namesOf('types');

  it('holds what users name', () => {
    expect(root.exported.length).toBeGreaterThanOrEqual(25);
    expect(root.exported.length).toBeLessThanOrEqual(30);
    expect(root.exported).toEqual(
      expect.arrayContaining(['createEngine', 'Engine', 'EngineOptions', 'Reference', 'Prediction', 'ErrorCode']),
    );
  });

  it('has a name in prosam/types for every type in its signatures', () => {
    expect(types.referredTo).toEqual([]);
    const missing = root.referredTo.filter((name) => !types.exported.includes(name));
    expect(root.referredTo.length).toBeGreaterThan(10);
    expect(missing).toEqual([]);
  });

  it('shares its names with prosam/web, whose signatures have a name here, there or in prosam/types', () => {
    const web = namesOf('web');
    const onlyNode = ['createEngine', 'EngineOptions', 'externalSystem', 'pngFromMask', 'uncertaintyPng'];
    expect(root.exported.filter((name) => !web.exported.includes(name)).sort()).toEqual(onlyNode.sort());
    expect(web.referredTo.filter((name) => !types.exported.includes(name))).toEqual([]);
  });
});
