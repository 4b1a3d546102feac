#!/usr/bin/env python3
"""Times ggml's reference quantizers (what llama-quantize runs), to set beside this library's own figures.

    python3 scripts/ggml_reference.py [LAYER] [--library DIR] [--rounds N] [--json]

Needs numpy, and npm unless --library names a folder that holds libggml-base.so. These are the plain C routines that decide the
bytes of a GGUF file, not the SIMD ones of ggml-cpu, which quantize activations. Run it while nothing else runs: figures of
different hours do not compare.
"""

import argparse
import ctypes
import json
import pathlib
import statistics
import subprocess
import sys
import threading
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = "@node-llama-cpp/linux-x64@3.22.1"
ROW, ROWS = 1024, 32768
# ggml's number of the type, bytes of 32 values, and the stem of the functions that work on rows
TYPES = {
    "bf16": (30, 64, "bf16"),
    "f16": (1, 64, "fp16"),
    "q8_0": (8, 34, "q8_0"),
    "q4_0": (2, 18, "q4_0"),
    "q4_1": (3, 20, "q4_1"),
    "q5_0": (6, 22, "q5_0"),
    "q5_1": (7, 24, "q5_1"),
}


def library(folder=None):
    """libggml-base.so of a folder, else of the npm package, fetched once into target/ggml."""
    if folder is None:
        home = ROOT / "target" / "ggml"
        folder = home / "node_modules" / "@node-llama-cpp" / "linux-x64" / "bins" / "linux-x64"
        if not (folder / "libggml-base.so").exists():
            home.mkdir(parents=True, exist_ok=True)
            # The package's scripts would look for a compiler; its libraries are all that is wanted.
            subprocess.run(["npm", "i", "--ignore-scripts", "--prefix", home, PACKAGE], check=True, stdout=sys.stderr)
    ggml = ctypes.CDLL(str(pathlib.Path(folder) / "libggml-base.so"))
    ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
    ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    for _, _, stem in TYPES.values():
        dequantize = f"dequantize_row_{stem}" if stem.startswith("q") else f"ggml_{stem}_to_fp32_row"
        getattr(ggml, dequantize).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
        getattr(ggml, dequantize).restype = None
    return ggml


def quantize(ggml, name, x):
    """What ggml_quantize_chunk, the entry of llama-quantize, makes of a matrix: U8 [rows, bytes of a row]."""
    kind, size, _ = TYPES[name]
    x = np.ascontiguousarray(x, np.float32)
    out = np.zeros((x.shape[0], x.shape[1] // 32 * size), np.uint8)
    written = ggml.ggml_quantize_chunk(kind, x.ctypes.data, out.ctypes.data, 0, *x.shape, None)
    assert written == out.nbytes
    return out


def weights(path):
    """The real weights end to end until there are enough."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    spans = sorted(t["data_offsets"] for n, t in header.items() if n != "__metadata__" and t["dtype"] == "F32")
    values = np.concatenate([np.frombuffer(raw[8 + size + a : 8 + size + b], np.float32) for a, b in spans])
    return np.resize(values, ROW * ROWS)


def milliseconds(work, threads, rounds):
    """The median time of `work(first row, rows)` on equal shares of the rows. ctypes lets go of the interpreter's lock."""
    share = ROWS // threads

    def once():
        crew = [threading.Thread(target=work, args=(i * share, share)) for i in range(threads)]
        start = time.perf_counter()
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        return (time.perf_counter() - start) * 1e3

    once()  # touches the pages
    return statistics.median(once() for _ in range(rounds))


def measure(ggml, name, x, rounds):
    kind, size, stem = TYPES[name]
    row_bytes = ROW // 32 * size
    codes, back = np.zeros(ROWS * row_bytes, np.uint8), np.zeros_like(x)
    unpack = getattr(ggml, f"dequantize_row_{stem}" if stem.startswith("q") else f"ggml_{stem}_to_fp32_row")

    def quantize_rows(first, rows):
        # The start is counted in values of the whole tensor; source and target are the tensor's own.
        ggml.ggml_quantize_chunk(kind, x.ctypes.data, codes.ctypes.data, first * ROW, rows, ROW, None)

    def dequantize_rows(first, rows):
        unpack(codes.ctypes.data + first * row_bytes, back.ctypes.data + first * ROW * 4, rows * ROW)

    time_of = lambda work: {str(n): round(milliseconds(work, n, rounds), 2) for n in (1, 2)}
    figures = {"quantize_ms": time_of(quantize_rows), "dequantize_ms": time_of(dequantize_rows)}
    assert np.abs(back - x).max() < 0.2 * np.abs(x).max(), f"{name} did not come back"
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("layer", nargs="?", type=pathlib.Path, default=ROOT / "data" / "minilm-layer0.safetensors")
    parser.add_argument("--library", type=pathlib.Path, help="folder of libggml-base.so")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    ggml, x = library(options.library), weights(options.layer)
    figures = {name: measure(ggml, name, x, options.rounds) for name in TYPES}
    if options.json:
        print(json.dumps(figures, indent=2))
        return
    print(f"{x.size:,} F32 values, median of {options.rounds} rounds, ms (GB/s of the F32 side)\n")
    print("| format | quantize 1T | quantize 2T | dequantize 1T | dequantize 2T |\n|---|---|---|---|---|")
    for name, figure in figures.items():
        cells = [ms for way in ("quantize_ms", "dequantize_ms") for ms in figure[way].values()]
        print(f"| {name} | " + " | ".join(f"{ms:.1f} ({x.nbytes / ms / 1e6:.2f})" for ms in cells) + " |")


if __name__ == "__main__":
    main()
