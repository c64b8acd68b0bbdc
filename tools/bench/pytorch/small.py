"""The photo model `small` in plain PyTorch, one stage on demand, for tools/bench/inference.ts to divide by.

Usage: python small.py MODEL_FOLDER INPUTS THREADS own|sdpa
Lines in and out as those of inference.py. The weights are the model's own, raised to single precision; both pairs of 1x1 convolutions on
the way to the decoder's finer maps are folded into one, and the fuser works once for all prompt sets, as with us.
"own": attention and channel norms written out as SAM's code has them, all four masks drawn; "sdpa": attention in one piece, norms by
layer_norm, convolutions on channels-last maps, and no mask that is not asked for.
"""
import json, math, struct, sys
import torch
import torch.nn.functional as F
from stages import answer_requests, ready

folder, inputs_path, threads, kind = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
torch.set_num_threads(threads)
tuned = kind == 'sdpa'
manifest = json.load(open(f'{folder}/manifest.json'))
sam, encoder = manifest['sam'], manifest['prompt_encoder']['config']
side = sam['image_size']
grid, low, limit = side // 16, side // 4, 8
decoder = sam['decoder']


def read_safetensors(path):
    out = {}
    dtypes = {'F32': torch.float32, 'F16': torch.float16, 'U8': torch.uint8}
    with open(path, 'rb') as file:
        length = struct.unpack('<Q', file.read(8))[0]
        for name, entry in json.loads(file.read(length)).items():
            if name == '__metadata__':
                continue
            begin, end = entry['data_offsets']
            file.seek(8 + length + begin)
            values = torch.frombuffer(bytearray(file.read(end - begin)), dtype=dtypes[entry['dtype']]).reshape(entry['shape'])
            out[name] = values if entry['dtype'] == 'U8' else values.float()
    return out


S = read_safetensors(f'{folder}/{sam["file"]}')
P = read_safetensors(f'{folder}/{manifest["prompt_encoder"]["file"]}')
I = read_safetensors(inputs_path)
if tuned:
    S = {name: value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value for name, value in S.items()}


def linear(W, x, name):
    return F.linear(x, W[name + '.weight'], W.get(name + '.bias'))


def norm(W, x, name, eps):
    return F.layer_norm(x, x.shape[-1:], W[name + '.weight'], W[name + '.bias'], eps)


def channel_norm(x, name):
    if tuned:
        return norm(S, x.permute(0, 2, 3, 1), name, 1e-6).permute(0, 3, 1, 2)
    mean = x.mean(1, keepdim=True)
    variance = (x - mean).pow(2).mean(1, keepdim=True)
    x = (x - mean) / torch.sqrt(variance + 1e-6)
    return S[name + '.weight'][:, None, None] * x + S[name + '.bias'][:, None, None]


def conv(x, name, **options):
    return F.conv2d(x, S[name + '.weight'], S[name + '.bias'], **options)


# Of a stage: blocks, kernel, stride of the first.
STAGES_OF_TRUNK = [(1, 3, 1), (3, 3, 2), (3, 5, 2), (4, 3, 2), (4, 5, 1), (5, 5, 2), (1, 3, 1)]


def trunk(x):
    p = 'image_encoder.trunk.'
    if tuned:
        x = x.contiguous(memory_format=torch.channels_last)
    x = F.relu6(conv(F.pad(x, (0, 1, 0, 1)), p + 'stem', stride=2))
    taps, index = [], 0
    for count, kernel, first in STAGES_OF_TRUNK:
        for i in range(count):
            b, stride = f'{p}blocks.{index}.', first if i == 0 else 1
            y = F.relu6(conv(x, b + 'expand')) if b + 'expand.weight' in S else x
            end = index == 1
            y = F.relu6(conv(F.pad(y, (0, 1, 0, 1)) if end else y, b + 'depthwise', stride=stride, padding=0 if end else (kernel - 1) // 2, groups=y.shape[1]))
            y = conv(y, b + 'project')
            x = x + y if stride == 1 and x.shape[1] == y.shape[1] else y
            if index in sam['encoder']['taps']:
                taps.append(x)
            index += 1
    return taps


def attention(q, k, v, heads):
    split = lambda x: x.reshape(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
    q, k, v = split(q), split(k), split(v)
    if tuned:
        out = F.scaled_dot_product_attention(q, k, v)
    else:
        out = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(q.shape[-1]), dim=-1) @ v
    return out.transpose(1, 2).flatten(2)


def context(x):
    p, plan = 'image_encoder.context.', sam['encoder']['context']
    count, _, h, w = x.shape
    x = conv(x, p + 'proj').flatten(2).transpose(1, 2) + S[p + 'pos_embed']
    for i in range(plan['blocks']):
        b = f'{p}blocks.{i}.'
        x = x + linear(S, attention(*linear(S, norm(S, x, b + 'norm1', 1e-6), b + 'qkv').chunk(3, -1), plan['heads']), b + 'proj')
        x = x + linear(S, F.gelu(linear(S, norm(S, x, b + 'norm2', 1e-6), b + 'fc1')), b + 'fc2')
    return norm(S, x, p + 'norm', 1e-6).transpose(1, 2).reshape(count, -1, h, w)


def folded(second, first):
    """Two 1x1 convolutions in a row as one."""
    a, b = S[second + '.weight'].flatten(1), S[first + '.weight'].flatten(1)
    return (a @ b)[:, :, None, None], a @ S[first + '.bias'] + S[second + '.bias']


FINE = [folded(f'sam_mask_decoder.conv_s{i}', f'image_encoder.neck.convs.{3 - i}.conv') for i in range(2)]


def image_encoder(x):
    """The decoder's view of an image, then the backbone's maps."""
    n = 'image_encoder.neck.'
    taps = trunk(x)
    maps = [channel_norm(tap, f'{n}norms.{i}') for i, tap in enumerate(taps)]
    embedding = conv(maps[2], n + 'convs.1.conv') + F.interpolate(conv(context(maps[3]), n + 'convs.0.conv'), scale_factor=2, mode='nearest')
    coarse = F.interpolate(taps[3], (grid, grid), mode='bilinear', align_corners=True)
    return [embedding, *(F.conv2d(maps[i], *FINE[i]) for i in range(2)), torch.cat([taps[2], coarse], 1), coarse]


def in_rows(maps):
    """Finer maps in the order in which our decoder reads them: cell, quarter, quarter of the quarter."""
    embedding, fine, coarse, *rest = maps
    fine = fine.reshape(1, -1, grid, 2, 2, grid, 2, 2).permute(0, 2, 5, 3, 6, 4, 7, 1)
    coarse = coarse.reshape(1, -1, grid, 2, grid, 2).permute(0, 2, 4, 3, 5, 1)
    return [embedding, fine, coarse, *rest]


def from_rows(embedding, fine, coarse):
    fine = fine.reshape(1, grid, grid, 2, 2, 2, 2, -1).permute(0, 7, 1, 3, 5, 2, 4, 6).reshape(1, -1, 4 * grid, 4 * grid)
    coarse = coarse.reshape(1, grid, grid, 2, 2, -1).permute(0, 5, 1, 3, 2, 4).reshape(1, -1, 2 * grid, 2 * grid)
    return [embedding, fine.contiguous(), coarse.contiguous()]


def fourier(xy):
    angles = (2 * xy - 1) @ S['sam_prompt_encoder.pe_layer.positional_encoding_gaussian_matrix'] * 2 * math.pi
    return torch.cat([angles.sin(), angles.cos()], -1)


centres = (torch.arange(grid) + 0.5) / grid
POSITIONS = fourier(torch.stack(torch.meshgrid(centres, centres, indexing='xy'), -1).reshape(1, -1, 2))


def mask_embedding(mask):
    p = 'sam_prompt_encoder.mask_downscaling.'
    x = F.gelu(channel_norm(conv(mask, p + '0', stride=2), p + '1'))
    x = F.gelu(channel_norm(conv(x, p + '3', stride=2), p + '4'))
    return conv(x, p + '6')


def fuser(x):
    for i in range(decoder['fuser_blocks']):
        b = f'sam_mask_decoder.fuser.{i}.'
        y = conv(x, b + 'dwconv', padding=3, groups=x.shape[1]).permute(0, 2, 3, 1)
        y = linear(S, F.gelu(linear(S, norm(S, y, b + 'norm', 1e-6), b + 'pwconv1')), b + 'pwconv2')
        x = x + (S[b + 'gamma'] * y).permute(0, 3, 1, 2)
    return x


def projected(q, k, v, p):
    out = attention(linear(S, q, p + 'q_proj'), linear(S, k, p + 'k_proj'), linear(S, v, p + 'v_proj'), decoder['decoder_heads'])
    return linear(S, out, p + 'out_proj')


def mlp(x, p):
    for i in range(3):
        x = linear(S, x, f'{p}layers.{i}')
        if i < 2:
            x = F.relu(x)
    return x


def mask_decoder(view, prompts, mask, wanted):
    """wanted: 'single' gives the first mask, 'all' four. -> logits [B, n, 4g, 4g], iou [B, n]"""
    embedding, fine, coarse = view
    p, count = 'sam_mask_decoder.', prompts.shape[0]
    own = torch.cat([S[p + 'iou_token.weight'], S[p + 'mask_tokens.weight']])[None].expand(count, -1, -1)
    tokens = torch.cat([own, prompts], 1)
    keys = fuser(embedding + mask_embedding(mask)).flatten(2).transpose(1, 2)
    keys, queries = torch.repeat_interleave(keys, count, 0), tokens
    for i in range(decoder['decoder_depth']):
        t = f'{p}transformer.layers.{i}.'
        if i == 0:
            queries = projected(queries, queries, queries, t + 'self_attn.')
        else:
            queries = queries + projected(queries + tokens, queries + tokens, queries, t + 'self_attn.')
        queries = norm(S, queries, t + 'norm1', 1e-5)
        queries = norm(S, queries + projected(queries + tokens, keys + POSITIONS, keys, t + 'cross_attn_token_to_image.'), t + 'norm2', 1e-5)
        queries = norm(S, queries + linear(S, F.relu(linear(S, queries, t + 'mlp.layers.0')), t + 'mlp.layers.1'), t + 'norm3', 1e-5)
        keys = norm(S, keys + projected(keys + POSITIONS, queries + tokens, queries, t + 'cross_attn_image_to_token.'), t + 'norm4', 1e-5)
    last = projected(queries + tokens, keys + POSITIONS, keys, p + 'transformer.final_attn_token_to_image.')
    queries = norm(S, queries + last, p + 'transformer.norm_final_attn', 1e-5)
    x = keys.transpose(1, 2).reshape(count, -1, grid, grid)
    up = lambda x, i: F.conv_transpose2d(x, S[f'{p}output_upscaling.{i}.weight'], S[f'{p}output_upscaling.{i}.bias'], stride=2)
    x = F.gelu(channel_norm(up(x, 0) + coarse, p + 'output_upscaling.1'))
    x = F.gelu(up(x, 3) + fine)
    # SAM's own code draws every mask and then takes the one that is asked for.
    drawn = 1 if tuned and wanted == 'single' else 4
    hyper = torch.stack([mlp(queries[:, 1 + i], f'{p}output_hypernetworks_mlps.{i}.') for i in range(drawn)], 1)
    logits = (hyper @ x.flatten(2)).reshape(count, drawn, low, low)
    iou = mlp(queries[:, 0], p + 'iou_prediction_head.').sigmoid()
    return (logits[:, :1], iou[:, :1]) if wanted == 'single' else (logits, iou)


def similarity(reference, mask, target):
    """Marked cells alone, scaled to 0..1."""
    a = reference.flatten(2)[0][:, mask.flatten() > 0]
    b = target.flatten(2)[0]
    cosine = (a.t() @ b / (a.norm(dim=0)[:, None] * b.norm(dim=0)[None] + 1e-7)).amax(0)
    return ((cosine - cosine.min()) / (cosine.max() - cosine.min() + 1e-7)).reshape(1, 1, *target.shape[2:])


def sine_positions(channels, height, width):
    half = channels // 2
    y = (torch.arange(1, height + 1) / (height + 1e-6) * 2 * math.pi)[:, None].expand(height, width)
    x = (torch.arange(1, width + 1) / (width + 1e-6) * 2 * math.pi)[None].expand(height, width)
    scale = 10000 ** (2 * (torch.arange(half) // 2) / half)
    wave = lambda t: torch.stack([(t[..., None] / scale)[..., 0::2].sin(), (t[..., None] / scale)[..., 1::2].cos()], -1).flatten(2)
    return torch.cat([wave(y), wave(x)], -1).reshape(1, height * width, channels)


SINES = sine_positions(encoder['dim'], grid, grid)


def reduced(mid):
    return F.relu(F.conv2d(mid, P['reduce.weight']))


def fused(features, prototype, mask):
    tiled = prototype.expand(-1, -1, *features.shape[2:])
    return F.relu(F.conv2d(torch.cat([features, tiled, encoder['mask_gain'] * mask], 1), P['fuse.weight']))


def prompt_attention(q, k, v, p):
    W, b = P[p + 'attn.in_proj_weight'].chunk(3), P[p + 'attn.in_proj_bias'].chunk(3)
    out = attention(*(F.linear(x, W[i], b[i]) for i, x in enumerate((q, k, v))), encoder['num_heads'])
    return norm(P, q + linear(P, out, p + 'attn.out_proj'), p + 'norm', 1e-5)


def cross(q, features, p):
    values = features.flatten(2).transpose(1, 2)
    return prompt_attention(q, values + SINES, values, p)


def encode_reference(mid, mask):
    features = reduced(mid)
    prototype = (features * mask).sum((2, 3), keepdim=True) / (mask.sum((2, 3), keepdim=True) + 0.0005)
    queries = cross(P['queries'][None], fused(features, prototype, mask), 'ref_cross.')
    return prototype, prompt_attention(queries, queries, queries, 'ref_self.')


def encode_target(mid, pseudo, prototype, queries):
    features = fused(reduced(mid), prototype, pseudo)
    queries = cross(queries, features, 'tgt_cross.')
    queries = prompt_attention(queries, queries, queries, 'tgt_self.')
    return linear(P, queries, 'mu_head'), linear(P, queries, 'log_sigma_head'), F.conv2d(features, P['coarse.weight'], P['coarse.bias'])


MEAN, STD = (torch.tensor(sam[name]).reshape(1, 3, 1, 1) for name in ('mean', 'std'))


def prepared(pixels):
    """pixels uint8 [1, 3, h, w]; antialiased on bytes, as Pillow does it."""
    return (F.interpolate(pixels, (side, side), mode='bilinear', antialias=True).float() - MEAN) / STD


def at_image_size(logits, pixels):
    return F.interpolate(logits, pixels.shape[2:], mode='bilinear', align_corners=False)


def target_part(pixels, mask, reference):
    reference_high, code = reference
    embedding, fine, coarse, mid, high = image_encoder(prepared(pixels))
    mu, log_sigma, logits = encode_target(mid, similarity(reference_high, mask, high), *code)
    prompts = torch.cat([mu, mu + log_sigma.exp() * I['eps']])
    hint = F.interpolate(logits.clamp(-limit, limit), (low, low), mode='bilinear', align_corners=False)
    drawn = mask_decoder((embedding, fine, coarse), prompts, hint, 'single')[0]
    return [drawn[0], at_image_size(drawn[:1], pixels) > 0, drawn[1:].sigmoid().mean(0)][:1]


def reference_part(pixels, mask):
    *_, mid, high = image_encoder(prepared(pixels))
    return high, encode_reference(mid, mask)


cell = 4 * torch.arange(low) + 2.0


def click(view, pixels, x, y):
    """One positive point in pixels of the image, drawn and as a token; three masks, the likeliest first."""
    height, width = pixels.shape[2:]
    x, y = x * side / width - 0.5, y * side / height - 0.5
    drawing = torch.where(torch.hypot(cell[None] - x, cell[:, None] - y) <= 12, float(limit), 0.0)[None, None]
    p = 'sam_prompt_encoder.'
    place = fourier((torch.tensor([[[x, y]]]) + 0.5) / side) + S[p + 'point_embeddings.1.weight']
    logits, iou = mask_decoder(view, torch.cat([place, S[p + 'not_a_point_embed.weight'][None]], 1), drawing, 'all')
    masks = logits[:, 1:][:, iou[0, 1:].argsort(descending=True)]
    return [masks.clamp(-limit, limit), at_image_size(masks, pixels) > 0][:1]


cells = I['cells']
maps = lambda: ready('maps', lambda: image_encoder(prepared(I['target'])))
view = lambda: ready('view', lambda: from_rows(I['embedding'], I['highRes0'], I['highRes1']))
code = lambda: ready('code', lambda: encode_reference(maps()[3], cells))
decode = lambda sets: mask_decoder(view(), I['prompts'][:sets], I['mask'], 'single')
STAGES = {
    'encoder': lambda: image_encoder(prepared(I['target'])),
    'reference': lambda: encode_reference(maps()[3], cells),
    'similarity': lambda: [similarity(maps()[4], cells, maps()[4])],
    'target': lambda: encode_target(maps()[3], I['pseudo'], *code()),
    'decoder1': lambda: decode(1),
    'decoder5': lambda: decode(5),
    'decoder8': lambda: decode(8),
    'predict': lambda: target_part(I['target'], cells, ready('reference', lambda: reference_part(I['reference'], cells))),
    'both': lambda: target_part(I['target'], cells, reference_part(I['reference'], cells)),
    'click': lambda: click(maps()[:3], I['target'], *CLICK),
}
# As in small-stages.ts.
CLICK = (400, 300)


answer_requests(STAGES, in_rows)
