#!/usr/bin/env python3
"""Times llama.cpp's samplers (0.5.0, one thread) on the rows of benches/sample: what `cargo bench --bench sample` is held against.

    python3 scripts/time_llama_samplers.py [--library DIR]

Needs numpy. The logits are those of the benchmark: real rows of tests/golden/smollm2-logits.safetensors, repeated. Times are medians
of 9 rounds over a batch, row by row, of the chain alone: filling the candidates from the logits, which llama.cpp needs before each
draw, is timed beside it.
"""

import argparse
import json
import struct
import time

import numpy as np

import ggml_reference
import llama_samplers

BATCH = 32


def real_rows():
    data = (ggml_reference.ROOT / "tests/golden/smollm2-logits.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    shape = json.loads(data[8 : 8 + length])["logits"]["shape"]
    return np.frombuffer(data, np.float32, offset=8 + length).reshape(shape)


def chains(s):
    yield "greedy", [s.init_greedy()]
    yield "k36+p0.7", [s.init_top_k(36), s.init_top_p(0.7, 1), s.init_temp(0.8), s.init_dist(1)]
    yield "k256+p0.95", [s.init_top_k(256), s.init_top_p(0.95, 1), s.init_temp(0.8), s.init_dist(1)]
    yield "p0.9", [s.init_temp(0.8), s.init_top_p(0.9, 1), s.init_dist(1)]
    yield "min-p", [s.init_min_p(0.05, 1), s.init_temp(0.8), s.init_dist(1)]
    yield "unfiltered", [s.init_temp(0.8), s.init_dist(1)]


def median(seconds):
    return sorted(seconds)[len(seconds) // 2] * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", help="a folder with llama.cpp's libraries; without it the package is fetched")
    samplers = llama_samplers.Samplers(parser.parse_args().library)
    rows = real_rows()
    print("| rows x vocabulary / chain | ms | filling the candidates, ms |\n|---|---|---|")
    for vocab in (32_000, 131_072, 262_144):
        batch = [np.resize(np.roll(rows, -(row % 16), axis=0).ravel(), vocab) for row in range(BATCH)]
        for name, parts in chains(samplers):
            chain = samplers.chain_init(samplers.ChainParams(True))
            for part in parts:
                samplers.chain_add(chain, part)
            drawing, filling = [], []
            for _ in range(9):
                start = time.perf_counter()
                candidates = [samplers.candidates(row) for row in batch]
                filled = time.perf_counter()
                for _, tokens in candidates:
                    samplers.apply(chain, tokens)
                drawing.append(time.perf_counter() - filled)
                filling.append(filled - start)
            samplers.free(chain)
            print(f"| {BATCH}x{vocab}/{name} | {median(drawing):.3f} | {median(filling):.3f} |")


if __name__ == "__main__":
    main()
