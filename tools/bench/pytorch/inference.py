"""The full-size networks in plain PyTorch, one stage on demand, for tools/bench/inference.ts to divide by.

Usage: python inference.py MODEL_FOLDER INPUTS THREADS own|sdpa
Reads one JSON line {"stage": ..., "out": FILE or null} at a time, answers one: milliseconds on the clock and of all threads,
the most memory held so far. `out`: where the stage's outputs go as float32, one after another.
"own": as SAM's published code writes it; "sdpa": attention in one piece (scaled_dot_product_attention, in the encoder with a
bias), and no mask that is not asked for. SAM 2 is Meta's package as it is, either way.
"""
import json, math, struct, sys
import torch
import torch.nn.functional as F
from stages import answer_requests, ready

folder, inputs_path, threads, kind = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(threads)
manifest = json.load(open(f'{folder}/manifest.json'))
sam, resnet, encoder = (manifest[part]['config'] for part in ('sam', 'backbone', 'prompt_encoder'))
grid = sam['image_size'] // sam.get('patch_size', 16)


def read_safetensors(path):
    """Copies into memory of its own, as torch.load gives it."""
    out = {}
    with open(path, 'rb') as file:
        length = struct.unpack('<Q', file.read(8))[0]
        header = json.loads(file.read(length))
        for name, entry in header.items():
            if name == '__metadata__':
                continue
            begin, end = entry['data_offsets']
            file.seek(8 + length + begin)
            dtype = {'F32': torch.float32, 'U8': torch.uint8}[entry['dtype']]
            out[name] = torch.frombuffer(bytearray(file.read(end - begin)), dtype=dtype).reshape(entry['shape'])
    return out


S = read_safetensors(f'{folder}/{manifest["sam"]["file"]}')
R = read_safetensors(f'{folder}/{manifest["backbone"]["file"]}')
P = read_safetensors(f'{folder}/{manifest["prompt_encoder"]["file"]}')
I = read_safetensors(inputs_path)
second = sam.get('image_encoder') == 'hiera'
if second:
    from meta_sam2 import Dinov2, Sam2
    sam2, dino = Sam2(sam, S), Dinov2(resnet, R)


def linear(W, x, name):
    return F.linear(x, W[name + '.weight'], W.get(name + '.bias'))


def norm(W, x, name, eps):
    return F.layer_norm(x, x.shape[-1:], W[name + '.weight'], W[name + '.bias'], eps)


def channel_norm(x, name):
    """LayerNorm2d of SAM's code."""
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    x = (x - mean) / torch.sqrt(variance + 1e-6)
    return S[name + '.weight'][:, None, None] * x + S[name + '.bias'][:, None, None]


def image_encoder(x):
    """SAM's view of an image: the embedding, and of SAM 2 the finer maps."""
    if second:
        return sam2.image_encoder(x)
    p = 'image_encoder.'
    x = F.conv2d(x, S[p + 'patch_embed.proj.weight'], S[p + 'patch_embed.proj.bias'], stride=sam['patch_size']).permute(0, 2, 3, 1)
    x = x + S[p + 'pos_embed']
    for i in range(sam['depth']):
        b = f'{p}blocks.{i}.'
        window = 0 if i in sam['global_attn_indexes'] else sam['window_size']
        y = norm(S, x, b + 'norm1', 1e-6)
        if window:
            n = math.ceil(grid / window)
            pad = n * window - grid
            y = F.pad(y, (0, 0, 0, pad, 0, pad)).reshape(1, n, window, n, window, -1).permute(0, 1, 3, 2, 4, 5).reshape(n * n, window, window, -1)
        y = relative_attention(y, b + 'attn.')
        if window:
            y = y.reshape(1, n, n, window, window, -1).permute(0, 1, 3, 2, 4, 5).reshape(1, n * window, n * window, -1)[:, :grid, :grid]
        x = x + y
        x = x + linear(S, F.gelu(linear(S, norm(S, x, b + 'norm2', 1e-6), b + 'mlp.lin1')), b + 'mlp.lin2')
    x = channel_norm(F.conv2d(x.permute(0, 3, 1, 2), S[p + 'neck.0.weight']), p + 'neck.1')
    return [channel_norm(F.conv2d(x, S[p + 'neck.2.weight'], padding=1), p + 'neck.3')]


def relative_attention(x, p):
    count, h, w, width = x.shape
    heads = sam['num_heads']
    depth = width // heads
    qkv = linear(S, x, p + 'qkv').reshape(count, h * w, 3, heads, depth).permute(2, 0, 3, 1, 4)
    q, k, v = qkv.reshape(3, count * heads, h * w, depth).unbind(0)
    index = torch.arange(h)[:, None] - torch.arange(h)[None, :] + h - 1
    rel_h, rel_w = S[p + 'rel_pos_h'][index], S[p + 'rel_pos_w'][index]
    square = q.reshape(count * heads, h, w, depth)
    by_row = torch.einsum('bhwc,hkc->bhwk', square, rel_h)[..., :, None]
    by_column = torch.einsum('bhwc,wkc->bhwk', square, rel_w)[..., None, :]
    if kind == 'sdpa':
        bias = (by_row + by_column).reshape(count, heads, h * w, h * w)
        split = lambda t: t.reshape(count, heads, h * w, depth)
        out = F.scaled_dot_product_attention(split(q), split(k), split(v), attn_mask=bias).reshape(count * heads, h * w, depth)
    else:
        logits = (q * depth ** -0.5) @ k.transpose(-2, -1)
        logits = (logits.view(-1, h, w, h, w) + by_row + by_column).view(-1, h * w, h * w)
        out = logits.softmax(-1) @ v
    out = out.view(count, heads, h, w, depth).permute(0, 2, 3, 1, 4).reshape(count, h, w, width)
    return linear(S, out, p + 'proj')


def two_way_attention(q, k, v, p):
    q, k, v = linear(S, q, p + 'q_proj'), linear(S, k, p + 'k_proj'), linear(S, v, p + 'v_proj')
    split = lambda x: x.reshape(x.shape[0], x.shape[1], sam['decoder_heads'], -1).transpose(1, 2)
    q, k, v = split(q), split(k), split(v)
    if kind == 'sdpa':
        out = F.scaled_dot_product_attention(q, k, v)
    else:
        out = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), dim=-1) @ v
    return linear(S, out.transpose(1, 2).flatten(2), p + 'out_proj')


def mlp(x, p, layers=3):
    for i in range(layers):
        x = linear(S, x, f'{p}layers.{i}')
        if i + 1 < layers:
            x = F.relu(x)
    return x


def dense_positions():
    centres = (torch.arange(grid) + 0.5) / grid
    xy = torch.stack(torch.meshgrid(centres, centres, indexing='xy'), -1).reshape(-1, 2)
    angles = (2 * xy - 1) @ S['prompt_encoder.pe_layer.positional_encoding_gaussian_matrix'] * 2 * math.pi
    return torch.cat([angles.sin(), angles.cos()], -1)[None]


def mask_decoder(view, prompts):
    if second:
        return sam2.mask_decoder(view, prompts)
    (embedding,) = view
    count = prompts.shape[0]
    p = 'mask_decoder.'
    own = torch.cat([S[p + 'iou_token.weight'], S[p + 'mask_tokens.weight']])[None].expand(count, -1, -1)
    tokens = torch.cat([own, prompts], 1)
    image = torch.repeat_interleave(embedding, count, 0) + S['prompt_encoder.no_mask_embed.weight'].reshape(1, -1, 1, 1)
    positions = dense_positions()
    keys = image.flatten(2).transpose(1, 2)
    queries = tokens
    for i in range(sam['decoder_depth']):
        t = f'{p}transformer.layers.{i}.'
        if i == 0:
            queries = two_way_attention(queries, queries, queries, t + 'self_attn.')
        else:
            placed = queries + tokens
            queries = queries + two_way_attention(placed, placed, queries, t + 'self_attn.')
        queries = norm(S, queries, t + 'norm1', 1e-5)
        queries = norm(S, queries + two_way_attention(queries + tokens, keys + positions, keys, t + 'cross_attn_token_to_image.'), t + 'norm2', 1e-5)
        queries = norm(S, queries + linear(S, F.relu(linear(S, queries, t + 'mlp.lin1')), t + 'mlp.lin2'), t + 'norm3', 1e-5)
        keys = norm(S, keys + two_way_attention(keys + positions, queries + tokens, queries, t + 'cross_attn_image_to_token.'), t + 'norm4', 1e-5)
    last = two_way_attention(queries + tokens, keys + positions, keys, p + 'transformer.final_attn_token_to_image.')
    queries = norm(S, queries + last, p + 'transformer.norm_final_attn', 1e-5)
    x = keys.transpose(1, 2).reshape(count, -1, grid, grid)
    x = F.conv_transpose2d(x, S[p + 'output_upscaling.0.weight'], S[p + 'output_upscaling.0.bias'], stride=2)
    x = F.gelu(channel_norm(x, p + 'output_upscaling.1'))
    x = F.gelu(F.conv_transpose2d(x, S[p + 'output_upscaling.3.weight'], S[p + 'output_upscaling.3.bias'], stride=2))
    # SAM's own code draws every mask and then takes the one that is asked for.
    drawn = 1 if kind == 'sdpa' else 1 + sam['num_multimask_outputs']
    hyper = torch.stack([mlp(queries[:, 1 + i], f'{p}output_hypernetworks_mlps.{i}.') for i in range(drawn)], 1)
    iou = mlp(queries[:, 0], p + 'iou_prediction_head.', sam['iou_head_depth'])[:, :1]
    return (hyper @ x.flatten(2)).reshape(count, drawn, 4 * grid, 4 * grid)[:, :1], iou


def conv_norm(x, conv, bn, **options):
    x = F.conv2d(x, R[conv + '.weight'], **options)
    return F.batch_norm(x, R[bn + '.running_mean'], R[bn + '.running_var'], R[bn + '.weight'], R[bn + '.bias'], eps=1e-5)


def bottleneck(x, p, stride, dilation):
    y = F.relu(conv_norm(x, p + 'conv1', p + 'bn1'))
    y = F.relu(conv_norm(y, p + 'conv2', p + 'bn2', stride=stride, padding=dilation, dilation=dilation))
    y = conv_norm(y, p + 'conv3', p + 'bn3')
    if p + 'downsample.0.weight' in R:
        x = conv_norm(x, p + 'downsample.0', p + 'downsample.1', stride=stride)
    return F.relu(x + y)


def stage(x, index):
    """Stages 3 and 4 are dilated: output stride 8."""
    stride, first, rest = [(1, 1, 1), (2, 1, 1), (1, 1, 2), (1, 2, 4)][index]
    for i in range(resnet['layers'][index]):
        x = bottleneck(x, f'layer{index + 1}.{i}.', stride if i == 0 else 1, first if i == 0 else rest)
    return x


def trunk(x):
    if second:
        return dino.trunk(x)
    x = F.relu(conv_norm(x, 'conv1', 'bn1', stride=2, padding=1))
    x = F.relu(conv_norm(x, 'conv2', 'bn2', padding=1))
    x = F.relu(conv_norm(x, 'conv3', 'bn3', padding=1))
    f2 = stage(stage(F.max_pool2d(x, 3, 2, 1), 0), 1)
    f3 = stage(f2, 2)
    return torch.cat([f2, f3], 1), f3


def last_stage(state, mask=None):
    if second:
        return dino.final(state, mask)
    return stage(state if mask is None else state * mask, 3)


def backbone(x):
    mid, state = trunk(x)
    return mid, state, last_stage(state)


def similarity(reference, mask, target):
    a = (reference * mask).flatten(2)
    b = target.flatten(2)
    dots = a.transpose(1, 2) @ b
    cosine = dots / (a.norm(dim=1)[:, :, None] * b.norm(dim=1)[:, None] + 1e-7)
    return cosine.amax(1).reshape(1, 1, *target.shape[2:])


def sine_positions(channels, height, width):
    half = channels // 2
    y = (torch.arange(1, height + 1) / (height + 1e-6) * 2 * math.pi)[:, None].expand(height, width)
    x = (torch.arange(1, width + 1) / (width + 1e-6) * 2 * math.pi)[None].expand(height, width)
    scale = 10000 ** (2 * (torch.arange(half) // 2) / half)
    wave = lambda t: torch.stack([(t[..., None] / scale)[..., 0::2].sin(), (t[..., None] / scale)[..., 1::2].cos()], -1).flatten(2)
    return torch.cat([wave(y), wave(x)], -1).reshape(1, height * width, channels)


def reduced(mid):
    return F.relu(F.conv2d(mid, P['reduce.weight']))


def fused(features, prototype, mask):
    tiled = prototype.expand(-1, -1, *features.shape[2:])
    return F.relu(F.conv2d(torch.cat([features, tiled, encoder['mask_gain'] * mask], 1), P['fuse.weight']))


def prompt_attention(q, k, v, p):
    W = P[p + 'attn.in_proj_weight'].chunk(3)
    b = P[p + 'attn.in_proj_bias'].chunk(3)
    split = lambda x: x.reshape(x.shape[0], x.shape[1], encoder['num_heads'], -1).transpose(1, 2)
    out = F.scaled_dot_product_attention(*(split(F.linear(x, W[i], b[i])) for i, x in enumerate((q, k, v))))
    return norm(P, q + linear(P, out.transpose(1, 2).flatten(2), p + 'attn.out_proj'), p + 'norm', 1e-5)


def cross(q, features, p):
    values = features.flatten(2).transpose(1, 2)
    return prompt_attention(q, values + sine_positions(features.shape[1], *features.shape[2:]), values, p)


def encode_reference(mid, mask):
    features = reduced(mid)
    prototype = (features * mask).sum((2, 3), keepdim=True) / (mask.sum((2, 3), keepdim=True) + 0.0005)
    queries = cross(P['queries'][None], fused(features, prototype, mask), 'ref_cross.')
    return prototype, prompt_attention(queries, queries, queries, 'ref_self.')


def encode_target(mid, pseudo, prototype, queries):
    queries = cross(queries, fused(reduced(mid), prototype, pseudo), 'tgt_cross.')
    queries = prompt_attention(queries, queries, queries, 'tgt_self.')
    return linear(P, queries, 'mu_head'), linear(P, queries, 'log_sigma_head')


MEAN = torch.tensor(manifest['sam']['mean']).reshape(1, 3, 1, 1)
STD = torch.tensor(manifest['sam']['std']).reshape(1, 3, 1, 1)


def prepared(pixels, side):
    """pixels uint8 [1, 3, h, w]; antialiased on bytes, as Pillow does it."""
    if pixels.shape[-1] != side:
        pixels = F.interpolate(pixels, (side, side), mode='bilinear', antialias=True)
    return (pixels.float() - MEAN) / STD


def reference_part(pixels, mask):
    """SAM never sees a reference here: only its backbone maps are asked for."""
    mid, state = trunk(prepared(pixels, resnet['image_size']))
    return (*encode_reference(mid, mask), last_stage(state, mask))


def target_part(pixels, mask, reference):
    prototype, queries, reference_high = reference
    view = image_encoder(prepared(pixels, sam['image_size']))
    mid, _, high = backbone(prepared(pixels, resnet['image_size']))
    mu, log_sigma = encode_target(mid, similarity(reference_high, mask, high), prototype, queries)
    prompts = torch.cat([mu, mu + log_sigma.exp() * I['eps']])
    low = mask_decoder(view, prompts)[0]
    square = F.interpolate(low[:1], (resnet['image_size'],) * 2, mode='bilinear', align_corners=not second)
    field = F.interpolate(square, pixels.shape[2:], mode='bilinear', align_corners=not second)
    return [low[0], field > 0, low[1:].sigmoid().mean(0)][:1]


mask = I['cells']
maps = lambda: ready('maps', lambda: backbone(prepared(I['target'], resnet['image_size'])))
view = lambda: ready('view', lambda: sam2.from_rows(I['embedding'], I['highRes0'], I['highRes1']) if second else [I['embedding']])
code = lambda: ready('code', lambda: encode_reference(maps()[0], mask))
STAGES = {
    'encoder': lambda: image_encoder(prepared(I['target'], sam['image_size'])),
    'backbone': lambda: backbone(prepared(I['target'], resnet['image_size'])),
    'reference': lambda: encode_reference(maps()[0], mask),
    'similarity': lambda: [similarity(maps()[2], mask, maps()[2])],
    'target': lambda: encode_target(maps()[0], I['pseudo'], *code()),
    'decoder1': lambda: mask_decoder(view(), I['prompts'][:1]),
    'decoder5': lambda: mask_decoder(view(), I['prompts'][:5]),
    'decoder10': lambda: mask_decoder(view(), I['prompts']),
    'predict': lambda: target_part(I['target'], mask, ready('reference', lambda: reference_part(I['reference'], mask))),
    'both': lambda: target_part(I['target'], mask, reference_part(I['reference'], mask)),
}


answer_requests(STAGES, sam2.in_rows if second else lambda outputs: outputs)
