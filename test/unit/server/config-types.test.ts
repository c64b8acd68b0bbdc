/** The configuration's types, held to its schema: the same fields, and the defaults that their comments promise. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type * as z from 'zod';
import { serverConfig } from '../../../src/server/config.ts';
import type { configSchema } from '../../../src/server/config-schema.ts';
import type { ProsamConfig, ProsamSettings } from '../../../src/server/config-types/config.ts';
import type { learnerSettingsSchema } from '../../../src/learner/read-settings.ts';
import type { LearnerSettings } from '../../../src/learner/settings.ts';
import { interfacesOf } from '../../support/interface-fields.ts';

/** Without what zod cannot say: `undefined` beside absent, and lists nobody changes. */
type Plain<T> = T extends readonly (infer E)[]
  ? readonly Plain<E>[]
  : T extends object
    ? { [K in keyof T]: Plain<Exclude<T[K], undefined>> }
    : T;

const FOLDER = 'src/server/config-types';
const FILES = [...readdirSync(FOLDER).map((name) => join(FOLDER, name)), 'src/learner/settings.ts', 'src/learner/policy.ts'];

/** Fields by interface, those of its parents included. */
const interfaces = new Map(FILES.flatMap((file) => [...interfacesOf(file)]));
interfaces.set('LearnerSettings', [...(interfaces.get('LearnerPolicy') ?? []), ...(interfaces.get('LearnerSettings') ?? [])]);
const ofLearner = (interfaces.get('LearnerSettings') ?? []).filter(({ name }) => name !== 'model' && name !== 'references');
interfaces.set('LearnerConfig', [...(interfaces.get('LearnerConfig') ?? []), ...ofLearner]);

describe('the types of the configuration', () => {
  it('have the fields of the schema', () => {
    expectTypeOf<Plain<ProsamConfig>>().toEqualTypeOf<Plain<z.input<typeof configSchema>>>();
    expectTypeOf<Plain<ProsamSettings>>().toEqualTypeOf<Plain<z.output<typeof configSchema>>>();
    expectTypeOf<Plain<LearnerSettings>>().toEqualTypeOf<Plain<z.output<typeof learnerSettingsSchema>>>();
  });

  it('have a sentence and the true default on every field', () => {
    const seen: string[] = [];
    const check = (name: string, settings: Record<string, unknown>, path: string): void => {
      for (const { name: key, type, comment, promised } of interfaces.get(name) ?? []) {
        const place = `${path}${key}`;
        seen.push(place);
        expect(comment, place).toMatch(/^[A-Z].{8}/);
        expect(promised, `${place}: @default`).toBeDefined();
        if (interfaces.has(type) && type !== 'TimeWindow') check(type, settings[key] as Record<string, unknown>, `${place}.`);
        else if (/^none\b/.test(promised as string)) expect(settings[key], place).toBeUndefined();
        else expect(settings[key], place).toEqual(structuredClone(runInNewContext(`(${promised})`)));
      }
    };
    check('ProsamConfig', serverConfig({}) as unknown as Record<string, unknown>, '');
    expect(seen.length).toBeGreaterThan(100);
  });

  it('have a sentence on every field of credentials and times', () => {
    for (const name of ['Grant', 'TokenGrant', 'BasicGrant', 'HmacGrant', 'TimeWindow']) {
      const fields = interfaces.get(name) ?? [];
      expect(fields.length, name).toBeGreaterThan(0);
      for (const { name: key, comment } of fields) expect(comment, `${name}.${key}`).toMatch(/^[A-Z].{8}/);
    }
  });
});
