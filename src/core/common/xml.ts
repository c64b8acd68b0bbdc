/** The small part of XML that labeling tools write: elements, attributes and text, no declarations of any kind. */

export interface XmlElement {
  tag: string;
  attributes: Readonly<Record<string, string>>;
  children: XmlElement[];
  /** Text before its first child element, without space around it. */
  text: string;
}

export interface XmlLimits {
  characters: number;
  elements: number;
  /** Error for a text that is refused, from what is wrong with it. */
  fail: (problem: string) => Error;
}

const MAX_DEPTH = 100;

const NAME = /[A-Za-z_][\w.:-]*/y;
const SPACE = /\s*/y;
const VALUE = /"([^"<]*)"|'([^'<]*)'/y;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/**
 * The one element at the top.
 * @throws what `fail` makes, for what is not well formed, too large or too deep, and for declarations (<!DOCTYPE, <!ENTITY)
 */
export function parseXml(text: string, { characters, elements: mostElements, fail: invalid }: XmlLimits): XmlElement {
  if (text.length > characters) throw invalid(`it has more than ${characters} characters`);
  const top: XmlElement = { tag: '', attributes: {}, children: [], text: '' };
  const open: XmlElement[] = [top];
  let elements = 0;
  let at = text.indexOf('<');
  while (at >= 0) {
    const parent = open.at(-1) as XmlElement;
    if (text.startsWith('<!--', at)) at = after('-->', at + 4);
    else if (text.startsWith('<![CDATA[', at)) at = after(']]>', at + 9);
    else if (text.startsWith('<?', at)) at = after('?>', at + 2);
    else if (text.startsWith('<!', at)) throw invalid('it declares something (<!...); only elements and attributes are read');
    else if (text.startsWith('</', at)) {
      const tag = take(NAME, at + 2, 'the name of an element');
      at = skip(at + 2 + tag.length);
      if (text[at] !== '>' || open.length === 1 || parent.tag !== tag) throw invalid(`</${tag}> closes nothing that is open`);
      open.pop();
      at++;
    } else at = element(parent, at);
    const next = text.indexOf('<', at);
    const around = open.at(-1) as XmlElement;
    if (around.children.length === 0 && next > at) around.text += unescape(text.slice(at, next).trim());
    at = next;
  }
  if (open.length > 1) throw invalid(`<${open.at(-1)?.tag}> is not closed`);
  const [root, another] = top.children;
  if (root === undefined || another !== undefined) throw invalid(`expected one element at the top, got ${top.children.length}`);
  return root;

  function element(parent: XmlElement, start: number): number {
    if (++elements > mostElements) throw invalid(`it has more than ${mostElements} elements`);
    const tag = take(NAME, start + 1, 'the name of an element');
    const attributes = Object.create(null) as Record<string, string>;
    const made: XmlElement = { tag, attributes, children: [], text: '' };
    parent.children.push(made);
    let next = skip(start + 1 + tag.length);
    while (text[next] !== '>' && !text.startsWith('/>', next)) {
      const name = take(NAME, next, `an attribute of <${tag}>`);
      next = skip(next + name.length);
      if (text[next] !== '=') throw invalid(`the attribute ${name} of <${tag}> has no value`);
      next = skip(next + 1);
      const quoted = take(VALUE, next, `a quoted value of ${name} in <${tag}>`);
      if (name in attributes) throw invalid(`<${tag}> has the attribute ${name} twice`);
      attributes[name] = unescape(quoted.slice(1, -1));
      next = skip(next + quoted.length);
    }
    if (text[next] === '/') return next + 2;
    if (open.push(made) > MAX_DEPTH) throw invalid(`elements lie deeper than ${MAX_DEPTH}`);
    return next + 1;
  }
  function skip(from: number): number {
    SPACE.lastIndex = from;
    SPACE.test(text);
    return SPACE.lastIndex;
  }
  function take(pattern: RegExp, from: number, what: string): string {
    pattern.lastIndex = from;
    const found = pattern.exec(text)?.[0];
    if (found === undefined) throw invalid(`expected ${what} at character ${from}`);
    return found;
  }
  function after(end: string, from: number): number {
    const found = text.indexOf(end, from);
    if (found < 0) throw invalid(`${end} is missing`);
    return found + end.length;
  }
}

/** The five names XML has by itself, and characters by number; nothing can be declared, so nothing can grow. */
function unescape(value: string): string {
  return value.replace(/&(#\d{1,7}|#x[0-9a-fA-F]{1,6}|\w{1,10});/g, (whole, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name] ?? whole;
    const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
