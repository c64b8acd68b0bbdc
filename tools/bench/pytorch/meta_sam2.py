"""SAM 2's image model as Meta's package `sam2` runs it, and DINOv2 written plainly, for inference.py."""
import re
import torch
import torch.nn.functional as F
from sam2.build_sam import build_sam2

CONFIGS = {96: 't', 112: 'b+', 144: 'l'}
VIDEO = ('memory_', 'maskmem_', 'no_mem_pos_enc', 'no_obj_', 'mask_downsample', 'obj_ptr_')


def meta_name(name):
    name = re.sub(r'^(prompt_encoder|mask_decoder)\.', r'sam_\1.', name)
    return re.sub(r'^(sam_mask_decoder\.transformer\.layers\.\d+\.mlp)\.lin([12])\.', lambda m: f'{m[1]}.layers.{int(m[2]) - 1}.', name)


class Sam2:
    def __init__(self, config, weights):
        self.model = build_sam2(f'configs/sam2.1/sam2.1_hiera_{CONFIGS[config["embed_dim"]]}.yaml', None, device='cpu')
        missing, unexpected = self.model.load_state_dict({meta_name(name): value for name, value in weights.items()}, strict=False)
        assert not unexpected and all(name.startswith(VIDEO) for name in missing), (missing, unexpected)
        # The rule chooses among tokens; here the first one is compared.
        self.model.sam_mask_decoder.dynamic_multimask_via_stability = False
        self.side = config['image_size'] // 16

    def image_encoder(self, x):
        """As SAM2ImagePredictor.set_image: the embedding, then the finer maps."""
        _, maps, _, sizes = self.model._prepare_backbone_features(self.model.forward_image(x))
        maps[-1] = maps[-1] + self.model.no_mem_embed
        fine, coarse, embedding = (m.permute(1, 2, 0).view(1, -1, *size) for m, size in zip(maps, sizes))
        return [embedding, fine, coarse]

    def mask_decoder(self, view, prompts):
        embedding, fine, coarse = view
        encoder = self.model.sam_prompt_encoder
        count = prompts.shape[0]
        dense = encoder.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(count, -1, self.side, self.side)
        low, iou, _, _ = self.model.sam_mask_decoder(
            image_embeddings=embedding, image_pe=encoder.get_dense_pe(), sparse_prompt_embeddings=prompts,
            dense_prompt_embeddings=dense, multimask_output=False, repeat_image=count > 1, high_res_features=[fine, coarse])
        return low, iou

    def in_rows(self, view):
        """The finer maps in the order in which our decoder reads them: cell, quarter, quarter of the quarter."""
        embedding, fine, coarse = view
        g = self.side
        fine = fine.reshape(1, -1, g, 2, 2, g, 2, 2).permute(0, 2, 5, 3, 6, 4, 7, 1)
        coarse = coarse.reshape(1, -1, g, 2, g, 2).permute(0, 2, 4, 3, 5, 1)
        return [embedding, fine, coarse]

    def from_rows(self, embedding, fine, coarse):
        g = self.side
        fine = fine.reshape(1, g, g, 2, 2, 2, 2, -1).permute(0, 7, 1, 3, 5, 2, 4, 6).reshape(1, -1, 4 * g, 4 * g)
        coarse = coarse.reshape(1, g, g, 2, 2, -1).permute(0, 5, 1, 3, 2, 4).reshape(1, -1, 2 * g, 2 * g)
        return [embedding, fine.contiguous(), coarse.contiguous()]


class Dinov2:
    """Patch tokens after three of the blocks; no final norm."""

    def __init__(self, config, weights):
        self.config, self.W = config, weights
        self.side = config['image_size'] // config['patch_size']

    def linear(self, x, name):
        return F.linear(x, self.W[name + '.weight'], self.W[name + '.bias'])

    def norm(self, x, name):
        return F.layer_norm(x, x.shape[-1:], self.W[name + '.weight'], self.W[name + '.bias'], 1e-6)

    def blocks(self, x, start, end):
        for i in range(start, end):
            b = f'blocks.{i}.'
            count, tokens, width = x.shape
            qkv = self.linear(self.norm(x, b + 'norm1'), b + 'attn.qkv').reshape(count, tokens, 3, self.config['num_heads'], -1)
            q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            out = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(count, tokens, width)
            x = x + self.linear(out, b + 'attn.proj') * self.W[b + 'ls1.gamma']
            inner = F.gelu(self.linear(self.norm(x, b + 'norm2'), b + 'mlp.fc1'))
            x = x + self.linear(inner, b + 'mlp.fc2') * self.W[b + 'ls2.gamma']
        return x

    def map(self, x):
        return x[:, 1:].transpose(1, 2).reshape(1, -1, self.side, self.side)

    def trunk(self, image):
        """-> the two mid-level maps as one, and the tokens the last stage goes on from"""
        p = self.config['patch_size']
        x = F.conv2d(image, self.W['patch_embed.proj.weight'], self.W['patch_embed.proj.bias'], stride=p).flatten(2).transpose(1, 2)
        x = torch.cat([self.W['cls_token'], x], 1) + self.W['pos_embed']
        second, third, _ = self.config['stage_ends']
        f2 = self.blocks(x, 0, second)
        f3 = self.blocks(f2, second, third)
        return torch.cat([self.map(f2), self.map(f3)], 1), f3

    def final(self, tokens, mask=None):
        if mask is not None:
            tokens = torch.cat([tokens[:, :1], tokens[:, 1:] * mask.reshape(1, -1, 1)], 1)
        return self.map(self.blocks(tokens, *self.config['stage_ends'][1:]))
