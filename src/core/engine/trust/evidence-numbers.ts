/** The numbers that speak for and against a mask; evidence.ts makes them. */
export interface Evidence {
  /** Mean over the object's cells of their largest cosine to a cell of the target: the object is found again. -1..1 */
  found: number;
  /** Mean lead of a cell's cosine to the object over that to the rest, of as many leading cells as a quarter of the object. -2..2 */
  lead: number;
  /** Cosine of the mask's mean feature to the object's. -1..1 */
  likeness: number;
  /** The same less the cosine to the mean feature of the rest. -2..2 */
  likenessLead: number;
  /** Largest cosine of the mask's mean feature to what was found in images that do not show the concept; absent without such images. -1..1 */
  rival?: number;
  /** Share of the mask on cells that are closer to the object than to the rest, 0..1 */
  precision: number;
  /** Share of such cells that the mask covers, 0..1 */
  coverage: number;
  /** Natural logarithm of the mask's share of the image + 0.001, and of what that is to the references' share. */
  size: number;
  relativeSize: number;
  /** Expected IoU by the method's own probabilities, 0..1 */
  certainty: number;
  /** SAM's own estimate of the IoU, 0..1; absent where SAM drew nothing. */
  samIou?: number;
}
