import { expect, it } from 'vitest';
import { openModel } from '../../../../src/core/checkpoint/model-folder.ts';
import { modelFolder } from '../../../../src/core/runtime/node/open-engine.ts';
import { encoderPlan } from '../../../../src/training/step/encoder-plan.ts';
import { promptEncoderShapes } from '../../../../src/training/step/parameters.ts';
import { checkedOptions } from '../../../../src/training/train-options.ts';
import { VARIANTS } from '../../../../src/training/study/variants.ts';

const planned = async (model: string, dense?: 'none' | 'coarse') =>
  encoderPlan(await openModel(modelFolder(model)), checkedOptions({ out: '.', ...(dense && { dense }) })).config;

it('keeps the coarse mask of its model, unless the paper’s form is asked for', async () => {
  expect((await planned('small')).dense).toBe('coarse');
  const paper = await planned('small', VARIANTS.student_t_no_coarse.dense);
  expect(paper.dense).toBe('none');
  expect([...promptEncoderShapes(paper).keys()].filter((name) => name.startsWith('coarse'))).toEqual([]);
  expect((await planned('tiny')).dense ?? 'none').toBe('none');
});

it('refuses another kind of mask prompt', () => {
  expect(() => checkedOptions({ out: '.', dense: 'fine' as 'none' })).toThrow(/dense: expected one of none, coarse, got "fine"/);
});
