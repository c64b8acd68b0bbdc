import { describe, expect, it } from 'vitest';
import { weightedPath } from '../../../src/cli/train/weighted-data.ts';

const nothing = (): boolean => false;

describe('--data with a weight', () => {
  it.each([
    ['photos', 'photos', 1],
    ['photos:3', 'photos', 3],
    ['a:3', 'a', 3],
    ['../data/coco.json:0.5', '../data/coco.json', 0.5],
    ['taken 12:30:2', 'taken 12:30', 2],
    ['photos:', 'photos:', 1],
    ['photos:new', 'photos:new', 1],
    ['/data/a:b/c', '/data/a:b/c', 1],
  ])('%s', (text, path, weight) => {
    expect(weightedPath(text, nothing, 'linux')).toEqual({ path, weight });
  });

  it.each([
    [String.raw`C:\photos`, String.raw`C:\photos`, 1],
    [String.raw`C:\photos:3`, String.raw`C:\photos`, 3],
    ['C:3', 'C:3', 1],
    ['D:/photos.json:2', 'D:/photos.json', 2],
  ])('%s on Windows', (text, path, weight) => {
    expect(weightedPath(text, nothing, 'win32')).toEqual({ path, weight });
  });

  it('is a name where something is called so', () => {
    expect(weightedPath('photos:3', (path) => path === 'photos:3', 'linux')).toEqual({ path: 'photos:3', weight: 1 });
  });

  it('is above 0', () => {
    expect(() => weightedPath('photos:0', nothing, 'linux')).toThrow(/expected a weight above 0 behind the last colon, got "photos:0"/);
  });
});
