import { describe, expect, it } from 'vitest';
import { createLruMap } from '../../../../src/core/common/lru-map.ts';

describe('createLruMap', () => {
  it('drops what was not used for longest, one at a time', () => {
    const dropped: string[] = [];
    const map = createLruMap<string, number>({ max: 2, onDrop: (key) => dropped.push(key) });
    map.set('a', 1);
    map.set('b', 2);
    expect(map.get('a')).toBe(1);
    expect([map.peek('b'), map.has('b')]).toEqual([2, true]); // neither is a use
    map.set('c', 3);
    expect(dropped).toEqual(['b']);
    expect(map.values()).toEqual([1, 3]);
    map.set('a', 4); // replaces, and drops nothing
    map.delete('c');
    expect([map.get('a'), map.get('c'), map.count, dropped]).toEqual([4, undefined, 1, ['b']]);
  });

  it('counts sizes, and keeps nothing that is larger than all of it', () => {
    const map = createLruMap<string, string>({ max: 10, sizeOf: (value) => value.length });
    map.set('a', 'xxxx');
    map.set('b', 'xxxx');
    map.set('b', 'xxxxxx');
    expect([map.size, map.count]).toEqual([10, 2]);
    map.set('c', 'x'.repeat(11));
    expect([map.has('c'), map.size]).toEqual([false, 10]);
    map.set('c', 'xxx');
    expect(map.values()).toEqual(['xxxxxx', 'xxx']);
    map.clear();
    expect([map.size, map.count, map.get('b')]).toEqual([0, 0, undefined]);
  });
});
