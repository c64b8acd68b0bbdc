/** Batches of tasks: what is learned from them first, and what is predicted. */
import { describe, expect, it } from 'vitest';
import { ProsamError } from '../../../src/core/common/errors.ts';
import type { ServicePredictRequest } from '../../../src/service/types.ts';
import { NAME, taskOf } from './backend-server.ts';
import { accepts, annotation, batchBench, brush, reference, results } from './batch-bench.ts';

const bench = batchBench();
const { start } = bench;

describe('a batch', () => {
  it('is answered with nothing to store as long as nothing is labelled, and says why in the log', async () => {
    await start();
    expect(results(await bench.backend.predict([taskOf(1), taskOf(2)]))).toEqual([[], []]);
    expect(bench.backend.log.map(({ message }) => message).join()).toContain('no label of the configuration has a reference yet');
    expect(bench.backend.fetched).toEqual([]);
    // Counted for who asked for many; whoever opens one task asked for nothing.
    expect(bench.backend.errors).toEqual(['REFERENCE_MISSING']);
    await bench.backend.predict([taskOf(1)]);
    expect(bench.backend.errors).toEqual(['REFERENCE_MISSING']);
  });

  it('learns from its own annotated tasks first, and predicts the rest from them', async () => {
    const service = await start();
    const labelled = taskOf(1, { annotations: [annotation(4, [brush('car'), brush('tree')])] });
    const responses = results(await bench.backend.predict([labelled, taskOf(2), taskOf(3)]));
    expect(accepts(service)).toMatchObject([
      { project: NAME, source: 'label-studio', externalId: '4', revision: 1_795_365_116_406_168, provenance: 'drawn', annotator: 'user 7' },
    ]);
    expect(responses.map((one) => (Array.isArray(one) ? [] : one.result.map(({ value }) => value.brushlabels)))).toEqual([
      [['car'], ['tree']],
      [['car'], ['tree']],
      [['car'], ['tree']],
    ]);
    const { json } = await bench.backend.setup();
    expect(responses.map((one) => (Array.isArray(one) ? '' : one.model_version))).toEqual(
      Array(3).fill((json as { model_version: string }).model_version),
    );
    // The same batch again: known annotations are not sent again.
    await bench.backend.predict([labelled]);
    expect(accepts(service).length).toBe(1);
  });

  it('flags what somebody starred or named a reference on its task, whichever said so last', async () => {
    const service = await start();
    const starred = annotation(4, [brush('car')], { ground_truth: true });
    await bench.backend.predict([taskOf(1, { annotations: [starred] })]);
    expect(accepts(service)).toMatchObject([{ provenance: 'ground_truth', flagged: true }]);
    await bench.backend.predict([taskOf(1, { annotations: [starred], meta: { reference: false } })]);
    await bench.backend.predict([taskOf(1, { annotations: [starred], meta: { reference: true } })]);
    await bench.backend.predict([taskOf(2, { annotations: [annotation(5, [brush('car')])], meta: { reference: true } })]);
    const flags = service.state.calls.filter(({ name }) => name === 'annotations.flag').map(({ args }) => args);
    expect(flags).toMatchObject([
      { key: { externalId: '4' }, flagged: false },
      { key: { externalId: '4' }, flagged: true },
      { key: { externalId: '5' }, flagged: true },
    ]);
  });

  it('does not predict what has a prediction of this version already', async () => {
    const service = await start();
    await reference(service);
    const { version } = await service.projects.get(NAME);
    const responses = results(
      await bench.backend.predict([taskOf(1, { predictions: [{ id: 9, result: [], model_version: version }] }), taskOf(2)]),
    );
    expect(responses[0]).toEqual([]);
    expect(responses[1]).not.toEqual([]);
    const old = results(await bench.backend.predict([taskOf(1, { predictions: [{ id: 9, result: [], model_version: 'older' }] })]));
    expect(old[0]).not.toEqual([]);
  });

  it('asks only for labels that the configuration has a place for and that have references', async () => {
    const service = await start();
    await reference(service, ['car', 'boat']);
    service.state.labels = ['car', 'boat'];
    await bench.backend.predict([taskOf(1)]);
    const asked = service.state.calls
      .filter(({ name }) => name === 'predictions.predict')
      .map(({ args }) => (args as ServicePredictRequest).labels);
    expect(asked).toEqual([['car']]);
  });

  it('stores that there is nothing to see where the model sees nothing', async () => {
    const service = await start();
    await reference(service);
    const predict = service.predictions.predict.bind(service.predictions);
    service.predictions.predict = async (request, options) => {
      const response = await predict(request, options);
      return {
        ...response,
        masks: response.masks.map((one) => ({ ...one, area: 0, mask: { ...one.mask, data: new Uint8Array(one.mask.data.length) } })),
      };
    };
    expect(results(await bench.backend.predict([taskOf(1)]))).toMatchObject([
      // Its fake still says that the concept is there: so much doubt.
      { result: [], score: expect.closeTo(0.1, 6) as number },
    ]);
  });

  it('takes the form the configuration has room for: polygons, boxes, bitmasks, several controls at once', async () => {
    const service = await start();
    await reference(service, ['car', 'tree', 'dog']);
    service.state.labels = ['car', 'tree', 'dog'];
    const config = `<View><Image name="image" value="$image"/>
      <PolygonLabels name="poly" toName="image"><Label value="car"/></PolygonLabels>
      <BitmaskLabels name="bits" toName="image"><Label value="tree"/></BitmaskLabels>
      <RectangleLabels name="box" toName="image"><Label value="car"/><Label value="dog"/></RectangleLabels></View>`;
    const [response] = results(await bench.backend.predict([taskOf(1)], null, { label_config: config }));
    const regions = Array.isArray(response) || response === undefined ? [] : response.result;
    expect(regions.map(({ from_name }) => from_name)).toEqual(['poly', 'bits', 'box']);
  });

  it('waits for room where the service has none', async () => {
    const service = await start();
    await reference(service);
    let refusals = 2;
    service.state.before = (name) => {
      if (name === 'predictions.predict' && refusals-- > 0) throw new ProsamError('CLIENT_BUSY', 'full', { retryAfterMs: 20 });
    };
    expect(results(await bench.backend.predict([taskOf(1)]))[0]).not.toEqual([]);
  });

  it('takes images a service no longer knows from Label Studio again', async () => {
    const service = await start();
    await reference(service);
    await bench.backend.predict([taskOf(1)]);
    await bench.backend.predict([taskOf(1)]);
    expect(bench.backend.fetched.length).toBe(1);
    service.state.images.clear();
    await reference(service);
    expect(results(await bench.backend.predict([taskOf(1)]))[0]).not.toEqual([]);
    expect(bench.backend.fetched.length).toBe(2);
  });
});
