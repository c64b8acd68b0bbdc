/** From a cold start to the first mask, as one process: started and timed by predict.ts. */
import { createEngine } from '../../src/index.ts';
import { sceneWith } from '../../src/scenes/scene-with.ts';

const before = performance.now(); // milliseconds since the process began
let seed = 1;
const [reference, target] = [sceneWith(3, () => seed++), sceneWith(3, () => seed++)];
const drawing = performance.now() - before;
const engine = await createEngine({ model: 'tiny' });
await engine.predict(target.image, [{ image: reference.image, mask: reference.truth }], { method: 'prosam' });
console.log(Math.round(performance.now() - drawing));
await engine.close();
