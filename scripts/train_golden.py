#!/usr/bin/env python3
"""Makes tests/golden/train.safetensors: what outside makers make of one training step's parts.

    python3 -m venv target/train-golden && target/train-golden/bin/pip install -r scripts/train-requirements.txt
    target/train-golden/bin/python scripts/train_golden.py

Makers: transformers (its Llama layer, differentiated by PyTorch), torch.optim (the optimizers), bitsandbytes (8-bit
moments). Nothing here computes a gradient, a step or a code by a formula of this project.

Tensors:
- `block.<case>.`: `x`, `dy` and the weights `w.<name>` (F32); of them, in double precision, `y` and the gradients of
  sum(y * dy), `dx` and `d.<name>` (F64). The metadata has the widths of each case.
- `optimizer.`: `weights`, the `gradients` of six steps, and per optimizer the weights after each step (F32). For
  `adamw-mixed` the gradients are rounded to BF16 and the steps are in F32 (`adamw-mixed.master`); it is that master,
  rounded to BF16.
- `codebook.signed`, `codebook.unsigned`: the values of bitsandbytes' 256 codes. `blockwise.`: `values` in blocks of
  256, and their `codes` (U8) and `absmax` with the signed ones. The third block is all zero, where a code has no
  meaning: bitsandbytes' compiled CPU kernel, which is used here, makes it 0 (-0.99), its PyTorch one 127 (zero).

`pytorch_saved` in the metadata is what PyTorch keeps of one F32 layer for the backward pass, in bytes, and as a
multiple `c` of the layer's input. The input itself is counted, and so are the sines and cosines, which the layers of a
model share.
"""

import json
import pathlib
import struct
import types
from unittest import mock

import numpy as np
import torch
from bitsandbytes import functional as bnb
from safetensors.torch import save
from transformers import LlamaConfig
from transformers.models.llama import modeling_llama

PATH = pathlib.Path(__file__).resolve().parent.parent / "tests" / "golden" / "train.safetensors"
CASES = {
    "plain": dict(hidden=32, heads=4, kv_heads=4, head_dim=8, ff=48, batch=1, tokens=5),
    "grouped": dict(hidden=24, heads=4, kv_heads=2, head_dim=10, ff=40, batch=2, tokens=7),
}
WEIGHTS = {
    "attention_norm": "input_layernorm",
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "output": "self_attn.o_proj",
    "mlp_norm": "post_attention_layernorm",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
# The layer names F32 for its norms, its softmax and its angles, whatever its input is: here these are to be F64 too.
DOUBLE = types.SimpleNamespace(**vars(torch) | {"float32": torch.float64, "float": torch.float64})
STEPS, SIZE, BLOCK = 6, 1000, 256


def normal(rng, *shape, std=1.0, mean=0.0):
    return torch.from_numpy((mean + std * rng.standard_normal(shape)).astype(np.float32))


def layer_of(widths, attention, dtype):
    """A layer of these widths, and a function that runs it: causal, from position 0 on."""
    config = LlamaConfig(
        hidden_size=widths["hidden"],
        num_attention_heads=widths["heads"],
        num_key_value_heads=widths["kv_heads"],
        head_dim=widths["head_dim"],
        intermediate_size=widths["ff"],
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        attention_bias=False,
        mlp_bias=False,
        attn_implementation=attention,
    )
    layer = modeling_llama.LlamaDecoderLayer(config, 0).to(dtype)
    rotary, tokens = modeling_llama.LlamaRotaryEmbedding(config), widths["tokens"]
    # sdpa is causal by itself where it gets no mask; eager attention without one sees every token.
    mask = None if attention == "sdpa" else torch.full((1, 1, tokens, tokens), -torch.inf, dtype=dtype).triu(1)

    def forward(x):
        positions = torch.arange(tokens)[None]
        return layer(x, attention_mask=mask, position_ids=positions, position_embeddings=rotary(x, positions))

    return layer, forward


def block(rng, widths):
    with mock.patch.object(modeling_llama, "torch", DOUBLE):
        layer, forward = layer_of(widths, "eager", torch.float64)
        parameters = {name: layer.get_parameter(f"{path}.weight") for name, path in WEIGHTS.items()}
        assert len(parameters) == len(list(layer.parameters()))
        shape = (widths["batch"], widths["tokens"], widths["hidden"])
        out = {"x": normal(rng, *shape), "dy": normal(rng, *shape)}
        for name, parameter in parameters.items():
            norm = parameter.ndim == 1
            weight = normal(rng, *parameter.shape, std=0.1 if norm else 0.3, mean=1.0 if norm else 0.0)
            out[f"w.{name}"], parameter.data = weight, weight.double()
        x, dy = out["x"].double().requires_grad_(), out["dy"].double()
        y = forward(x)
        (y * dy).sum().backward()
        out |= {"y": y.detach(), "dx": x.grad} | {f"d.{name}": parameter.grad for name, parameter in parameters.items()}
        # The slope along one direction, by differences: only in double precision throughout does it come out so near.
        leaves, at = [x, *parameters.values()], []
        direction = [normal(rng, *leaf.shape).double() for leaf in leaves]
        for step in (1e-6, -2e-6):
            with torch.no_grad():
                for leaf, along in zip(leaves, direction):
                    leaf += step * along
                at.append((forward(x) * dy).sum().item())
        slope = sum((leaf.grad * along).sum().item() for leaf, along in zip(leaves, direction))
        error = abs((at[0] - at[1]) / 2e-6 / slope - 1)
        print(f"  slope {slope:.6f}, by differences off by a factor of {error:.1e}")
        assert y.dtype == x.grad.dtype == torch.float64 and error < 1e-7
    return out


def saved(attention, tokens):
    widths = dict(hidden=256, heads=8, kv_heads=8, head_dim=32, ff=688, batch=1, tokens=tokens)
    layer, forward = layer_of(widths, attention, torch.float32)
    x, kept = torch.zeros(1, tokens, widths["hidden"], requires_grad=True), []

    def pack(tensor):
        kept.append(tensor)  # keeps the storage, so that no later one gets its address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = forward(x)
    storages = {(s.data_ptr(), s.nbytes()) for s in (tensor.untyped_storage() for tensor in kept)}
    storages -= {(s.data_ptr(), s.nbytes()) for s in (p.untyped_storage() for p in layer.parameters())}
    total = sum(nbytes for _, nbytes in storages)
    return {"attention": attention, "tokens": tokens, "bytes": total, "c": total / (y.numel() * 4)}


def steps(maker, weights, gradients, **options):
    parameter = torch.nn.Parameter(weights.clone())
    optimizer = maker([parameter], lr=1e-3, weight_decay=0.01, foreach=False, fused=False, **options)
    out = []
    for gradient in gradients:
        parameter.grad = gradient.clone()
        optimizer.step()
        out.append(parameter.detach().clone())
    return torch.stack(out)


def optimizers(rng):
    weights, gradients = normal(rng, SIZE, std=0.05), normal(rng, STEPS, SIZE, std=0.01)
    kind = torch.from_numpy(np.stack([rng.permutation(SIZE) for _ in range(STEPS)]))
    gradients[kind < SIZE // 10] = 0
    gradients[kind >= SIZE - 20] *= 1e-4
    gradients[:, :5], gradients[:, 5:10] = 0, normal(rng, STEPS, 5, std=1e-6)  # in every step none, and little
    halved = lambda x: x.to(torch.bfloat16).float()
    adam = dict(betas=(0.9, 0.999), eps=1e-8)
    master = steps(torch.optim.AdamW, weights, halved(gradients), **adam)
    return {
        "weights": weights,
        "gradients": gradients,
        "adamw-f32": steps(torch.optim.AdamW, weights, gradients, **adam),
        "sgd-momentum": steps(torch.optim.SGD, weights, gradients, momentum=0.9, dampening=0),
        "adamw-mixed": halved(master),
        "adamw-mixed.master": master,
    }


def moments(rng):
    signed, unsigned = (bnb.create_dynamic_map(signed=signed) for signed in (True, False))
    sizes = torch.tensor([[1.0], [3e-7], [0.0], [4e3]])
    values = (normal(rng, 4, BLOCK) * sizes).ravel()
    codes, state = bnb.quantize_blockwise(values, code=signed, blocksize=BLOCK)
    out = {"codebook.signed": signed, "codebook.unsigned": unsigned}
    return out | {"blockwise.values": values, "blockwise.codes": codes, "blockwise.absmax": state.absmax}


def main():
    rng, out, metadata = np.random.default_rng(31), {}, {}
    torch.manual_seed(31)
    torch.set_num_threads(1)  # the order of a sum is not to depend on the machine's cores
    for case, widths in CASES.items():
        print(case)
        out |= {f"block.{case}.{name}": value for name, value in block(rng, widths).items()}
        metadata[f"block.{case}"] = json.dumps(widths)
    out |= {f"optimizer.{name}": value for name, value in optimizers(rng).items()} | moments(rng)
    assert all(value.isfinite().all() for value in out.values())
    memory = [saved(attention, tokens) for attention in ("eager", "sdpa") for tokens in (128, 256, 512)]
    metadata["pytorch_saved"] = json.dumps(memory)
    print(*memory, sep="\n")
    # safetensors gives its metadata in another order each time, so they are put before its header here.
    data = save({name: value.contiguous() for name, value in out.items()})
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.dumps({"__metadata__": metadata} | json.loads(data[8:end]), separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    PATH.write_bytes(struct.pack("<Q", len(header)) + header + data[end:])
    print(f"{len(out)} tensors, {PATH.stat().st_size} bytes")


if __name__ == "__main__":
    main()
