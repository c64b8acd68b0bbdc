import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outputsOf, parseLabelConfig } from '../../../src/adapters/label-studio/protocol/label-config.ts';
import { parseXml } from '../../../src/core/common/xml.ts';
import { isProsamError } from '../../../src/core/common/errors.ts';

const CONFIG = `<?xml version="1.0"?>
<View>
  <Style>.lsf { color: red }</Style>
  <!-- two <images> -->
  <Image name="left" value="$photo" zoom="true"/>
  <Image name="right" value='$other'/>
  <PolygonLabels name="outline" toName="left"><Label value="car"/><Label value="tree"/></PolygonLabels>
  <BrushLabels name="brush" toName="left"><Label value="car" background="#f00"/><Label value="a &lt; b &amp; c"/></BrushLabels>
  <BitmaskLabels name="bits" toName="right"><Label value="long name" alias="short"/></BitmaskLabels>
  <RectangleLabels name="box" toName="left" smart="true" smartOnly="true"><Label value="dog"/></RectangleLabels>
  <KeyPointLabels name="point" toName="left" smart="true"><Label value="dog"/></KeyPointLabels>
</View>`;

/** Controls that share the labels of one `Labels`. */
function times(controls: number, labels: number): string {
  const each = Array.from({ length: labels }, (_, i) => `<Label value="l${i}"/>`).join('');
  const brushes = Array.from({ length: controls }, (_, i) => `<Brush name="b${i}" toName="i"/>`).join('');
  return `<View><Image name="i" value="$i"/><Labels name="l" toName="i">${each}</Labels>${brushes}</View>`;
}

describe('labeling configurations', () => {
  it('say what is drawn with which control, on which image, under which labels', () => {
    const { controls, images } = parseLabelConfig(CONFIG);
    expect(images).toEqual([
      { name: 'left', field: 'photo' },
      { name: 'right', field: 'other' },
    ]);
    expect(controls.map(({ kind, name, labels, smart, smartOnly }) => [kind, name, labels, smart, smartOnly])).toEqual([
      ['polygonlabels', 'outline', ['car', 'tree'], false, false],
      ['brushlabels', 'brush', ['car', 'a < b & c'], false, false],
      ['bitmasklabels', 'bits', ['short'], false, false],
      ['rectanglelabels', 'box', ['dog'], true, true],
      ['keypointlabels', 'point', ['dog'], true, false],
    ]);
  });

  it('give each label the control that loses least of a mask, and none to labels that only take prompts', () => {
    expect(outputsOf(parseLabelConfig(CONFIG)).map(({ label, control, image }) => [label, control.name, image.name])).toEqual([
      ['car', 'brush', 'left'],
      ['tree', 'outline', 'left'],
      ['a < b & c', 'brush', 'left'],
      ['short', 'bits', 'right'],
    ]);
  });

  it('pair controls without labels with the Labels of their image, and say what tasks add', () => {
    const { controls, images } = parseLabelConfig(`<View><Image name="image" valueList="$pages"/><Image name="other" value="$photo"/>
      <Labels name="tag" toName="image" value="$classes"><Label value="car"/></Labels><Labels name="elsewhere" toName="other"/>
      <Brush name="brush" toName="image"/><KeyPoint name="kp" toName="image" smart="true"/><Rectangle name="lonely" toName="nowhere"/></View>`);
    expect(images).toEqual([
      { name: 'image', field: 'pages', pages: true },
      { name: 'other', field: 'photo' },
    ]);
    const tag = { toName: 'image', labels: ['car'], labelsField: 'classes', labelledBy: 'tag', smartOnly: false };
    expect(controls).toEqual([
      { kind: 'brushlabels', name: 'brush', ...tag, smart: false },
      { kind: 'keypointlabels', name: 'kp', ...tag, smart: true },
    ]);
    const many = (tag: string, count: number) => `<${tag} name="x" toName="image"/>`.repeat(count);
    expect(() => parseLabelConfig(`<View>${many('Labels', 100)}${many('Brush', 100)}</View>`)).toThrow('more than 1000 controls');
  });

  it.each([
    ['a declaration', '<!DOCTYPE x [<!ENTITY a "b">]><View/>', 'declares'],
    ['an element that is not closed', '<View><Image name="a">', 'not closed'],
    ['elements closed in another order', '<View><A><B></A></B></View>', 'closes nothing'],
    ['an attribute without quotes', '<View a=b/>', 'quoted value'],
    ['an attribute twice', '<View a="1" a="2"/>', 'twice'],
    ['two elements at the top', '<View/><View/>', 'one element at the top'],
    ['nothing at all', '', 'one element at the top'],
    ['endless depth', '<a>'.repeat(200), 'deeper'],
    ['too much of it', `<View>${'<a/>'.repeat(30_000)}</View>`, 'elements'],
    ['labels times controls', times(50, 500), 'labels together'],
    ['images without end', `<View>${'<Image name="i" value="$i"/>'.repeat(101)}</View>`, 'images'],
    ['text without end', 'x'.repeat(2 ** 20 + 1), 'characters'],
  ])('are refused with %s', (_, xml, message) => {
    expect(() => parseLabelConfig(xml)).toThrow(message);
  });

  it('cannot be made to grow or to pollute anything', () => {
    const limits = { characters: 1000, elements: 10, fail: (problem: string) => new Error(problem) };
    expect(parseXml('<View a="&amp;amp;" b="&unknown;" c="&#65;&#x42;&#x110000;"/>', limits).attributes).toMatchObject({
      a: '&amp;',
      b: '&unknown;',
      c: 'AB&#x110000;',
    });
    expect(parseXml('<View __proto__="x"/>', limits).attributes).not.toBe(Object.prototype);
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it('are read or refused, never anything else', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('<View', '>', '/>', '</View>', ' a="1"', '<!--', '-->', '&', '"', ' ', '<', 'x'), { maxLength: 30 }),
        (parts) => {
          try {
            parseLabelConfig(parts.join(''));
          } catch (error) {
            expect(isProsamError(error)).toBe(true);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
