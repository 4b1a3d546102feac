#!/usr/bin/env python3
"""Times ggml's reference quantizers (what llama-quantize runs) on the weights of the benchmark, on one and on two threads.

    npm i --ignore-scripts --prefix target/ggml @node-llama-cpp/linux-x64@3.22.1
    python3 scripts/ggml_reference.py target/ggml/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64

Needs numpy. Run it while nothing else runs, next to `cargo bench`: figures of different hours do not compare.
"""

import ctypes
import pathlib
import statistics
import sys
import threading
import time

import numpy as np

TYPES = {"bf16": 30, "q8_0": 8, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7}
BYTES_PER_32 = {"bf16": 64, "q8_0": 34, "q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24}
ROW, ROWS = 1024, 32768


def weights():
    root = pathlib.Path(__file__).resolve().parent.parent
    raw = (root / "data" / "minilm-layer0.safetensors").read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    layer = np.frombuffer(raw[start : start + (len(raw) - start) // 4 * 4], np.float32)
    return np.resize(layer, ROW * ROWS)


def main():
    folder = pathlib.Path(sys.argv[1])
    ggml = ctypes.CDLL(str(folder / "libggml-base.so"))
    chunk = ggml.ggml_quantize_chunk
    chunk.restype = ctypes.c_size_t
    chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_void_p]
    source = weights()
    print(f"{source.size} values\n\n| format | 1 thread ms | 2 threads ms | 2 threads GB/s of F32 |\n|---|---|---|---|")
    for name, kind in TYPES.items():
        target = np.zeros(source.size // 32 * BYTES_PER_32[name], np.uint8)

        def work(first, rows):
            # Row numbers and element offsets are those of the whole tensor.
            chunk(kind, source.ctypes.data, target.ctypes.data, first * ROW, rows, ROW, None)

        def timed(threads):
            share = ROWS // threads
            crew = [threading.Thread(target=work, args=(i * share, share)) for i in range(threads)]
            start = time.perf_counter()
            [t.start() for t in crew]
            [t.join() for t in crew]
            return time.perf_counter() - start

        timed(2)
        one, two = (statistics.median(timed(n) for _ in range(9)) for n in (1, 2))
        print(f"| {name} | {one * 1e3:.1f} | {two * 1e3:.1f} | {source.nbytes / two / 1e9:.2f} |")


if __name__ == "__main__":
    main()
