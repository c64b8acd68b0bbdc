/** The version of this package. */
import { readFileSync } from 'node:fs';

export function codeVersion(): string {
  // From dist/ the file lies one folder up, from src/server/ two.
  const place = import.meta.url.endsWith('.ts') ? '../../package.json' : '../package.json';
  return (JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as { version: string }).version;
}
