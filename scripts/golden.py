#!/usr/bin/env python3
"""Makes tests/golden/golden.safetensors: inputs, and what outside makers make of them.

    python3 -m venv target/golden && target/golden/bin/pip install -r scripts/golden-requirements.txt
    target/golden/bin/python scripts/golden.py [LAYER] [--library DIR]

Makers: ml_dtypes (BF16), numpy (F16), ggml itself (its blocks; a library that npm fetches, unless --library names its folder),
compressed-tensors (Int8, Int4). Nothing here computes a code or a scale by a formula of this project. Each maker that has a
second beside it (gguf, torch) is held against it, and the script stops where they disagree.

Tensors: `input/<case>` (F32 or BF16), then `<format>/<case>/<plane>`, all made of the input widened to F32. `whole_f32/<format>`
and `whole_bf16/<format>` are the sha256 over all matrices of the layer in the order of their names, each with its planes one
after the other.
"""

import argparse
import hashlib
import pathlib

import gguf
import ml_dtypes
import numpy as np
import torch
from compressed_tensors.compressors import NaiveQuantizationCompressor, PackedQuantizationCompressor
from compressed_tensors.quantization import QuantizationArgs, QuantizationScheme
from compressed_tensors.quantization.utils import calculate_qparams
from safetensors.numpy import load_file
from safetensors.torch import save_file

import ggml_reference

ROOT = ggml_reference.ROOT
BLOCKS = ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1")
SCALED = {
    "int8": dict(num_bits=8, strategy="channel"),
    "int8:tensor": dict(num_bits=8, strategy="tensor"),
    "int8:g64": dict(num_bits=8, strategy="group", group_size=64),
    "int4": dict(num_bits=4, strategy="group", group_size=128),
    "int4:g64": dict(num_bits=4, strategy="group", group_size=64),
    "int4:g32": dict(num_bits=4, strategy="group", group_size=32),
    "int4:asym": dict(num_bits=4, strategy="group", group_size=128, symmetric=False),
}
# A zero's sign is where gguf leaves ggml: ggml's search for the largest starts at +0 and no -0 replaces it, so a block of zeros
# has the scale -0 in Q4_0 and Q5_0, where gguf takes the sign from the first value. Likewise which zero is Q4_1's least value.
SIGNED_ZEROS = {"zero", "sparse"}


def bf16(x):
    return x.astype(ml_dtypes.bfloat16)


def ties(rng, half):
    """Values on the middle between two codes, and beside it, for each of the steps that the formats know.

    `top` steps reach from zero to the largest value. A BF16 value is seldom an exact middle: it is where the largest has the
    factors of 2 * top, and half of the largest is one for every odd top, so rows of such a kind are made on purpose.
    """
    rows = []
    for top in (127.5, 127, 7.5, 8, 16):
        for largest in (top, top * 2.0**-9, 3 * top, 0.0437, 1.7, 19e-4):
            largest = np.float32(bf16(np.float32(largest)) if half else largest)
            middle = rng.integers(-int(top), int(top), 128) + 0.5
            if half:  # half of the largest: the middle between 63 and 64, or 7 and 8 ... of every odd number of steps
                middle[rng.random(128) < 0.25] = top / 2
            rows.append((largest, 0.0, largest / np.float32(top) * middle.astype(np.float32)))
    for steps in (15, 31):  # from the least value to the largest, where zero needs to be no code
        for least, step in ((-5, 1.0), (-7.5, 0.25), (-4.5, 2.0), (-6.5, 0.0371), (-3, 1.3e-3), (2, 0.5)):
            low, high = np.float32(least * step), np.float32((least + steps) * step)
            if half:
                low, high = np.float32(bf16(low)), np.float32(bf16(high))
            middle = rng.integers(0, steps, 128).astype(np.float32) + np.float32(0.5)
            rows.append((high, low, low + (high - low) / np.float32(steps) * middle))
    out = []
    for high, low, x in rows:
        x = bf16(x).view(np.uint16) if half else x.astype(np.float32).view(np.uint32)
        # A third stays; others go one or two steps aside: some of these quotients round onto the middle.
        x = np.where(x == 0, x, x + rng.choice([0, 0, 0, 0, -1, 1, -1, 1, -2, 2], 128).astype(x.dtype))
        x = x.view(ml_dtypes.bfloat16).astype(np.float32) if half else x.view(np.float32)
        x = np.clip(x, -high if low == 0 else low, high)
        x[::32] = high * np.float32(rng.choice([-1, 1]) if low == 0 else 1)  # every group size meets the same scale
        x[1::32] = low
        out.append(x)
    if not half:
        # BF16's own middles (low half 0x8000) and their neighbours, and scales that lie between two F16 numbers
        bits = rng.integers(0x3C00, 0x4200, 128, dtype=np.uint32) << 16 | rng.choice([0x7FFF, 0x8000, 0x8001], 128).astype(np.uint32)
        out.append(bits.view(np.float32) * rng.choice([-1, 1], 128).astype(np.float32))
        for base in (1.0, 2.0**-14, 2.0**-20):  # normal, the least normal, subnormal
            unit = np.float32(max(base * 2.0**-10, 2.0**-24))
            for top in (8, 16, 127, 15, 31):
                x = rng.uniform(-1, 1, (4, 32)).astype(np.float32)
                scale = np.float32(base) + unit * (rng.integers(0, 16, 4).astype(np.float32) + np.float32(0.5))
                largest = np.nextafter(scale * top, np.array([0, 9, 0, 9], np.float32) if top == 127 else scale * top)
                x = x * largest[:, None] * np.float32(0.5 if top in (15, 31) else 0.9)
                x[:, 3] = largest / 2 if top in (15, 31) else largest
                x[:, 9] = -largest / 2 if top in (15, 31) else 0
                out.append(x.ravel().astype(np.float32))
    return np.stack(out).astype(np.float32)


def cases(layer):
    rng = np.random.default_rng(20)
    query, dense = (layer[f"encoder.layer.0.{n}.weight"] for n in ("attention.self.query", "output.dense"))
    normal = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    power = lambda *exponents: np.array(exponents, np.float32)[:, None]
    # Zeros of both signs: whole rows and groups (`zero`), and parts of them only (`sparse`), so that no group of 128 is all zero.
    zero, sparse = normal(7, 256) * np.float32(0.05), normal(5, 256) * np.float32(0.05)
    zero[1], zero[2], zero[3, 128:], zero[4, 32:96], zero[5, 64:256:2] = 0, -0.0, np.where(normal(128) > 0, 0.0, -0.0), -0.0, -0.0
    sparse[1, 32:128], sparse[2, 64:192], sparse[3, ::2], sparse[4, :] = 0, -0.0, -0.0, np.abs(sparse[4]) * (normal(256) > 1)
    outlier = normal(8, 256) * np.float32(0.01)
    outlier[:, 17::32] = 3 * np.sign(normal(8, 8))
    # Scales that are subnormal in F16 (`small`), and in F32 too (`subnormal`, where the inverse of a scale overflows)
    small = normal(8, 128) * np.float32(2.0) ** power(-10, -14, -17, -20, -24, -30, -60, -110)
    subnormal = rng.integers(1, 1 << 23, (8, 128), dtype=np.uint32) >> np.array([0, 2, 5, 9, 13, 16, 19, 21], np.uint32)[:, None]
    subnormal = subnormal.view(np.float32) * np.sign(normal(8, 128))
    # Scales about F16's largest number (`large`); the ends of F32 (`maximum`, where max - min overflows)
    edge = np.float32(65520)
    tops = np.array([edge * 127, edge * 8, edge * 16, edge * 7.5, edge * 15.5, 1e20, 1e30, 1.6e38], np.float32)
    beside = (tops.view(np.int32)[:, None] + np.array([-3, -1, 0, 2], np.int32)).view(np.float32)
    large = np.clip(normal(8, 128) / 3, -1, 1) * tops[:, None]
    large[:, 5::32], large[:, 9::32] = beside, -beside
    maximum = np.clip(normal(4, 128).astype(np.float64) * [[3e38], [1e38], [2e38], [3.4e38]], -3.4e38, 3.4e38).astype(np.float32)
    maximum[0, 7::32], maximum[1, 7::32] = np.finfo(np.float32).max, -np.finfo(np.float32).max
    bits = rng.integers(0, 255, (12, 128), dtype=np.uint32) << 23 | rng.integers(0, 1 << 23, (12, 128), dtype=np.uint32)
    bits = (bits | rng.integers(0, 2, bits.shape, dtype=np.uint32) << 31).view(np.float32)
    window = (bits.view(np.uint32) & 0x83FFFFFF | np.arange(34, 46, dtype=np.uint32)[:, None] << 25 | 1 << 29).view(np.float32)
    narrow = rng.integers(-255, 256, (8, 256)).astype(np.float32) * np.float32(2.0) ** rng.integers(-12, -8, (8, 256))
    f32 = {
        "real_f32": query[:48],
        "wide_f32": dense[:12],
        "zero": zero,
        "sparse": sparse,
        "outlier": outlier,
        "negative": -np.abs(normal(8, 256)),
        "small": small,
        "subnormal": subnormal,
        "large": large,
        "maximum": maximum,
        "ties_f32": ties(rng, half=False),
        "random_bits": bits,
        "random_window": window,
    }
    half = {"real_bf16": query[:48], "wide_bf16": dense[:12], "ties_bf16": ties(rng, half=True), "narrow": narrow}
    half = {case: bf16(x) for case, x in half.items()}
    return {case: np.ascontiguousarray(x) for case, x in (f32 | half).items()}


@np.errstate(over="ignore")
def defined(name, x):
    """C leaves open what the cast of a NaN or of too large a product to an integer gives: no scale or its inverse may overflow."""
    x = x.reshape(-1, 32)
    reach = x.max(1) - x.min(1) if name.endswith("1") else np.abs(x).max(1)
    scale = reach / np.float32({"q8_0": 127, "q4_0": 8, "q4_1": 15, "q5_0": 16, "q5_1": 31}[name])
    return bool(np.isfinite(reach).all() and np.isfinite(1 / scale[scale != 0]).all())


@np.errstate(over="ignore")
def block(ggml, name, case, x):
    if not defined(name, x):
        return {}
    blocks = ggml_reference.quantize(ggml, name, x)
    second = gguf.quants.quantize(x, gguf.GGMLQuantizationType[name.upper()])
    assert case in SIGNED_ZEROS or np.array_equal(blocks, second), f"gguf and ggml differ in {name} of {case}"
    return {"blocks": torch.from_numpy(blocks)}


def scaled(name, x):
    args = QuantizationArgs(**{"symmetric": True} | SCALED[name])
    weight = torch.from_numpy(np.ascontiguousarray(x))
    if args.strategy == "tensor":
        low, high = torch.aminmax(weight)
    else:
        units = weight if args.group_size is None else weight.unflatten(1, (-1, args.group_size))
        keep = args.group_size is None
        low, high = torch.amin(units, -1, keepdim=keep), torch.amax(units, -1, keepdim=keep)
    # A group of zeros gets the zero point NaN, of which the cast to an integer is anything: no outside answer there.
    if calculate_qparams(low, high, args.model_copy(update={"zp_dtype": torch.float32}))[1].isnan().any():
        return {}
    scales, zeros = calculate_qparams(low, high, args)
    state = {"weight": weight, "weight_scale": scales, "weight_zero_point": zeros}
    maker = PackedQuantizationCompressor if args.num_bits == 4 else NaiveQuantizationCompressor
    state = maker.compress(state, QuantizationScheme(targets=["Linear"], weights=args))
    planes = {"codes": state.get("weight_packed", state.get("weight")), "scales": scales}
    if not args.symmetric:
        planes["zero_points"] = state["weight_zero_point"]
    return {plane: value.contiguous() for plane, value in planes.items()}


@np.errstate(over="ignore")
def half_precision(name, case, x):
    second = torch.from_numpy(x).to({"bf16": torch.bfloat16, "f16": torch.float16}[name]).view(torch.uint16).numpy()
    out = (bf16(x) if name == "bf16" else x.astype(np.float16)).view(np.uint16)
    if name == "bf16":
        assert np.array_equal(out, gguf.quants.quantize(x, gguf.GGMLQuantizationType.BF16).view(np.uint16)), case
    elif not np.isfinite(out.view(np.float16)).all():
        return {}  # whether too large a value becomes Inf or is refused is each library's own choice
    assert np.array_equal(out, second), case
    return {"blocks": torch.from_numpy(out.copy())}


def planes(ggml, name, case, x):
    """What the makers make of F32 input, or nothing where no maker defines it."""
    x = np.ascontiguousarray(x)
    if name in BLOCKS:
        return block(ggml, name, case, x)
    return scaled(name, x) if name in SCALED else half_precision(name, case, x)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layer", nargs="?", type=pathlib.Path, default=ROOT / "data" / "minilm-layer0.safetensors")
    parser.add_argument("--library", type=pathlib.Path, help="folder of libggml-base.so")
    options = parser.parse_args()
    ggml, layer, out = ggml_reference.library(options.library), load_file(options.layer), {}
    formats = ("bf16", "f16", *BLOCKS, *SCALED)
    for case, x in cases(layer).items():
        wide = x.astype(np.float32)
        assert np.isfinite(wide).all() and x.shape[1] % 128 == 0, case
        same = wide.dtype == x.dtype
        out[f"input/{case}"] = torch.from_numpy(x) if same else torch.from_numpy(x.view(np.int16).copy()).view(torch.bfloat16)
        made = {name: planes(ggml, name, case, wide) for name in formats}
        out |= {f"{name}/{case}/{plane}": value for name in formats for plane, value in made[name].items()}
        print(f"{case} {list(x.shape)}; undefined: {' '.join(name for name in formats if not made[name]) or '-'}")
    matrices = [layer[name] for name in sorted(layer) if layer[name].ndim == 2 and layer[name].dtype == np.float32]
    for source, rounded in (("whole_f32", lambda x: x), ("whole_bf16", lambda x: bf16(x).astype(np.float32))):
        for name in formats:
            digest = hashlib.sha256()
            for x in matrices:
                made = planes(ggml, name, source, rounded(x))
                assert made, f"{name} of a real matrix is undefined"
                for value in made.values():
                    digest.update(value.numpy().tobytes())
            out[f"{source}/{name}"] = torch.tensor(list(digest.digest()), dtype=torch.uint8)
    save_file(out, ROOT / "tests" / "golden" / "golden.safetensors")
    print(f"{len(out)} tensors")


if __name__ == "__main__":
    main()
