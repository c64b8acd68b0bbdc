/** Requests that are small on the way and large once they are worked on, or built so that reading them takes long. */
import sharp from 'sharp';

export interface HostileRequest {
  name: string;
  path: string;
  /** @default POST */
  method?: 'POST' | 'GET';
  headers?: Record<string, string>;
  body: () => Promise<Buffer>;
  /**
   * - 'work': answered once the work is done, and others are answered before
   * - 'later': answered at once; an annotation of LATER_PROJECT is there once the work is done, and others are answered before
   * - 'refused': refused, before much is done, with this status
   */
  expected: 'work' | 'later' | { refused: number };
}

const JSON_TYPE = { 'content-type': 'application/json' };
/** 98 megapixels. */
const [WIDE, HIGH] = [14_000, 7000] as const;
const kept = new Map<string, Promise<Buffer>>();

/** One color, so that few bytes hold many pixels. */
function png(width: number, height: number, kind: 'grey' | 'rgb16' | 'rgb' = 'grey'): Promise<Buffer> {
  const key = `${width}x${height} ${kind}`;
  const image = sharp({ create: { width, height, channels: 3, background: { r: 90, g: 90, b: 90 } } });
  const made = kept.get(key) ?? (kind === 'rgb' ? image : image.toColourspace(kind === 'grey' ? 'b-w' : 'rgb16')).png().toBuffer();
  kept.set(key, made);
  return made;
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const base64Of = async (image: Promise<Buffer>): Promise<{ base64: string }> => ({ base64: (await image).toString('base64') });

let revision = 0;
async function annotation(image: Promise<Buffer>, masks: unknown[]): Promise<Buffer> {
  return json({
    ...{ project: 'hostile', source: 'test', externalId: 'one', revision: ++revision, provenance: 'drawn' },
    ...{ image: await base64Of(image), masks },
  });
}

function labelled(count: number, annotation: object, labels = 1): unknown[] {
  return Array.from({ length: count }, (_, i) => ({ label: `label ${i % labels}`, ...annotation }));
}

/** Corners up and down over the whole height. */
function zigzag(corners: number, width: number, height: number): [number, number][] {
  return Array.from({ length: corners }, (_, i) => [(i * (width - 1)) / corners, i % 2 === 0 ? 0 : height - 1]);
}

/** As the adapter calls the project below. */
export const LATER_PROJECT = 'label-studio/1.1795365113';
const project = { id: 1, created_at: '2026-11-22T16:31:53.521413Z' };
const LABEL_CONFIG =
  '<View><Image name="image" value="$image"/><BrushLabels name="tag" toName="image"><Label value="car"/></BrushLabels>' +
  '<PolygonLabels name="poly" toName="image"><Label value="car"/></PolygonLabels></View>';

async function labelStudioEvent(image: Promise<Buffer>, result: unknown[], id = 1): Promise<Buffer> {
  return json({
    action: 'ANNOTATION_CREATED',
    project: { ...project, label_config: LABEL_CONFIG },
    annotation: { id, task: id, result, updated_at: new Date().toISOString(), completed_by: 1 },
    task: { id, data: { image: `data:image/png;base64,${(await image).toString('base64')}` } },
  });
}

function polygonRegion(id: number, width: number, height: number, corners: number): unknown {
  const points = zigzag(corners, 100, 100);
  return {
    ...{ id: `r${id}`, type: 'polygonlabels', from_name: 'poly', to_name: 'image', original_width: width, original_height: height },
    value: { points, closed: true, polygonlabels: ['car'] },
  };
}

/** A region whose mask is a list of so many numbers. */
function byteList(bytes: number): Buffer {
  const head = JSON.stringify({
    action: 'ANNOTATION_CREATED',
    project: { ...project, label_config: LABEL_CONFIG },
    task: { id: 9, data: { image: 'data:image/png;base64,AAAA' } },
  }).slice(0, -1);
  const region = '"type":"brushlabels","from_name":"tag","to_name":"image","original_width":100,"original_height":100';
  return Buffer.concat([
    Buffer.from(`${head},"annotation":{"id":9,"task":9,"result":[{${region},"value":{"brushlabels":["car"],"format":"rle","rle":[1`),
    Buffer.alloc(bytes - (bytes % 4), ',255'),
    Buffer.from(']}}]}}'),
  ]);
}

const MANY = 60 * 2 ** 20;

export const HOSTILE: readonly HostileRequest[] = [
  {
    name: 'annotation: 98 megapixels of 16 bits, one box',
    ...{ path: '/v1/annotations', headers: JSON_TYPE, expected: 'work' },
    body: () => annotation(png(WIDE, HIGH, 'rgb16'), labelled(1, { box: [0, 0, WIDE, HIGH] })),
  },
  {
    name: 'annotation: 98 megapixels, 10 masks of 10 labels',
    ...{ path: '/v1/annotations', headers: JSON_TYPE, expected: 'work' },
    body: () => annotation(png(WIDE, HIGH), labelled(10, { rle: { size: [HIGH, WIDE], counts: [1, WIDE * HIGH - 1] } }, 10)),
  },
  {
    name: 'annotation: 98 megapixels, 200 boxes',
    ...{ path: '/v1/annotations', headers: JSON_TYPE, expected: { refused: 413 } },
    body: () => annotation(png(WIDE, HIGH), labelled(200, { box: [0, 0, WIDE, HIGH] })),
  },
  {
    name: 'annotation: 16 megapixels, 100 polygons of 200 corners',
    ...{ path: '/v1/annotations', headers: JSON_TYPE, expected: 'work' },
    body: () => annotation(png(4000, 4000), labelled(100, { polygon: [zigzag(200, 4000, 4000)] })),
  },
  {
    name: 'annotation: a polygon that passes more rows than any outline',
    ...{ path: '/v1/annotations', headers: JSON_TYPE, expected: { refused: 422 } },
    body: () => annotation(png(4000, 4000), labelled(1, { polygon: [zigzag(20_000, 4000, 4000)] })),
  },
  {
    name: 'annotation: a PNG mask of 98 megapixels, 10 times',
    ...{ path: '/v1/annotations', headers: JSON_TYPE, expected: 'work' },
    body: async () => annotation(png(WIDE, HIGH), labelled(10, { mask: await base64Of(whitePng()) })),
  },
  {
    name: 'annotation: runs of 2 million characters',
    ...{ path: '/v1/annotations', headers: JSON_TYPE, expected: 'work' },
    body: () => annotation(png(4000, 4000), labelled(1, { rle: { size: [4000, 4000], counts: densest(2_000_000, 16e6) } })),
  },
  {
    name: 'Label Studio: 12 polygons of 1,000 corners on 98 megapixels',
    ...{ path: '/label-studio/webhook', headers: JSON_TYPE, expected: 'later' },
    body: () =>
      labelStudioEvent(
        png(WIDE, HIGH),
        Array.from({ length: 12 }, (_, i) => polygonRegion(i, WIDE, HIGH, 1000)),
      ),
  },
  {
    name: 'Label Studio: a mask as a list of 15 million numbers',
    ...{ path: '/label-studio/webhook', headers: JSON_TYPE, expected: 'work' },
    body: () => Promise.resolve(byteList(MANY)),
  },
  {
    name: 'Label Studio: 60 MB of white space',
    ...{ path: '/label-studio/webhook', headers: JSON_TYPE, expected: 'work' },
    body: () => Promise.resolve(Buffer.concat([Buffer.from('{"action":"X","tasks":['), Buffer.alloc(MANY, ' '), Buffer.from(']}')])),
  },
  {
    name: 'Label Studio: 60 MB of escaped quotes',
    ...{ path: '/label-studio/webhook', headers: JSON_TYPE, expected: { refused: 413 } },
    body: () => Promise.resolve(Buffer.concat([Buffer.from('{"action":"X","tasks":["'), Buffer.alloc(MANY, '\\"'), Buffer.from('"]}')])),
  },
  {
    name: 'Label Studio: 40 tasks of 8,000 regions',
    ...{ path: '/label-studio/webhook', headers: JSON_TYPE, expected: 'work' },
    body: () =>
      Promise.resolve(
        json({
          action: 'TASKS_CREATED',
          project: { ...project, label_config: LABEL_CONFIG },
          tasks: Array.from({ length: 40 }, (_, id) => ({
            id,
            annotations: [{ id, result: Array.from({ length: 8000 }, () => ({ id: 'a' })) }],
          })),
        }),
      ),
  },
  ...['2.54.1', '2.73.0'].map((version) => ({
    name: `CVAT ${version}: a click on 98 megapixels`,
    path: '/cvat/api/function_invocations',
    headers: { ...JSON_TYPE, 'x-nuclio-function-name': 'prosam-click', 'user-agent': `CVAT/${version} python-requests/2.32` },
    expected: 'work' as const,
    body: async () =>
      json({ image: (await png(WIDE, HIGH)).toString('base64'), pos_points: [[WIDE / 2, HIGH / 2]], neg_points: [], obj_bbox: null }),
  })),
  {
    name: 'refine: a click on 98 megapixels, as polygons',
    ...{ path: '/v1/refine', headers: JSON_TYPE, expected: 'work' },
    body: async () =>
      json({
        project: 'hostile',
        image: await base64Of(png(WIDE, HIGH)),
        points: [
          { x: 9, y: 9 },
          { x: WIDE - 9, y: HIGH - 9 },
        ],
        format: 'polygon',
      }),
  },
  {
    name: 'predict: 98 megapixels, the reference 98 megapixels of 16 bits',
    ...{ path: '/v1/predict', headers: JSON_TYPE, expected: 'work' },
    body: async () =>
      json({
        ...{ project: 'hostile', image: await base64Of(png(WIDE, HIGH)) },
        references: [{ image: await base64Of(png(WIDE, HIGH, 'rgb16')), box: [9, 9, 4000, 4000] }],
      }),
  },
  {
    name: 'predict: 50 references of 98 megapixels',
    ...{ path: '/v1/predict', headers: JSON_TYPE, expected: { refused: 413 } },
    body: async () => {
      const reference = { image: await base64Of(png(WIDE, HIGH)), box: [9, 9, 4000, 4000] };
      return json({ project: 'hostile', image: await base64Of(png(40, 40)), references: Array.from({ length: 50 }, () => reference) });
    },
  },
  {
    name: 'an image of 60 MB in a form',
    ...{ path: '/v1/refine', headers: { 'content-type': 'multipart/form-data; boundary=x' }, expected: 'work' },
    body: async () => {
      const request = { project: 'hostile', image: { file: 'a' }, points: [{ x: 9, y: 9 }] };
      const image = await noisePng();
      return Buffer.concat([
        Buffer.from(`--x\r\ncontent-disposition: form-data; name="request"\r\n\r\n${JSON.stringify(request)}\r\n`),
        Buffer.from('--x\r\ncontent-disposition: form-data; name="a"; filename="a.png"\r\n\r\n'),
        image,
        Buffer.from('\r\n--x--\r\n'),
      ]);
    },
  },
];

/** Everything is marked. */
function whitePng(): Promise<Buffer> {
  const made =
    kept.get('white') ??
    sharp({ create: { width: WIDE, height: HIGH, channels: 3, background: 'white' } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
  kept.set('white', made);
  return made;
}

/** Some 60 MB that do not shrink. */
function noisePng(): Promise<Buffer> {
  const [width, height] = [5000, 4000];
  const data = Buffer.alloc(3 * width * height);
  for (let i = 0, state = 1; i < data.length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    data[i] = state >>> 24;
  }
  const made =
    kept.get('noise') ??
    sharp(data, { raw: { width, height, channels: 3 } })
      .png({ compressionLevel: 0 })
      .toBuffer();
  kept.set('noise', made);
  return made;
}

/** As many runs as fit: single pixels, then one that covers the rest. */
function densest(characters: number, pixels: number): string {
  // The first three counts are written as they are, later ones as the difference to the one before the last: 0.
  const short = '111' + '0'.repeat(characters - 10);
  const covered = 3 + characters - 10;
  let rest = pixels - covered - 1;
  let last = '';
  for (;;) {
    const group = rest & 0x1f;
    rest >>= 5;
    const done = group & 0x10 ? rest === -1 : rest === 0;
    last += String.fromCharCode((done ? group : group | 0x20) + 48);
    if (done) return short + last;
  }
}
