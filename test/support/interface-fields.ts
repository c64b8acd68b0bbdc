/** Fields of interfaces and type literals in a source file, with their comments and the defaults these promise. */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

interface Field {
  name: string;
  type: string;
  comment: string;
  /** Text behind @default. */
  promised: string | undefined;
}

function fieldOf(member: ts.PropertySignature): Field {
  const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
  const [comment] = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  return {
    name: member.name.getText(),
    type: member.type?.getText() ?? '',
    comment: ts.getTextOfJSDocComment(comment?.comment) ?? '',
    promised: tag && (ts.getTextOfJSDocComment(tag.comment) ?? '').trim(),
  };
}

function sourceOf(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);
}

/** Fields by interface, without those of parents. */
export function interfacesOf(file: string): Map<string, Field[]> {
  const found = new Map<string, Field[]>();
  sourceOf(file).forEachChild((node) => {
    if (ts.isInterfaceDeclaration(node)) found.set(node.name.text, node.members.filter(ts.isPropertySignature).map(fieldOf));
  });
  return found;
}

/** Every field of a file, those of nested type literals too. */
export function allFieldsOf(file: string): Field[] {
  const found: Field[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertySignature(node)) found.push(fieldOf(node));
    ts.forEachChild(node, visit);
  };
  visit(sourceOf(file));
  return found;
}
