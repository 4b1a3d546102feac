#!/usr/bin/env python3
"""Makes tests/golden/golden.safetensors: inputs, and what outside makers make of them.

    python3 -m venv target/golden && target/golden/bin/pip install -r scripts/golden-requirements.txt
    target/golden/bin/python scripts/golden.py

Makers: ml_dtypes (BF16), PyPI gguf (ggml's own Python, the ggml blocks), compressed-tensors (Int8, Int4). Nothing here computes a
code or a scale by a formula of this project. Tensors: `input/<case>` (F32 or BF16), then `<format>/<case>/<plane>`;
`whole_f32/<format>` and `whole_bf16/<format>` are sha256 sums over all matrices of the layer in the order of their names, each
with its planes one after the other.
"""

import hashlib
import pathlib

import gguf
import ml_dtypes
import numpy as np
import torch
from compressed_tensors.compressors.pack_quantized.helpers import pack_to_int32
from compressed_tensors.quantization import QuantizationArgs
from compressed_tensors.quantization.lifecycle.forward import quantize
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.numpy import load_file
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYER = "encoder.layer.0."
BLOCKS = {
    "q8_0": gguf.GGMLQuantizationType.Q8_0,
    "q4_0": gguf.GGMLQuantizationType.Q4_0,
    "q4_1": gguf.GGMLQuantizationType.Q4_1,
    "q5_0": gguf.GGMLQuantizationType.Q5_0,
    "q5_1": gguf.GGMLQuantizationType.Q5_1,
}
SCALED = {
    "int8": dict(num_bits=8, strategy="channel", symmetric=True),
    "int4": dict(num_bits=4, strategy="group", group_size=128, symmetric=True),
    "int4:g64": dict(num_bits=4, strategy="group", group_size=64, symmetric=True),
    "int4:g32": dict(num_bits=4, strategy="group", group_size=32, symmetric=True),
}
# Cases in which 1/d overflows or d is not finite: C leaves the cast of the products to integers undefined there.
UNDEFINED = {"subnormal", "maximum", "random_bits"}


def bf16(x):
    return x.astype(ml_dtypes.bfloat16)


def cases(layer):
    rng = np.random.default_rng(1)
    query = layer[LAYER + "attention.self.query.weight"]
    dense = layer[LAYER + "output.dense.weight"]
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    zero = normal(6, 256) * 0.05
    zero[1] = 0
    zero[2] = -0.0
    zero[3, 32:96] = 0
    outlier = normal(6, 256) * 0.01
    outlier[:, 17::64] = 3.0 * np.sign(normal(6, 4))
    # Integers over the codes' range: with the largest at the end of it, halves are exact ties for one format or another.
    ties = []
    for top, step in [(127.5, 0.5), (127.0, 0.5), (7.5, 0.5), (8.0, 0.5), (-8.0, 0.25), (-16.0, 0.5), (15.0, 0.5)]:
        row = (rng.integers(-2 * abs(int(top)), 2 * abs(int(top)) + 1, 128) * step / 2).astype(np.float32)
        row = np.clip(row, -abs(top), abs(top))
        row[::32] = top
        for scale in (1.0, 0.0078125, 3.0):
            ties.append(row * np.float32(scale))
    ties = np.stack(ties).astype(np.float32)
    beside = (ties.view(np.int32) + rng.integers(-1, 2, ties.shape, dtype=np.int32) * (ties != 0)).view(np.float32)
    subnormal = (rng.integers(0, 1 << 24, (6, 128)).astype(np.uint32) | (rng.integers(0, 2, (6, 128)).astype(np.uint32) << 31)).view(np.float32)
    subnormal = subnormal * np.float32(2.0) ** np.array([[0], [-5], [-10], [-15], [-22], [4]], np.float32)
    maximum = normal(6, 128) * np.array([[3e38 / 5], [1e38], [1e30], [2.2e6], [8.3e6 / 3], [6.0e4]], np.float32)
    maximum = np.clip(maximum, -3.4e38, 3.4e38)
    bits = rng.integers(0, 1 << 32, (8, 128), dtype=np.uint64).astype(np.uint32).view(np.float32)
    bits = np.where(np.isfinite(bits), bits, np.float32(1.0))
    f32 = {
        "real_f32": query[:48],
        "wide_f32": dense[:12],
        "zero": zero,
        "outlier": outlier,
        "negative": -np.abs(normal(4, 256)),
        "subnormal": subnormal,
        "maximum": maximum,
        "ties_f32": ties,
        "beside_ties": beside,
        "random_bits": bits,
    }
    half = {"real_bf16": bf16(query[:48]), "wide_bf16": bf16(dense[:12]), "ties_bf16": bf16(ties)}
    return {k: np.ascontiguousarray(v) for k, v in (f32 | half).items()}


def scaled(name, x):
    args = QuantizationArgs(**SCALED[name])
    x = torch.from_numpy(np.ascontiguousarray(x))
    units = x if args.group_size is None else x.unflatten(1, (-1, args.group_size))
    low, high = units.amin(-1, keepdim=args.group_size is None), units.amax(-1, keepdim=args.group_size is None)
    scale, zero = calculate_qparams(low, high, args)
    codes = quantize(x=x, scale=scale, zero_point=zero, args=args, dtype=torch.int8)
    if args.num_bits == 4:
        codes = pack_to_int32(codes, 4)
    return {"codes": codes.contiguous(), "scales": scale.to(torch.float32).contiguous()}


def block(name, x):
    return {"blocks": torch.from_numpy(np.ascontiguousarray(gguf.quants.quantize(x, BLOCKS[name])))}


def planes(name, x):
    """What the makers make of F32 input."""
    if name == "bf16":
        return {"blocks": torch.from_numpy(bf16(x).view(np.int16).copy())}
    return scaled(name, x) if name in SCALED else block(name, x)


def main():
    layer = load_file(ROOT / "data" / "minilm-layer0.safetensors")
    out = {}
    formats = ["bf16", *SCALED, *BLOCKS]
    for case, x in cases(layer).items():
        wide = x.astype(np.float32)
        is_half = x.dtype != np.float32
        out[f"input/{case}"] = torch.from_numpy(x.view(np.int16).copy()).view(torch.bfloat16) if is_half else torch.from_numpy(x)
        for name in formats:
            if name in BLOCKS and case in UNDEFINED:
                continue
            for plane, value in planes(name, wide).items():
                out[f"{name}/{case}/{plane}"] = value
    matrices = [layer[name] for name in sorted(layer) if layer[name].ndim == 2]
    for suffix, rounded in (("f32", lambda x: x), ("bf16", lambda x: bf16(x).astype(np.float32))):
        for name in formats:
            digest = hashlib.sha256()
            for x in matrices:
                for value in planes(name, rounded(x)).values():
                    digest.update(value.numpy().tobytes())
            out[f"whole_{suffix}/{name}"] = torch.tensor(list(digest.digest()), dtype=torch.uint8)
    save_file(out, ROOT / "tests" / "golden" / "golden.safetensors")
    print(f"{len(out)} tensors")


if __name__ == "__main__":
    main()
