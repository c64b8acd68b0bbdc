"""The frozen parts of the built-in model in plain PyTorch, timed for tools/bench/predict.ts to divide by.

Usage: python tiny.py MODEL_FOLDER THREADS
Prints one JSON object: median milliseconds per stage, and checksums that show the same work was done.
"""
import json, math, statistics, struct, sys, time
import torch
import torch.nn.functional as F

folder, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.set_grad_enabled(False)
manifest = json.load(open(f'{folder}/manifest.json'))
cfg = manifest['sam']['config']


def read_safetensors(path):
    raw = open(path, 'rb').read()
    length = struct.unpack('<Q', raw[:8])[0]
    out = {}
    for name, entry in json.loads(raw[8:8 + length]).items():
        if name == '__metadata__':
            continue
        begin, end = entry['data_offsets']
        dtype = {'F32': torch.float32, 'U8': torch.uint8}[entry['dtype']]
        out[name] = torch.frombuffer(bytearray(raw[8 + length + begin:8 + length + end]), dtype=dtype).reshape(entry['shape'])
    return out


W = read_safetensors(f'{folder}/{manifest["sam"]["file"]}')
known = read_safetensors(f'{folder}/{manifest["known_answer"]}')


def linear(x, name):
    return F.linear(x, W[name + '.weight'], W.get(name + '.bias'))


def norm(x, name, eps):
    return F.layer_norm(x, x.shape[-1:], W[name + '.weight'], W[name + '.bias'], eps)


def image_encoder(x):
    heads, grid = cfg['num_heads'], cfg['image_size'] // cfg['patch_size']
    p = 'image_encoder.'
    x = F.conv2d(x, W[p + 'patch_embed.proj.weight'], W[p + 'patch_embed.proj.bias'], stride=cfg['patch_size']).permute(0, 2, 3, 1)
    x = x + W[p + 'pos_embed']
    for i in range(cfg['depth']):
        b = f'{p}blocks.{i}.'
        window = 0 if i in cfg['global_attn_indexes'] else cfg['window_size']
        y = norm(x, b + 'norm1', 1e-6)
        if window:
            n = math.ceil(grid / window)
            pad = n * window - grid
            y = F.pad(y, (0, 0, 0, pad, 0, pad)).reshape(1, n, window, n, window, -1).permute(0, 1, 3, 2, 4, 5).reshape(n * n, window, window, -1)
        y = attention(y, b + 'attn.', heads)
        if window:
            y = y.reshape(1, n, n, window, window, -1).permute(0, 1, 3, 2, 4, 5).reshape(1, n * window, n * window, -1)[:, :grid, :grid]
        x = x + y
        x = x + linear(F.gelu(linear(norm(x, b + 'norm2', 1e-6), b + 'mlp.lin1')), b + 'mlp.lin2')
    x = F.conv2d(x.permute(0, 3, 1, 2), W[p + 'neck.0.weight'])
    x = norm(x.permute(0, 2, 3, 1), p + 'neck.1', 1e-6).permute(0, 3, 1, 2)
    x = F.conv2d(x, W[p + 'neck.2.weight'], padding=1)
    return norm(x.permute(0, 2, 3, 1), p + 'neck.3', 1e-6).permute(0, 3, 1, 2)


def attention(x, p, heads):
    count, h, w, width = x.shape
    depth = width // heads
    q, k, v = linear(x.reshape(count, h * w, width), p + 'qkv').reshape(count, h * w, 3, heads, depth).permute(2, 0, 3, 1, 4)
    index = torch.arange(h)[:, None] - torch.arange(h)[None, :] + h - 1
    rel_h, rel_w = W[p + 'rel_pos_h'][index], W[p + 'rel_pos_w'][index]
    square = q.reshape(count, heads, h, w, depth)
    logits = (q * depth ** -0.5) @ k.transpose(-2, -1)
    logits = logits.reshape(count, heads, h, w, h, w)
    logits = logits + torch.einsum('nahwc,hkc->nahwk', square, rel_h)[..., :, None] + torch.einsum('nahwc,wkc->nahwk', square, rel_w)[..., None, :]
    out = logits.reshape(count, heads, h * w, h * w).softmax(-1) @ v
    return linear(out.transpose(1, 2).reshape(count, h, w, width), p + 'proj')


def decoder_attention(q, k, v, p):
    q, k, v = linear(q, p + 'q_proj'), linear(k, p + 'k_proj'), linear(v, p + 'v_proj')
    split = lambda x: x.reshape(x.shape[0], x.shape[1], cfg['decoder_heads'], -1).transpose(1, 2)
    out = F.scaled_dot_product_attention(split(q), split(k), split(v))
    return linear(out.transpose(1, 2).flatten(2), p + 'out_proj')


def mlp(x, p, layers=3):
    for i in range(layers):
        x = linear(x, f'{p}layers.{i}')
        if i + 1 < layers:
            x = F.relu(x)
    return x


def decoder(embedding, prompts):
    count, grid = prompts.shape[0], embedding.shape[-1]
    p = 'mask_decoder.'
    own = torch.cat([W[p + 'iou_token.weight'], W[p + 'mask_tokens.weight']])[None].expand(count, -1, -1)
    tokens = torch.cat([own, prompts], 1)
    centres = (torch.arange(grid) + 0.5) / grid
    xy = torch.stack(torch.meshgrid(centres, centres, indexing='xy'), -1).reshape(-1, 2)
    angles = (2 * xy - 1) @ W['prompt_encoder.pe_layer.positional_encoding_gaussian_matrix'] * 2 * math.pi
    positions = torch.cat([angles.sin(), angles.cos()], -1)[None]
    image = embedding + W['prompt_encoder.no_mask_embed.weight'].reshape(1, -1, 1, 1)
    keys = image.flatten(2).transpose(1, 2).expand(count, -1, -1)
    queries = tokens
    for i in range(cfg['decoder_depth']):
        t = f'{p}transformer.layers.{i}.'
        if i == 0:
            queries = decoder_attention(queries, queries, queries, t + 'self_attn.')
        else:
            placed = queries + tokens
            queries = queries + decoder_attention(placed, placed, queries, t + 'self_attn.')
        queries = norm(queries, t + 'norm1', 1e-5)
        queries = norm(queries + decoder_attention(queries + tokens, keys + positions, keys, t + 'cross_attn_token_to_image.'), t + 'norm2', 1e-5)
        queries = norm(queries + linear(F.relu(linear(queries, t + 'mlp.lin1')), t + 'mlp.lin2'), t + 'norm3', 1e-5)
        keys = norm(keys + decoder_attention(keys + positions, queries + tokens, queries, t + 'cross_attn_image_to_token.'), t + 'norm4', 1e-5)
    last = decoder_attention(queries + tokens, keys + positions, keys, p + 'transformer.final_attn_token_to_image.')
    queries = norm(queries + last, p + 'transformer.norm_final_attn', 1e-5)
    x = keys.transpose(1, 2).reshape(count, -1, grid, grid)
    x = F.conv_transpose2d(x, W[p + 'output_upscaling.0.weight'], W[p + 'output_upscaling.0.bias'], stride=2)
    x = F.gelu(norm(x.permute(0, 2, 3, 1), p + 'output_upscaling.1', 1e-6).permute(0, 3, 1, 2))
    x = F.gelu(F.conv_transpose2d(x, W[p + 'output_upscaling.3.weight'], W[p + 'output_upscaling.3.bias'], stride=2))
    hyper = mlp(queries[:, 1:2], p + 'output_hypernetworks_mlps.0.')
    mlp(queries[:, 0], p + 'iou_prediction_head.', cfg['iou_head_depth'])
    return (hyper @ x.flatten(2)).reshape(count, 4 * grid, 4 * grid)


def timed(work, runs):
    for _ in range(5):
        work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


mean = torch.tensor(manifest['sam']['mean']).reshape(1, 3, 1, 1)
std = torch.tensor(manifest['sam']['std']).reshape(1, 3, 1, 1)
image = (known['in.target'][None].float() - mean) / std
embedding = image_encoder(image)
mu = known['out.mu']
print(json.dumps({
    'encoder': timed(lambda: image_encoder(image), 40),
    'decoder1': timed(lambda: decoder(embedding, mu), 40),
    'decoder5': timed(lambda: decoder(embedding, mu.expand(5, -1, -1)), 40),
    'embeddingError': float((embedding - known['out.target_embedding']).abs().max()),
    'logitsError': float((decoder(embedding, mu)[0] - known['out.low_res_logits'][0, 0]).abs().max()),
    'torch': torch.__version__,
}))
