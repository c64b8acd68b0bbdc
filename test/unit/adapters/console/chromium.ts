/** A real browser, where there is one. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const PATH = process.env.PROSAM_CHROMIUM ?? '/usr/bin/chromium';

/** PROSAM_REQUIRE_CHROMIUM=1 makes its absence a failure. */
export const hasChromium = existsSync(PATH) || process.env.PROSAM_REQUIRE_CHROMIUM === '1';
export const chromiumLabel = hasChromium ? 'in Chromium' : `in Chromium (skipped: there is none at ${PATH}; set PROSAM_CHROMIUM)`;

const FLAGS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-quic', '--disable-background-networking'];

export async function startChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: PATH, args: [...FLAGS, ...flags] });
}
