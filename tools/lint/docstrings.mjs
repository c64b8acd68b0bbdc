/**
 * ESLint rule: a docstring begins with a noun or a verb. Relative clauses ("What keeps ...", "Where it lies") and bare prepositions
 * ("Of the next prediction.") say nothing on their own, in a hover or a generated reference.
 */

const OPENING =
  /^(what|who|whom|whose|where|wherever|which|whoever|whatever|whichever|when|why|how|of|as|somebody|nobody|everybody|anybody)\b/i;

/** First word of a docstring's text that it may not begin with; undefined where it is fine. */
export function badOpening(comment) {
  const text = comment
    .replace(/^\*/, '')
    .replace(/^\s*\*\s?/gm, '')
    .trim();
  return OPENING.exec(text)?.[0];
}

export const docstrings = {
  meta: {
    type: 'suggestion',
    schema: [],
    messages: { opening: 'expected a docstring that begins with a noun or a verb, got "{{word}} ...". Name the thing, or what it does.' },
  },
  create(context) {
    return {
      Program() {
        for (const comment of context.sourceCode.getAllComments()) {
          if (comment.type !== 'Block' || !comment.value.startsWith('*')) continue;
          const word = badOpening(comment.value);
          if (word !== undefined) context.report({ loc: comment.loc, messageId: 'opening', data: { word } });
        }
      },
    };
  },
};
