/** Credits of the example photos, from their list: npm run docs:photos writes examples/photos/CREDITS.md. */
import { creditOf, readPhotos, type Photos } from '../src/cli/demo/photos.ts';
import { makePage } from './made-page.ts';

/** Returns Markdown. */
function photoCredits(list: Photos): string {
  const { photos, concepts, annotations } = list;
  const rows = photos.map((photo) => {
    const { number, terms } = creditOf(photo, list);
    return `| [${photo.name}.jpg](${photo.name}.jpg) | [${number}](${photo.page}) | [${photo.license}](${terms}) | ${photo.coco} |`;
  });
  const marked = concepts.map(({ label, reference }) => `\`${reference}.jpg\` for ${label}`).join(', ');
  return `# Photos of the demo, and whose they are

Photographs from Flickr under licenses that let anyone hand them on, as they are part of COCO 2017. Each is its photographer's, whom the photo's
page at Flickr names, under the license in its row; the license of \`prosam\` does not cover them.

| file | photo at Flickr | license | COCO |
|---|---|---|---|
${rows.join('\n')}

**Changes.** COCO shrank every photo to 640 pixels on its longer side; here it is 320 pixels, as JPEG. Nothing was cut off or retouched. Pictures made from
them, with masks drawn on top (\`npm run demo\`, \`docs/demo.png\`, \`docs/browser.png\`), are under CC BY-SA 2.0 where they show a photo under it, and else under CC BY 2.0.

**True masks** (\`masks/\`): [${annotations}](https://creativecommons.org/licenses/by/4.0/), reduced to one concept a photo and
to the photo's size, white on black.

**Choice.** The concepts were chosen by hand. Of each, these are all photos of the test split of COCO that this project measures on which may be handed on,
show the concept on at least 1.5 % of their pixels, and people on less than 0.05 %: no photo was left out because its mask is poor. \`bear.jpg\` is there as a photo
without either concept. None of them was used in training; other photos of cats and airplanes were. The objects were marked by hand with a box: ${marked}. Figures on whole data sets:
[results](../../docs/results.md).

\`photos.json\` is the list that this page is made from (\`npm run docs:photos\`).
`;
}

makePage('examples/photos/CREDITS.md', photoCredits(await readPhotos()), 'npm run docs:photos');
