"""The full-size training step of tools/bench/training.ts in plain PyTorch: prompt encoder, K prompt sets, SAM's frozen decoder, loss, AdamW.

Usage: python training.py INPUTS CHUNK THREADS STRIDE
Takes one step for every line on its standard input and answers with a line of JSON.
"""
import json, math, mmap, resource, struct, sys, time
import torch
import torch.nn.functional as F

path, chunk, threads, stride = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
NU, HEADS, DIM, PROMPTS = 5, {'encoder': 4, 'decoder': 8}, 256, 50


def read_safetensors(path):
    with open(path, 'rb') as file:
        raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    length = struct.unpack('<Q', raw[:8])[0]
    out = {}
    for name, entry in json.loads(raw[8:8 + length]).items():
        begin, end = entry['data_offsets']
        flat = torch.frombuffer(raw, dtype=torch.float32, count=(end - begin) // 4, offset=8 + length + begin)
        out[name] = flat.reshape(entry['shape']).clone()
    return out


tensors = read_safetensors(path)
given = {name[3:]: tensor for name, tensor in tensors.items() if name.startswith('in.')}
S = {name[4:]: tensor for name, tensor in tensors.items() if name.startswith('sam.')}
P = {name[8:]: tensor.requires_grad_() for name, tensor in tensors.items() if name.startswith('encoder.')}
samples, side, grid = given['eps'].shape[0], given['truth'].shape[-1], given['embedding'].shape[-1]


def attend(q, k, v, heads):
    split = lambda x: x.unflatten(2, (heads, -1)).transpose(1, 2)
    return F.scaled_dot_product_attention(split(q), split(k), split(v)).transpose(1, 2).flatten(2)


def sine_positions():
    half = DIM // 2
    frequency = 10000 ** (2 * (torch.arange(half) // 2) / half)
    steps = torch.arange(1, grid + 1) / (grid + 1e-6) * 2 * math.pi
    waves = steps[:, None] / frequency
    waves = torch.stack([waves[:, 0::2].sin(), waves[:, 1::2].cos()], 2).flatten(1)
    y, x = waves[:, None].expand(-1, grid, -1), waves[None].expand(grid, -1, -1)
    return torch.cat([y, x], 2).reshape(1, grid * grid, DIM)


def encoder_block(name, q, k, v):
    weights, biases = P[name + '.attn.in_proj_weight'].chunk(3), P[name + '.attn.in_proj_bias'].chunk(3)
    out = attend(*(F.linear(x, w, b) for x, w, b in zip((q, k, v), weights, biases)), HEADS['encoder'])
    out = F.linear(out, P[name + '.attn.out_proj.weight'], P[name + '.attn.out_proj.bias'])
    return F.layer_norm(q + out, (DIM,), P[name + '.norm.weight'], P[name + '.norm.bias'])


def fuse(features, prototype, mask):
    joined = torch.cat([features, prototype.expand_as(features), 10 * mask], 1)
    return F.relu(F.conv2d(joined, P['fuse.weight'])).flatten(2).transpose(1, 2)


def prompt_encoder():
    dropped = given['channelFactors'][..., None, None]
    reference = F.relu(F.conv2d(given['referenceMid'], P['reduce.weight'])) * dropped[1]
    target = F.relu(F.conv2d(given['targetMid'], P['reduce.weight'])) * dropped[0]
    mask = given['referenceMask']
    prototype = (reference * mask).sum((2, 3), keepdim=True) / (mask.sum((2, 3), keepdim=True) + 0.0005)
    x = fuse(reference, prototype, mask)
    q = encoder_block('ref_cross', P['queries'][None], x + sines, x)
    q = encoder_block('ref_self', q, q, q)
    x = fuse(target, prototype, given['pseudo'])
    q = encoder_block('tgt_cross', q, x + sines, x)
    q = encoder_block('tgt_self', q, q, q)
    return [F.linear(q, P[f'{head}.weight'], P[f'{head}.bias']) for head in ('mu_head', 'log_sigma_head')]


def linear(x, name):
    return F.linear(x, S[name + '.weight'], S[name + '.bias'])


def norm(x, name, eps=1e-5):
    return F.layer_norm(x, x.shape[-1:], S[name + '.weight'], S[name + '.bias'], eps)


def decoder_attention(q, k, v, p):
    return linear(attend(linear(q, p + 'q_proj'), linear(k, p + 'k_proj'), linear(v, p + 'v_proj'), HEADS['decoder']), p + 'out_proj')


def dense_positions():
    centres = (torch.arange(grid) + 0.5) / grid
    xy = torch.stack(torch.meshgrid(centres, centres, indexing='xy'), -1).reshape(-1, 2)
    angles = (2 * xy - 1) @ S['prompt_encoder.pe_layer.positional_encoding_gaussian_matrix'] * 2 * math.pi
    return torch.cat([angles.sin(), angles.cos()], -1)[None]


def decode(prompts):
    count, p = prompts.shape[0], 'mask_decoder.'
    own = torch.cat([S[p + 'iou_token.weight'], S[p + 'mask_tokens.weight']])[None].expand(count, -1, -1)
    tokens = torch.cat([own, prompts], 1)
    image = given['embedding'] + S['prompt_encoder.no_mask_embed.weight'].reshape(1, -1, 1, 1)
    keys, queries = image.flatten(2).transpose(1, 2), tokens
    for i in range(2):
        t = f'{p}transformer.layers.{i}.'
        if i == 0:
            queries = decoder_attention(queries, queries, queries, t + 'self_attn.')
        else:
            placed = queries + tokens
            queries = queries + decoder_attention(placed, placed, queries, t + 'self_attn.')
        queries = norm(queries, t + 'norm1')
        queries = norm(queries + decoder_attention(queries + tokens, keys + positions, keys, t + 'cross_attn_token_to_image.'), t + 'norm2')
        queries = norm(queries + linear(F.relu(linear(queries, t + 'mlp.lin1')), t + 'mlp.lin2'), t + 'norm3')
        keys = norm(keys + decoder_attention(keys + positions, queries + tokens, queries, t + 'cross_attn_image_to_token.'), t + 'norm4')
    last = decoder_attention(queries + tokens, keys + positions, keys, p + 'transformer.final_attn_token_to_image.')
    queries = norm(queries + last, p + 'transformer.norm_final_attn')
    u = p + 'output_upscaling.'
    x = keys.transpose(1, 2).unflatten(2, (grid, grid))
    x = F.conv_transpose2d(x, S[u + '0.weight'], S[u + '0.bias'], stride=2)
    x = F.gelu(norm(x.permute(0, 2, 3, 1), u + '1', 1e-6).permute(0, 3, 1, 2))
    x = F.gelu(F.conv_transpose2d(x, S[u + '3.weight'], S[u + '3.bias'], stride=2))
    hyper = queries[:, 1:2]
    for i in range(3):
        hyper = linear(F.relu(hyper) if i else hyper, f'{p}output_hypernetworks_mlps.0.layers.{i}')
    logits = (hyper @ x.flatten(2)).reshape(count, 1, 4 * grid, 4 * grid)
    return F.interpolate(logits, (side, side), mode='bilinear', align_corners=True)


def mask_loss(logits):
    x, truth = logits.flatten(1), given['truth'].flatten(1)
    bce = F.binary_cross_entropy_with_logits(x, truth.expand_as(x))
    p = x.sigmoid()
    return bce + (1 - (2 * (p * truth).sum(1) + 1) / (p.sum(1) + truth.sum() + 1)).mean()


def step():
    optimizer.zero_grad()
    mu, log_sigma = prompt_encoder()
    scale = 1 / math.sqrt(1 + DIM / NU) / (given['delta'] / (NU + DIM)).sqrt()
    z = (mu + log_sigma.exp() * scale[..., None] * given['eps'])[:, 0]  # [K, m, c]
    if chunk >= samples:
        loss = mask_loss(decode(z))
        loss.backward()
        total = loss.item()
    else:
        leaf, total = z.detach().requires_grad_(), 0
        for part in leaf.split(chunk):
            loss = mask_loss(decode(part)) * (part.shape[0] / samples)
            loss.backward()
            total += loss.item()
        z.backward(leaf.grad)
    optimizer.step()
    return total


def peak_bytes():
    try:
        for line in open('/proc/self/status'):
            if line.startswith('VmHWM:'):
                return 1024 * int(line.split()[1])
    except OSError:
        pass
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


sines = sine_positions()
positions = dense_positions()
optimizer = torch.optim.AdamW(P.values(), lr=1e-4, weight_decay=1e-6, fused=True)
for _ in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    total = step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({
        'about': f'PyTorch {torch.__version__}',
        'milliseconds': 1000 * wall,
        'cpuMilliseconds': 1000 * cpu,
        'peakBytes': peak_bytes(),
        'loss': total,
        'gradients': {name: tensor.grad.flatten()[::stride].tolist() for name, tensor in P.items()},
    }), flush=True)
