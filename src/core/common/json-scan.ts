/** Structure of a JSON text that comes piece by piece: brackets, commas, colons and where strings end. Says nothing about whether it is JSON. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Tokens, by their byte. A string is one token, at the quote that ends it. */
export const JSON_TOKEN = {
  string: QUOTE,
  comma: 0x2c,
  colon: 0x3a,
  openList: 0x5b,
  closeList: 0x5d,
  openObject: 0x7b,
  closeObject: 0x7d,
} as const;

const [SPACE, SCALAR, TOKEN] = [0, 1, 2];
/** Class of every byte outside strings. */
const CLASSES = new Uint8Array(256).fill(SCALAR);
for (const space of [0x20, 0x0a, 0x0d, 0x09]) CLASSES[space] = SPACE;
for (const token of Object.values(JSON_TOKEN)) CLASSES[token] = TOKEN;

export interface JsonScan {
  /** Takes the next piece, once all tokens of the one before were taken. */
  readonly feed: (piece: Uint8Array) => void;
  /** Byte of the next token of the piece; undefined at its end. */
  readonly next: () => number | undefined;
  /** Place of the token just taken; places count the bytes of all pieces. */
  readonly at: () => number;
  /** Place of the first content byte of the string that is open, or that the token just taken ends. */
  readonly stringStart: () => number;
  /** Whether that string holds no backslash up to here. */
  readonly isPlain: () => boolean;
  /** Whether a string is open at the end of the piece. */
  readonly inString: () => boolean;
  /** Whether a number or a word stands before the token just taken, after the one before it. */
  readonly afterScalar: () => boolean;
}

/** Strings are skipped by the native search, so that an image in base64 costs next to nothing. */
export function createJsonScan(): JsonScan {
  let bytes: Uint8Array = new Uint8Array();
  let search = createSearch(bytes);
  /** Place of the piece's first byte. */
  let base = 0;
  /** Next byte within the piece. */
  let from = 0;
  let start = 0;
  let plain = true;
  let open = false;
  let escaped = false;
  let scalar = false;
  let unsettled = false;

  /** Whether the open string ends within the piece. */
  const endString = (): boolean => {
    while (from < bytes.length) {
      if (escaped) {
        escaped = false;
        from++;
        continue;
      }
      const stop = search(from);
      from = Math.min(stop + 1, bytes.length);
      if (bytes[stop] === BACKSLASH) {
        escaped = true;
        plain = false;
      } else if (bytes[stop] === QUOTE) {
        open = false;
        return true;
      }
    }
    return false;
  };
  const taken = (token: number): number => {
    scalar = unsettled;
    unsettled = false;
    return token;
  };
  return {
    feed(piece) {
      base += bytes.length;
      bytes = piece;
      search = createSearch(piece);
      from = 0;
    },
    next() {
      if (open) return endString() ? taken(QUOTE) : undefined;
      while (from < bytes.length) {
        const byte = bytes[from++] as number;
        const kind = CLASSES[byte];
        if (kind === SPACE) continue;
        if (kind === SCALAR) {
          unsettled = true;
          continue;
        }
        if (byte !== QUOTE) return taken(byte);
        open = true;
        plain = true;
        start = base + from;
        return endString() ? taken(QUOTE) : undefined;
      }
      return undefined;
    },
    at: () => base + from - 1,
    stringStart: () => start,
    isPlain: () => plain,
    inString: () => open,
    afterScalar: () => scalar,
  };
}

/** Finds the next quote or backslash at or after a place that only grows; the length where there is none. */
function createSearch(bytes: Uint8Array): (from: number) => number {
  let quote = -1;
  let backslash = -1;
  return (from) => {
    // Where they are dense a loop is faster, where they are far apart the native search.
    const near = Math.min(from + 64, bytes.length);
    for (let at = from; at < near; at++) if (bytes[at] === QUOTE || bytes[at] === BACKSLASH) return at;
    // Searched again only once passed, so that nothing is read more than twice.
    if (quote < near) quote = orEnd(bytes.indexOf(QUOTE, near), bytes.length);
    if (backslash < near) backslash = orEnd(bytes.indexOf(BACKSLASH, near), bytes.length);
    return Math.min(quote, backslash);
  };
}

function orEnd(index: number, end: number): number {
  return index < 0 ? end : index;
}
