/** Whether the native engine can be tested here. PROSAM_REQUIRE_TFJS_NODE=1 turns its absence from a skip into a failure. */
import { addonOf, ENGINE_PACKAGES, installedPackages } from '../../../src/training/tfjs/engine-packages.ts';

const copies = installedPackages(ENGINE_PACKAGES.node);

/** True where tests of the engine `node` must run. */
export const nodeEngineHere = copies.some(({ root }) => addonOf(root) !== undefined) || process.env['PROSAM_REQUIRE_TFJS_NODE'] === '1';

/** For titles of tests that are skipped without it. */
export const NODE_ENGINE_LABEL = nodeEngineHere ? 'tfjs-node' : 'tfjs-node (skipped: not set up here; npm run prosam -- setup training)';
