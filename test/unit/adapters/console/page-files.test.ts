/** Files of the page, bundled from their sources. */
import { expect, it } from 'vitest';
import { PAGE_FILES, pageFile } from '../../../../src/adapters/console/page-files.ts';

it('name only paths that are served, load nothing from elsewhere, and never turn text into markup', async () => {
  const paths = PAGE_FILES.map(({ path }) => path as string);
  const named = new Set<string>();
  for (const { path, name } of PAGE_FILES) {
    const text = new TextDecoder().decode(await pageFile(name));
    expect(text.length, path).toBeGreaterThan(100);
    // Everything is bundled; a policy of the browser allows no inline script or style either.
    expect(text, path).not.toMatch(/\bimport\b|@import|\burl\(|<script>|<style|\sstyle=|\son[a-z]+=/);
    for (const [, address] of text.matchAll(/(?:src|href)="([^"]+)"/g)) named.add(address as string);
    expect(text.replaceAll('http://www.w3.org/2000/svg', ''), path).not.toMatch(/https?:\/\//);
    expect(text, path).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(/);
    expect(text, path).not.toMatch(/\bprocess\.|\bBuffer\b|\brequire\(/);
  }
  // Relative, for a service below a path of somebody else's address.
  expect([...named].toSorted()).toEqual(
    paths
      .filter((path) => path !== '/')
      .map((path) => path.slice(1))
      .toSorted(),
  );
});
