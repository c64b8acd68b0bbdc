/** `prosam models`: the models on this machine, and the versions that were learned from them. */
import { CATALOGUE } from '../core/models/published-models.ts';
import { DEVICES } from '../core/runtime/devices/devices.ts';
import { BASE } from '../service/serving.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage.ts';

const names = (role: 'sam' | 'backbone'): string => CATALOGUE.filter((entry) => entry.role === role).map((entry) => entry.name).join(', '); // prettier-ignore

export const MODELS_HELP = `prosam models: the models on this machine, and the versions that were learned

  prosam models list [--project P]     models here; where there is a store, versions that were learned
  prosam models pull NAME|OWNER/REPO [--backbone NAME|OWNER/REPO] [--as NAME] [options]
                                       weights from the Hugging Face hub, into the cache that other tools share
  prosam models add NAME --sam FILE [--backbone FILE] [--prompt-encoder FILE] [options]
                                       weights that are here; they stay where they are
  prosam models info NAME              what it is, its files, license, memory to expect, methods
  prosam models verify NAME            reads every file again and computes a known answer
  prosam models remove NAME            the name; weights elsewhere stay

Pull: ${names('sam')};
as a backbone ${names('backbone')}
  --as NAME             what to call it (default: NAME, or the repository's)
  --revision R          branch, tag or commit (default: main)
  --file F              which file of the repository (default: model.safetensors, or what there is)
  --offline             only the cache is used (as HF_HUB_OFFLINE=1)
  HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_CACHE are read as other tools read them.

Add and pull:
  --prompt-encoder FILE a trained prompt encoder, or a VRP-SAM checkpoint, that belongs to this SAM and backbone
  --license TEXT        (default: as the repository says)
  --resize R            aligned (default with a backbone), longest-side (default without), stretch
  --force               replace a model of the same name
  --threads N           CPU threads of the first run

Verify:
  --device D            compares auto, ${DEVICES.join(', ')} with the CPU
  --precision P         fp16 or int8: prints what it changes on generated scenes (fp32 on the CPU is compared with)
  --threads N

Versions that were learned; they are in the store, whether or not a service runs:
  prosam models show ID
  prosam models diff ID OTHER          figures side by side, and what moved in the weights ("${BASE}": the model's own)
  prosam models promote ID --project P [--reason TEXT]
  prosam models rollback --project P [--reason TEXT]
  --database URL  --objects URL  --config FILE    as for prosam serve

  --json          one JSON document on stdout

Models lie in $PROSAM_MODELS, or where this platform keeps programs' data.

Exit code: 0 done, 1 verify found something wrong, 2 not done, 130 interrupted (a download goes on where it was).

Examples:
  prosam models pull sam-vit-b
  prosam models pull sam-vit-b --backbone dinov2-b --as sam-b-dino
  prosam models add mine --sam sam_vit_h_4b8939.pth --backbone resnet50_v2.pth --prompt-encoder vrp-sam.pt
  prosam segment --model sam-vit-b --reference cup.jpg --box 40,60,210,240 --target-dir photos --out masks
  prosam models rollback --project cups --reason "handles are missing"
`;

type Action = (args: readonly string[], terminal: Terminal) => Promise<number>;

const versions =
  (action: string): (() => Promise<Action>) =>
  async () => {
    const { versionsCommand } = await import('./models-versions.ts');
    return (args, terminal) => versionsCommand(action, args, terminal);
  };

const ACTIONS: Record<string, () => Promise<Action>> = {
  list: async () => (await import('./models-list.ts')).listModels,
  pull: async () => (await import('./models-pull.ts')).pullModel,
  add: async () => (await import('./models-add.ts')).addModelCommand,
  info: async () => (await import('./models-info.ts')).modelInfo,
  verify: async () => (await import('./models-verify.ts')).verifyModel,
  remove: async () => (await import('./models-remove.ts')).removeModelCommand,
  show: versions('show'),
  diff: versions('diff'),
  promote: versions('promote'),
  rollback: versions('rollback'),
};

/** -> exit code */
export async function modelsCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  const [action = '', ...rest] = args;
  const load = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
  if (load === undefined)
    throw new UsageError(`models: expected one of ${Object.keys(ACTIONS).join(', ')}, got ${action === '' ? 'nothing' : action}.`);
  return (await load())(rest, terminal);
}
