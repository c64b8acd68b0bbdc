"""Golden numbers of DINOv2 with registers and of DINOv3, made by Hugging Face's transformers with random weights, in float64.

Usage: python dino_reference.py cases FOLDER       small networks: manifest.json, cases/, weights/ (test/golden/dino-data)
       python dino_reference.py full-size FOLDER   ViT-S at its real size: shapes.json, expected.json

Needs torch and transformers; nothing is downloaded. Weights of the small networks are stored as save_pretrained writes them. Those of
the full-size ones come from the hash of test/golden/hash-weights.ts, under Meta's names.
"""
import json, math, pathlib, shutil, sys, tempfile
import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel, DINOv3ViTConfig, DINOv3ViTModel

torch.set_grad_enabled(False)
SEED = 20251129


class Reference:
    """One of the two models, stage by stage."""

    def __init__(self, model, stage_ends):
        self.model, self.stage_ends = model.eval(), stage_ends
        self.first = 1 + model.config.num_register_tokens

    def blocks(self, x, image, start, end):
        if isinstance(self.model, DINOv3ViTModel):
            positions = self.model.rope_embeddings(image)
            for layer in self.model.model.layer[start:end]:
                x = layer(x, position_embeddings=positions)
        else:
            for layer in self.model.encoder.layer[start:end]:
                x = layer(x)
        return x

    def grid(self, x):
        batch, count, width = x.shape
        side = math.isqrt(count - self.first)
        return x[:, self.first:].transpose(1, 2).reshape(batch, width, side, side).contiguous()

    def maps(self, image, mask=None):
        """f2, f3, mid, f4; with a mask [B, 1, h, w] also `masked`, the last map after patches outside were zeroed before its blocks."""
        second_end, third_end, last = self.stage_ends
        second = self.blocks(self.model.embeddings(image), image, 0, second_end)
        third = self.blocks(second, image, second_end, third_end)
        fourth = self.blocks(third, image, third_end, last)
        whole = self.model(image, output_hidden_states=True)
        for end, x in zip(self.stage_ends, (second, third, fourth)):
            assert torch.equal(whole.hidden_states[end], x) or end == len(whole.hidden_states) - 1
        norm = self.model.norm if isinstance(self.model, DINOv3ViTModel) else self.model.layernorm
        if last == self.model.config.num_hidden_layers:
            assert torch.equal(norm(fourth), whole.last_hidden_state)
        out = {'f2': self.grid(second), 'f3': self.grid(third), 'f4': self.grid(fourth)}
        out['mid'] = torch.cat([out['f2'], out['f3']], 1)
        if mask is not None:
            kept = torch.cat([third[:, :self.first], third[:, self.first:] * mask.flatten(1).unsqueeze(-1)], 1)
            out['masked'] = self.grid(self.blocks(kept, image, third_end, last))
        return out


def both_precisions(reference, image, mask=None):
    """Values in float64, and how far float32 is from them."""
    single = reference.maps(image.float(), None if mask is None else mask.float())
    reference.model.double()
    double = reference.maps(image.double(), None if mask is None else mask.double())
    return {name: (value, (value - single[name].double()).abs().max().item()) for name, value in double.items()}


def tolerance(value, error):
    return float(f'{max(30 * error, 3e-6 * value.abs().max().item()):.3g}')


# Small networks

def randomised(model, generator, scale):
    """Every tensor random, those of the input times `scale`: small ones show a wrong epsilon."""
    for name, tensor in model.named_parameters():
        noise = torch.randn(tensor.shape, generator=generator)
        if 'embeddings.' in name:
            values = noise * scale * (0.5 if tensor.dim() < 4 else 1 / math.sqrt(tensor[0].numel()))
        elif 'layer_scale' in name or ('norm' in name and name.endswith('weight')):
            values = 1 + 0.2 * noise
        elif tensor.dim() == 1:
            values = 0.2 * noise
        else:
            values = noise / math.sqrt(tensor.shape[1])
        tensor.copy_(values)
    return model


def small(kind, *, image, patch, width, depth, heads, registers, ends, mlp_ratio, scale=1.0, theta=100.0):
    common = dict(image_size=image, patch_size=patch, hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads,
                  num_register_tokens=registers, attn_implementation='eager')
    if kind == 'dinov3':
        model = DINOv3ViTModel(DINOv3ViTConfig(**common, intermediate_size=width * mlp_ratio, rope_theta=theta))
    else:
        model = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**common, mlp_ratio=mlp_ratio))
    config = dict(kind=kind, image_size=image, patch_size=patch, embed_dim=width, depth=depth, num_heads=heads, mlp_ratio=mlp_ratio,
                  num_register_tokens=registers, stage_ends=ends, **({'rope_theta': theta} if kind == 'dinov3' else {}))
    return model, config, scale


SMALL = {
    'backbone_dinov2_registers': ('backbone_dinov2_registers', 2, lambda: small(
        'dinov2', image=56, patch=14, width=24, depth=4, heads=2, registers=4, ends=[2, 3, 4], mlp_ratio=4)),
    'backbone_dinov2_registers_b': ('backbone_dinov2_registers', 1, lambda: small(
        'dinov2', image=30, patch=6, width=36, depth=5, heads=3, registers=1, ends=[1, 2, 4], mlp_ratio=2, scale=0.01)),
    'backbone_dinov3': ('backbone_dinov3', 2, lambda: small(
        'dinov3', image=64, patch=16, width=24, depth=4, heads=2, registers=4, ends=[2, 3, 4], mlp_ratio=4)),
    'backbone_dinov3_b': ('backbone_dinov3', 1, lambda: small(
        'dinov3', image=56, patch=8, width=48, depth=5, heads=3, registers=1, ends=[1, 2, 4], mlp_ratio=2, scale=0.01, theta=30.0)),
}


def cases(folder):
    generator = torch.Generator().manual_seed(SEED)
    (folder / 'cases').mkdir(parents=True, exist_ok=True)
    (folder / 'weights').mkdir(exist_ok=True)
    manifest = {
        'set': 'dino', 'seed': SEED, 'format': 1,
        'maker': f'tools/golden/dino_reference.py with torch {torch.__version__}, transformers {transformers.__version__}',
        'rule': 'f32: max|actual-expected| <= atol, which is the larger of 30 times the error of the same code in float32 and 3e-6 of the largest value',
        'naming': "inside each case file: in.<input>, out.<expected>; weights as transformers' save_pretrained writes them",
        'cases': [], 'weights': {},
    }
    for name, (kind, batch, make) in SMALL.items():
        model, config, scale = make()
        model = randomised(model, generator, scale)
        with tempfile.TemporaryDirectory() as saved:
            model.save_pretrained(saved)
            shutil.copyfile(pathlib.Path(saved) / 'model.safetensors', folder / 'weights' / f'{name}.safetensors')
        side = config['image_size'] // config['patch_size']
        image = torch.randn(batch, 3, config['image_size'], config['image_size'], generator=generator)
        mask = (torch.rand(batch, 1, side, side, generator=generator) < 0.4).float()
        outputs = both_precisions(Reference(model, config['stage_ends']), image, mask)
        tensors = {'in.image': image, 'in.mask': mask, **{f'out.{key}': value.float() for key, (value, _) in outputs.items()}}
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / 'cases' / f'{name}.safetensors')
        manifest['weights'][name] = {'file': f'weights/{name}.safetensors', 'config': config}
        manifest['cases'].append({
            'name': name, 'kind': kind, 'file': f'cases/{name}.safetensors', 'weights': [name],
            'about': 'maps of one image batch; masked: the last map where patches outside the mask were zeroed before its blocks',
            'inputs': {key: {'shape': list(value.shape), 'dtype': 'f32'} for key, value in (('image', image), ('mask', mask))},
            'expected': {key: {
                'shape': list(value.shape), 'dtype': 'f32', 'atol': tolerance(value, error),
                'max_abs': round(value.abs().max().item(), 4), 'torch_f32_max_abs_err': float(f'{error:.3g}'),
            } for key, (value, error) in outputs.items()},
        })
        print(name, {key: f'{error:.2e}' for key, (_, error) in outputs.items()})
    (folder / 'manifest.json').write_text(json.dumps(manifest, indent=1) + '\n')


# Full size, with weights and an image from a hash

def hashed(name, shape, centre=0.0, scale=1.0):
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x01000193) & 0xFFFFFFFF
    x = np.arange(math.prod(shape), dtype=np.uint32) * np.uint32(0x9E3779B1) + np.uint32(seed)
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> np.uint32(15))) * np.uint32(0x846CA68B)
    x = x ^ (x >> np.uint32(16))
    return torch.from_numpy((centre + scale * (x.astype(np.float64) / 2147483648 - 1)).astype(np.float32)).reshape(shape)


def range_of(name, shape):
    leaf = name.rsplit('.', 1)[-1]
    if leaf in ('pos_embed', 'cls_token', 'mask_token'):
        return 0.0, 0.1
    if len(shape) == 1:
        return (0.0, 0.05) if 'bias' in leaf else (1.0, 0.1)
    return 0.0, math.sqrt(3 / math.prod(shape[1:]))


def hashed_image(side):
    y, x, c = np.meshgrid(np.arange(side), np.arange(side), np.arange(3), indexing='ij')
    pixels = (((x * (3 + c)) >> 2) + ((y * (5 - c)) >> 3) + (((x >> 5) ^ (y >> 5)) & 1) * 64) & 255
    image = (pixels / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    return torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32))


def meta_shapes(width, depth, registers, patch, positions):
    """Tensors of a ViT under Meta's names. positions: of DINOv2; None for DINOv3, which has frequencies and masks of biases."""
    shapes = {'cls_token': [1, 1, width], 'patch_embed.proj.weight': [width, 3, patch, patch], 'patch_embed.proj.bias': [width],
              'norm.weight': [width], 'norm.bias': [width]}
    if positions is None:
        shapes |= {'storage_tokens': [1, registers, width], 'mask_token': [1, width], 'rope_embed.periods': [16]}
    else:
        shapes |= {'register_tokens': [1, registers, width], 'mask_token': [1, width], 'pos_embed': [1, positions, width]}
    for i in range(depth):
        at = f'blocks.{i}.'
        for layer, out, inner in (('attn.qkv', 3 * width, width), ('attn.proj', width, width), ('mlp.fc1', 4 * width, width), ('mlp.fc2', width, 4 * width)):
            shapes |= {f'{at}{layer}.weight': [out, inner], f'{at}{layer}.bias': [out]}
        for norm in ('norm1', 'norm2'):
            shapes |= {f'{at}{norm}.weight': [width], f'{at}{norm}.bias': [width]}
        shapes |= {f'{at}ls1.gamma': [width], f'{at}ls2.gamma': [width]}
        if positions is None:
            shapes[f'{at}attn.qkv.bias_mask'] = [3 * width]
    return shapes


def fill(model, tensors, of_dinov3):
    """Meta's tensors under the model's own names; a strict load, so nothing may be missing or left over."""
    layers = 'model.layer' if of_dinov3 else 'encoder.layer'
    state = {}
    for name, value in tensors.items():
        head, *rest = name.split('.')
        if head == 'blocks':
            block, path = rest[0], '.'.join(rest[1:])
            at = f'{layers}.{block}.'
            if path.startswith('attn.qkv.'):
                leaf = rest[-1]
                for letter, part in zip('qkv', value.chunk(3)):
                    if leaf != 'bias_mask' and not (of_dinov3 and letter == 'k' and leaf == 'bias'):
                        state[f'{at}attention.{letter}_proj.{leaf}'] = part
                continue
            for old, new in (('attn.proj', 'attention.o_proj'), ('ls1.gamma', 'layer_scale1.lambda1'), ('ls2.gamma', 'layer_scale2.lambda1')):
                path = path.replace(old, new)
            if of_dinov3:
                path = path.replace('mlp.fc1', 'mlp.up_proj').replace('mlp.fc2', 'mlp.down_proj')
            state[at + path] = value
        elif head == 'patch_embed':
            state[f'embeddings.patch_embeddings.{"" if of_dinov3 else "projection."}{rest[-1]}'] = value
        elif head == 'norm':
            state[f'{"norm" if of_dinov3 else "layernorm"}.{rest[0]}'] = value
        elif head in ('cls_token', 'mask_token', 'register_tokens', 'storage_tokens', 'pos_embed'):
            own = {'storage_tokens': 'register_tokens', 'pos_embed': 'position_embeddings'}.get(head, head)
            state[f'embeddings.{own}'] = value.reshape(model.get_parameter(f'embeddings.{own}').shape)
    model.load_state_dict(state, strict=True)
    return model


FULL = {
    'dinov2_vit_s14_reg': (518, dict(width=384, depth=12, registers=4, patch=14, positions=1 + 37 * 37)),
    'dinov3_vit_s16': (512, dict(width=384, depth=12, registers=4, patch=16, positions=None)),
}


def full_size(folder):
    folder.mkdir(parents=True, exist_ok=True)
    all_shapes, expected = {}, {}
    for name, (side, numbers) in FULL.items():
        shapes = meta_shapes(**numbers)
        of_dinov3 = numbers['positions'] is None
        common = dict(image_size=side, patch_size=numbers['patch'], hidden_size=384, num_hidden_layers=12, num_attention_heads=6,
                      num_register_tokens=4, attn_implementation='eager')
        model = DINOv3ViTModel(DINOv3ViTConfig(**common)) if of_dinov3 else Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**common))
        tensors = {key: hashed(key, shape, *range_of(key, shape)) for key, shape in shapes.items()}
        outputs = both_precisions(Reference(fill(model, tensors, of_dinov3), [6, 10, 12]), hashed_image(side))
        parameters = sum(p.numel() for p in model.parameters())
        all_shapes[name] = {'parameters': parameters, 'tensors': dict(sorted(shapes.items()))}
        expected[name] = {'parameters': parameters, 'outputs': {}}
        for key, (value, error) in outputs.items():
            if key == 'mid':
                continue
            flat, stride = value.flatten(), value.numel() // 64
            number = lambda x: float(f'{float(x):.8g}')
            expected[name]['outputs'][key] = {
                'shape': list(value.shape), 'atol': tolerance(value, error), 'torch_f32_max_abs_err': float(f'{error:.3g}'),
                'mean': number(flat.mean()), 'std': number(flat.std()), 'abs_sum': number(flat.abs().sum()), 'min': number(flat.min()), 'max': number(flat.max()),
                'first16': [number(x) for x in flat[:16]], 'stride': stride, 'strided': [number(x) for x in flat[::stride][:64]],
            }
            print(name, key, f'float32 is off by {error:.2e}, largest {value.abs().max():.3f}')
    (folder / 'shapes.json').write_text(json.dumps(all_shapes) + '\n')
    (folder / 'expected.json').write_text(json.dumps(expected) + '\n')


if __name__ == '__main__':
    if len(sys.argv) != 3 or sys.argv[1] not in ('cases', 'full-size'):
        sys.exit(__doc__)
    {'cases': cases, 'full-size': full_size}[sys.argv[1]](pathlib.Path(sys.argv[2]))
