import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeHtml, figure, figureRow, page, imageTag, section, shortNumber, table } from '../../../../src/training/report/page.ts';

describe('a page', () => {
  const html = page({ title: 'Runs & <results>', intro: 'How it "went".', sections: [section('A <b>', '<p>one</p>', '<p>two</p>')] });

  test('is complete: language, encoding, phone width, both colour schemes, its sections', () => {
    for (const part of [
      '<!doctype html>',
      '<html lang="en">',
      'charset="utf-8"',
      'name="viewport"',
      'color-scheme: light dark',
      'prefers-color-scheme: dark',
    ])
      expect(html).toContain(part);
    expect(html).toMatch(/<h2>A &#60;b&#62;<\/h2>\s*<p>one<\/p>\s*<p>two<\/p>/);
    expect(html.match(/<h1>Runs &#38; &#60;results&#62;<\/h1>/)).not.toBeNull();
    expect(html).toContain('<p class="intro">How it &#34;went&#34;.</p>');
  });

  test('asks for nothing from elsewhere and runs nothing', () => {
    expect(html).not.toMatch(/<script|<link|https?:|url\(|@import| src=/);
  });

  test('needs no intro', () => {
    expect(page({ title: 'x', sections: [] })).not.toContain('<p class="intro">');
  });
});

describe('a table', () => {
  test('aligns columns of numbers to the right, headings too, and leaves text', () => {
    const html = table({
      head: ['name', 'mIoU', 'mixed'],
      rows: [
        ['a', 40.123456, 1],
        ['b', 7, '<none>'],
      ],
      caption: 'Of & on',
    });
    expect(html).toContain('<caption>Of &#38; on</caption>');
    expect(html).toContain('<th>name</th><th class="number">mIoU</th><th>mixed</th>');
    expect(html).toContain('<td>a</td><td class="number">40.12</td>');
    expect(html).toContain('<td class="number">7</td><td>&#60;none&#62;</td>');
  });

  test('without rows is a table still', () => {
    expect(table({ head: ['a'], rows: [] })).toContain('<th>a</th>');
  });

  test.each([
    [1723648, '1723648'],
    [0.123456, '0.1235'],
    [-1.5, '−1.5'],
    [NaN, '–'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
  ])('writes %d as %s', (value, text) => {
    expect(shortNumber(value)).toBe(text);
  });
});

test('pictures lie inside the page, captions are text', () => {
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);
  const html = figure(imageTag(png, 'a "b"'), '<i>');
  expect(html).toContain('<img src="data:image/png;base64,iVBORw==" alt="a &#34;b&#34;">');
  expect(html).toContain('<figcaption>&#60;i&#62;</figcaption>');
  expect(figureRow([html, html]).match(/<figure>/g)).toHaveLength(2);
});

test('a part of a larger buffer is written alone', () => {
  const whole = Buffer.from([1, 2, 3, 4, 5]);
  expect(imageTag(whole.subarray(1, 3), '')).toContain(`base64,${Buffer.from([2, 3]).toString('base64')}"`);
});

test('escaped text holds no letter that means something, and no other is touched', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('&', '<', '>', '"', "'", 'a', 'é', '#', ';', ' ') }), (text) => {
      const escaped = escapeHtml(text);
      expect(escaped).not.toMatch(/[<>"']/);
      expect(escaped.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))).toBe(text);
    }),
  );
});
