#!/usr/bin/env python3
"""Makes tests/golden/sampling.json: which tokens survive a chain of filters, as other samplers have it.

    python3 -m venv target/oracle && target/oracle/bin/pip install -r scripts/sampling-requirements.txt
    target/oracle/bin/python scripts/sampling_golden.py [--library DIR]

Makers, each by its own code and in its own order of filters:

    huggingface   transformers 5.23.0: the list that generate() builds (GenerationMixin._get_logits_processor), in float64
    llama.cpp     0.5.0, from npm's @node-llama-cpp/linux-x64@3.22.1 unless --library names a folder: samplers of llama.h in the
                  order of common/common.h, in float32
    mlx           mlx-lm 0.32.2 on mlx 0.32.4: make_logits_processors and make_sampler up to the draw, in float32
    vllm          0.33.0: Sampler.sample and what it calls, taken out of the wheel and run by themselves, in float64
    by hand       where no maker runs (TensorRT-LLM's package holds no code): what a rule says, with its source

The real rows are tests/golden/smollm2-logits.safetensors. A value such as 0.7 is the float32 next to it, widened. No formula of
this project filters here; those below only say how near a cut was, so that a test can tell the rounding of a float32 sum from a
real disagreement:

    edge     the least distance between the boundary of top-p or typical-p and a cumulative mass beside the cut, as a share of
             the mass that the filter looked at, in float64; null where there is no such filter
    margin   likewise in nats, for filters with a threshold (min-p, epsilon, eta, top-n-sigma) and for what typical-p sorts by;
             absent where there is no such filter
    tie      the cut falls among equal logits: which of them stay, or how many, is the maker's own choice
    apart    why the documentation of this project's SamplingParams asks for something else here

`history` of a real table (all of it output), `prompt` and `output` of a case are what penalties look at. Where the rules of two
makers are the same they are held against each other, and the script stops where they disagree by more than rounding.
"""

import __future__
import argparse
import ast
import hashlib
import itertools
import json
import math
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import mlx.core as mx
import numpy as np
import torch
from mlx_lm import sample_utils
from safetensors.numpy import load_file
from transformers import GenerationConfig, GenerationMixin

import ggml_reference
import llama_samplers

ROOT = ggml_reference.ROOT
GOLDEN = ROOT / "tests" / "golden"
VLLM = "vllm==0.33.0"
OFF = {
    "temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0, "typical_p": 1.0, "top_n_sigma": 0.0, "epsilon": 0.0, "eta": 0.0,
    "min_keep": 1, "repetition": 1.0, "frequency": 0.0, "presence": 0.0,
}  # fmt: skip
MAKERS = {
    "huggingface": "transformers 5.23.0 with torch 2.15.0, the list of generate(), in float64",
    "llama.cpp": "llama.cpp 0.5.0 (npm @node-llama-cpp/linux-x64@3.22.1), samplers of llama.h, in float32",
    "mlx": "mlx-lm 0.32.2 with mlx 0.32.4 on a CPU, make_sampler up to the draw, in float32",
    "vllm": "vllm 0.33.0, Sampler.sample of its wheel with torch 2.15.0, in float64",
    "by hand": "a rule, its source, and what follows from it",
}


def probabilities(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


class Trail:
    """What each filter saw and kept."""

    def __init__(self):
        self.steps = []

    def add(self, kind, value, before, after):
        self.steps.append((kind, value, np.asarray(before, np.float64).ravel(), np.isfinite(np.asarray(after)).ravel()))

    def edge(self):
        """The least distance of a mass beside a cut to its boundary."""
        distances = []
        for kind, share, logits, kept in self.steps:
            if kind in ("top_p", "typical_p"):
                mass = probabilities(logits)
                order = np.argsort(self.oddity(logits) if kind == "typical_p" else -mass, kind="stable")
                reached = np.concatenate([[0], np.cumsum(mass[order])])
                distances.append(np.abs(reached[[kept.sum() - 1, kept.sum()]] - share).min())
        return min(distances, default=None)

    def margin(self):
        """The least distance of a value to a threshold."""
        distances = []
        for kind, value, logits, kept in self.steps:
            alive = logits[np.isfinite(logits)]
            if kind == "typical_p":
                oddity = np.sort(self.oddity(logits))[kept.sum() - 1 : kept.sum() + 1]
                if len(oddity) == 2 and np.isfinite(oddity[1]):
                    distances.append(oddity[1] - oddity[0])
                continue
            surprise = -np.log(probabilities(alive))
            entropy = float((np.exp(-surprise) * surprise).sum())
            threshold = {
                "min_p": lambda: alive.max() + math.log(value),
                "top_n_sigma": lambda: alive.max() - value * alive.std(),
                "epsilon": lambda: math.log(value) + (alive + surprise)[0],
                "eta": lambda: min(math.log(value), math.log(value) / 2 - entropy) + (alive + surprise)[0],
            }.get(kind)
            if threshold:
                distances.append(np.abs(alive - threshold()).min())
        return min(distances, default=None)

    @staticmethod
    def oddity(logits):
        """How far the surprise of each token is from the entropy: what typical-p sorts by."""
        with np.errstate(divide="ignore", invalid="ignore"):
            surprise = -np.log(probabilities(logits))
            entropy = np.nansum(np.exp(-surprise) * surprise)
        return np.abs(surprise - entropy)


def huggingface(row, p, prompt, output, trail):
    # generate() asks for more than one token where beams could end: one more than there are ends.
    beams = dict(num_beams=2) if p["min_keep"] > 1 else {}
    config = GenerationConfig(
        do_sample=True, temperature=p["temperature"], top_k=p["top_k"], top_p=p["top_p"], min_p=p["min_p"] or None,
        typical_p=p["typical_p"], epsilon_cutoff=p["epsilon"], eta_cutoff=p["eta"], repetition_penalty=p["repetition"], **beams,
    )  # fmt: skip
    config._eos_token_tensor = torch.zeros(p["min_keep"] - 1, dtype=torch.long) if beams else None
    mixin = GenerationMixin()
    mixin.config = types.SimpleNamespace(is_encoder_decoder=False)
    seen = torch.tensor([prompt + output], dtype=torch.long)
    scores = torch.tensor(row[None], dtype=torch.float64)
    kinds = {
        "TopK": "top_k", "TopP": "top_p", "MinP": "min_p", "Typical": "typical_p", "Epsilon": "epsilon", "Eta": "eta",
    }  # fmt: skip
    for processor in mixin._get_logits_processor(config, input_ids_seq_length=seen.shape[1], device="cpu"):
        before, scores = scores, processor(seen, scores)
        kind = kinds.get(type(processor).__name__.removesuffix("LogitsWarper"))
        if kind:
            trail.add(kind, p[kind], before, scores)
    return scores[0].numpy()


class LlamaCpp(llama_samplers.Samplers):
    def samplers(self, p, vocab):
        keep = p["min_keep"]
        return [
            ("penalties", self.init_penalties(vocab, 64, p["repetition"], p["frequency"], p["presence"])),
            ("top_n_sigma", self.init_top_n_sigma(p["top_n_sigma"])),
            ("top_k", self.init_top_k(p["top_k"])),
            ("typical_p", self.init_typical(p["typical_p"], keep)),
            ("top_p", self.init_top_p(p["top_p"], keep)),
            ("min_p", self.init_min_p(p["min_p"], keep)),
            ("temperature", self.init_temp(p["temperature"])),
        ]

    def __call__(self, row, p, prompt, output, trail):
        vocab = len(row)

        def candidates():
            return self.candidates(row)

        def scores(data, tokens):
            out = np.full(vocab, -np.inf, np.float32)
            out[data["id"][: tokens.size]] = data["logit"][: tokens.size]
            return out

        data, tokens = candidates()
        for name, sampler in self.samplers(p, vocab):
            for token in prompt + output:
                self.accept(sampler, token)
            before = scores(data, tokens)
            self.apply(sampler, tokens)
            if name not in ("penalties", "temperature") and p[name] != OFF[name]:
                trail.add(name, p[name], before, scores(data, tokens))
            self.free(sampler)
        # The same as a chain, which is what a caller runs.
        data2, tokens2 = candidates()
        chain = self.chain_init(self.ChainParams(True))
        for _, sampler in self.samplers(p, vocab):
            self.chain_add(chain, sampler)
        for token in prompt + output:
            self.accept(chain, token)
        self.apply(chain, tokens2)
        self.free(chain)
        assert np.array_equal(scores(data, tokens), scores(data2, tokens2)), "a chain differs from its parts"
        return scores(data, tokens).astype(np.float64)


def mlx(row, p, prompt, output, trail):
    logits = mx.array(row[None])
    penalties = dict(repetition=p["repetition"] if p["repetition"] != 1 else None, presence=p["presence"], frequency=p["frequency"])
    for processor in sample_utils.make_logits_processors(**{f"{name}_penalty": value for name, value in penalties.items()}):
        logits = processor(mx.array(prompt + output), logits)
    drawn = {}

    def watched(name):
        function = originals[f"apply_{name}"]

        def call(logprobs, value, *rest):
            out = function(logprobs, value, *rest)
            trail.add(name, value, logprobs, out)
            return out

        return call

    def draw(logprobs, temperature):
        drawn["scores"] = np.array(logprobs, np.float64)[0] / temperature
        return originals["categorical_sampling"](logprobs, temperature)

    replaced = ("apply_top_p", "apply_min_p", "apply_top_k", "categorical_sampling")
    originals = {name: getattr(sample_utils, name) for name in replaced}
    try:
        for name in ("top_p", "min_p", "top_k"):
            setattr(sample_utils, f"apply_{name}", watched(name))
        sample_utils.categorical_sampling = draw
        sampler = sample_utils.make_sampler(p["temperature"], p["top_p"], p["min_p"], p["min_keep"], p["top_k"])
        token = sampler(logits - mx.logsumexp(logits, axis=-1, keepdims=True)).item()
    finally:
        for name, function in originals.items():
            setattr(sample_utils, name, function)
    # The greedy sampler has no draw.
    return drawn.get("scores", np.where(np.arange(len(row)) == token, row, -np.inf))


class Vllm:
    FILES = {
        "vllm/v1/sample/sampler.py": ("sample", "apply_temperature"),
        "vllm/v1/sample/logits_processor/builtin.py": ("MinPLogitsProcessor.apply",),
        "vllm/v1/sample/ops/topk_topp_sampler.py": ("apply_top_k_top_p_pytorch", "apply_top_k_only"),
        "vllm/model_executor/layers/utils.py": ("apply_penalties", "get_token_bin_counts_and_mask"),
        "vllm/_custom_ops.py": ("apply_repetition_penalties", "apply_repetition_penalties_torch"),
    }

    def __init__(self):
        home = ROOT / "target" / "oracle" / VLLM
        if not all((home / name).exists() for name in self.FILES):
            # The package cannot be imported without all that it needs, a GPU's libraries among them; these functions are torch.
            fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", home, VLLM]
            subprocess.run(fetch, check=True, stdout=sys.stderr)
            (wheel,) = home.glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(home, self.FILES)
            wheel.unlink()
        self.space = {"torch": torch, "_SAMPLING_EPS": 1e-5}
        for name, wanted in self.FILES.items():
            self.take((home / name).read_text(), wanted)
        # apply_penalties imports one function of its own package.
        operators = types.ModuleType("vllm._custom_ops")
        operators.apply_repetition_penalties = self.space["apply_repetition_penalties"]
        sys.modules["vllm"], sys.modules["vllm._custom_ops"] = types.ModuleType("vllm"), operators

    def take(self, source, wanted):
        """Functions of a module, and of its classes, without the rest of it."""
        tree = ast.parse(source)
        functions = [(node.name, node) for node in tree.body if isinstance(node, ast.FunctionDef)]
        for owner in (node for node in tree.body if isinstance(node, ast.ClassDef)):
            methods = [node for node in owner.body if isinstance(node, ast.FunctionDef)]
            functions += [(f"{owner.name}.{node.name}", node) for node in methods]
            functions += [(node.name, node) for node in methods if owner.name == "Sampler"]
        found = dict(functions)
        for name in wanted:
            node = found[name]
            node.name, node.decorator_list = name.replace(".", "_"), []
            module = ast.Module([node], [])
            exec(compile(module, name, "exec", __future__.annotations.compiler_flag), self.space)

    def __call__(self, row, p, prompt, output, trail):
        wide = lambda value: torch.tensor([value], dtype=torch.float64)
        logits = torch.tensor(row[None], dtype=torch.float64)
        if any(p[name] != OFF[name] for name in ("repetition", "frequency", "presence")):
            ids = [torch.tensor([tokens], dtype=torch.long) for tokens in (prompt, output)]
            logits = self.space["apply_penalties"](logits, *ids, *(wide(p[n]) for n in ("presence", "frequency", "repetition")))

        def min_p(logits):
            before = logits.clone()
            holder = types.SimpleNamespace(min_p_count=1, min_p=wide(p["min_p"]).unsqueeze(1))
            out = self.space["MinPLogitsProcessor_apply"](holder, logits)
            trail.add("min_p", p["min_p"], before, out)
            return out

        def top_k_top_p(logits, _generators, k, share):
            apply = self.space["apply_top_k_top_p_pytorch"]
            before = apply(logits.clone(), None if k is None else k.clone(), None, allow_cpu_sync=True)
            out = apply(logits, k, share, allow_cpu_sync=True)
            if share is not None:
                trail.add("top_p", p["top_p"], before, out)
            return out, None

        metadata = types.SimpleNamespace(
            all_greedy=False, all_random=True, temperature=wide(p["temperature"]), generators={},
            top_k=torch.tensor([p["top_k"]], dtype=torch.int32) if 0 < p["top_k"] < len(row) else None,
            top_p=wide(p["top_p"]) if p["top_p"] < 1 else None,
            logitsprocs=types.SimpleNamespace(argmax_invariant=[types.SimpleNamespace(apply=min_p)] if p["min_p"] else []),
        )  # fmt: skip
        sampler = types.SimpleNamespace(
            logprobs_mode=None, apply_temperature=self.space["apply_temperature"], topk_topp_sampler=top_k_top_p
        )
        return self.space["sample"](sampler, logits, metadata)[0][0].numpy()


def short(number, digits):
    return None if number is None else float(f"{number:.{digits}g}")


def shares(scores):
    """Probabilities, without the last digits, which are another machine's own."""
    return [short(share, 12) for share in probabilities(scores)]


def run(maker, row, params, prompt=(), output=()):
    """What a maker keeps: ids, the best first, the first probabilities, and how near the cuts were."""
    p = OFF | {name: value if isinstance(value, int) else float(np.float32(value)) for name, value in params.items()}
    trail = Trail()
    scores = np.asarray(maker(np.asarray(row, np.float32), p, list(prompt), list(output), trail), np.float64)
    kept = np.flatnonzero(np.isfinite(scores))
    kept = kept[np.lexsort((kept, -scores[kept]))]
    return types.SimpleNamespace(
        ids=kept, probs=shares(scores[kept])[:8], edge=short(trail.edge(), 3), margin=short(trail.margin(), 3)
    )


def said(maker, params):
    """Parameters in the words of this project. Its own defaults are no one else's, so what they set is always said."""
    return {name: params.get(name, OFF[name]) for name in ("temperature", "top_k", "top_p")} | params | {"preset": maker}


# The tokens of the prompts behind the real rows.
HISTORIES = [
    [504, 3575, 282, 4649, 314],
    [6403, 1980, 253, 655, 28, 281, 253, 1165, 6560, 411, 260, 3426, 28],
    [1604, 3987, 46477, 24, 94, 727, 472, 585, 304, 2067, 216, 34, 42, 448, 1003, 304, 472, 1003],
    [17872, 42, 1812, 314, 216, 33, 39, 1672, 216, 34, 36, 47, 198, 21350, 42],
    [39428, 1245, 1799, 476, 7356, 1002, 476, 473, 1799, 216, 35, 32, 28, 476, 20721, 1799],
    [15319, 412, 2756, 102, 1696, 275, 45720, 33815, 253, 600, 2308, 2756, 430],
    [504, 2365, 6354, 16438, 27003, 690, 260, 23790],
    [2068, 325, 28, 355, 441, 288, 325, 28, 338, 314, 260],
    [788, 6944, 28, 260, 1796, 1525, 282, 39361, 2496, 338],
    [33, 28, 216, 33, 28, 216, 34, 28, 216, 35, 28, 216, 37, 28, 216, 40, 28, 216, 33, 35, 28, 216, 34, 33, 28],
    [23428, 1462, 28, 3214, 23330, 12905, 25, 18451, 3629, 28531],
    [35097, 8957, 355, 7473, 332, 28, 198, 198, 57, 744, 2385, 288],
    [1195, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260, 260],
    [1, 4093, 198, 1780, 314, 9354, 47, 2, 198, 1, 520, 9531, 198],
    [15076, 228, 18614, 119, 18614, 119, 177, 125, 238, 29157, 226, 48392, 138, 12831, 19805, 235, 15076, 122, 22924, 179,
     130, 132, 44652, 136],
    [65],
]  # fmt: skip
# Chains for the real rows: name, parameters, makers. H: huggingface, L: llama.cpp, M: mlx, V: vllm; capitals are held against
# each other, since there the order of their filters makes no difference; small letters go by other rules.
REAL = [
    ("default", dict(temperature=0.8, top_k=36, top_p=0.7), "HVlm"),
    ("cold", dict(temperature=0.4, top_k=50, top_p=0.9, min_p=0.02), "hvlm"),
    ("common", dict(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05), "hvlm"),
    ("top_p 0.9", dict(top_p=0.9), "HVLM"),
    ("top_p 0.9 hot", dict(temperature=1.7, top_p=0.9), "HVl"),
    ("top_p 0.999", dict(top_p=0.999), "HVLM"),
    ("min_p 0.05", dict(min_p=0.05), "HVLM"),
    ("min_p 0.3 hot", dict(temperature=1.5, min_p=0.3), "HVl"),
    ("typical 0.5", dict(typical_p=0.5), "HL"),
    ("typical 0.2", dict(typical_p=0.2), "HL"),
    ("epsilon", dict(epsilon=3e-4), "h"),
    ("eta", dict(eta=9e-4), "h"),
    ("top_n_sigma", dict(top_n_sigma=1.0), "l"),
    ("k 256", dict(top_k=256, top_p=0.95), "HVLm"),
    ("k 1000", dict(top_k=1000, top_p=0.9), "HVLm"),
    (
        "everything",
        dict(temperature=1.2, top_k=300, top_p=0.97, min_p=0.002, typical_p=0.9, epsilon=6e-4, eta=2e-3, repetition=1.1),
        "h",
    ),
    (
        "everything",
        dict(temperature=0.9, top_k=300, typical_p=0.9, top_p=0.95, min_p=0.01, repetition=1.1, frequency=0.1, presence=0.2),
        "l",
    ),
    # Not with typical-p: see the case of both.
    (
        "top_n_sigma and more",
        dict(temperature=0.9, top_n_sigma=2.5, top_k=80, top_p=0.95, min_p=0.01, repetition=1.1, frequency=0.1, presence=0.2),
        "l",
    ),
    (
        "everything",
        dict(temperature=1.2, min_p=0.01, top_k=100, top_p=0.9, repetition=1.1, frequency=0.1, presence=0.2),
        "vm",
    ),
    ("min_keep", dict(top_p=0.1, min_keep=5), "HL"),
    ("repetition", dict(top_k=60, top_p=0.9, repetition=1.3), "HVLm"),
    ("frequency", dict(top_k=60, top_p=0.9, frequency=0.4, presence=0.3), "VLm"),
]  # fmt: skip
NAMES = {"h": "huggingface", "l": "llama.cpp", "m": "mlx", "v": "vllm"}


def real_tables(makers, logits):
    for name, params, letters in REAL:
        history = HISTORIES if params.keys() & {"repetition", "frequency", "presence"} else None
        held = {}
        for letter in letters:
            maker = NAMES[letter.lower()]
            rows = [run(makers[maker], row, params, output=history[i] if history else ()) for i, row in enumerate(logits)]
            if letter.isupper():
                held[maker] = rows
            head = {"maker": maker, "name": name, "params": said(maker, params), "history": history}
            yield head | {"rows": [fields(row) for row in rows]}
        for one, other in itertools.combinations(held, 2):
            hold(name, one, other, held[one], held[other])


def fields(row):
    ids = np.sort(row.ids).astype("<u4")
    out = {"kept": len(ids), "ids": ids.tolist() if len(ids) <= 48 else None, "sha256": hashlib.sha256(ids.tobytes()).hexdigest()}
    return out | {"edge": row.edge} | ({} if row.margin is None else {"margin": row.margin}) | {"probs": row.probs}


def hold(name, one, other, rows, others):
    """Stops where two makers differ by more than rounding, and says where they differ by that."""
    for i, (a, b) in enumerate(zip(rows, others)):
        if apart := len(np.setxor1d(a.ids, b.ids)):
            near = [x for x in (a.edge, a.margin, b.edge, b.margin) if x is not None]
            print(f"{name}, row {i}: {one} keeps {len(a.ids)}, {other} {len(b.ids)}, {apart} apart; edges and margins {near}")
            # A sum of 49152 float32 terms loses the least of them: up to 2.4e-4 of these rows.
            assert min(near) < 3e-4, "that is more than rounding"
        else:
            worst = max(abs(x - y) / y for x, y in zip(a.probs, b.probs))
            assert worst < 3e-5, f"{name}, row {i}: {one} and {other} differ by {worst} in a probability"


def logs(*shares):
    return np.log(np.array(shares, np.float64)).astype(np.float32).tolist()


BAN = -math.inf
FALLING = logs(0.5, 0.2, 0.15, 0.1, 0.05)
NEAR = [2.85, 2.9, 2.8, 2.7]
PENALTIES = dict(repetition=2.0, frequency=0.5, presence=0.25)
# Small cases: name, why, logits, parameters, makers, and what penalties look at. A small letter: the cut falls among equals.
CASES = [
    ("temperature and top-p", "temperature first: .867 reaches .8 alone; last: .665 does not", [3, 2, 1],
     dict(temperature=0.5, top_p=0.8), "HVLM", (), ()),
    ("heat and top-p", "temperature first: .506 does not reach .6; last: .665 does", [3, 2, 1],
     dict(temperature=2.0, top_p=0.6), "HVLM", (), ()),
    ("heat and min-p", "temperature first: e^-.5 is .61 of the best; last: e^-1 is .37", [3, 2, 1, 0],
     dict(temperature=2.0, min_p=0.5), "HVLM", (), ()),
    ("cold and min-p", "temperature first: e^-2 is .14 of the best; last: e^-1 is .37", [3, 2, 1, 0],
     dict(temperature=0.5, min_p=0.2), "HVLM", (), ()),
    ("k and p", "k first: .4 of .7 reaches .5; p first: .4 of 1 does not", logs(0.1, 0.2, 0.3, 0.4),
     dict(top_k=2, top_p=0.5), "HVLM", (), ()),
    ("k and p, hot", "k first and hot: .54 of the two reaches .53; p first: .4 does not", logs(0.1, 0.2, 0.3, 0.4),
     dict(temperature=1.9, top_k=2, top_p=0.53), "HVLM", (), ()),
    ("k within p", "p leaves three, k two of them; k first leaves the same mass to p and it takes both", logs(0.1, 0.2, 0.3, 0.4),
     dict(top_k=2, top_p=0.85), "HVLM", (), ()),
    ("min-p and p", "min-p first leaves .4 and .3, of which .57 reaches .55; p first needs both", logs(0.4, 0.3, 0.2, 0.1),
     dict(top_p=0.55, min_p=0.6), "HVLM", (), ()),
    ("min-p, k and p", "min-p first leaves three, of which .667 reaches .64; p of what k leaves: .62 does not",
     logs(0.58, 0.16, 0.13, 0.07, 0.06), dict(top_k=4, top_p=0.64, min_p=0.2), "HVLM", (), ()),
    ("p of .5 on halves, from logarithms", "ln .5 is no float: float32 rounds the sum to .5, float64 sees 1e-9 more",
     logs(0.5, 0.25, 0.125, 0.125), dict(top_p=0.5), "HVLM", (), ()),
    ("p of .75 on halves, from logarithms", "as above, .75", logs(0.5, 0.25, 0.125, 0.125), dict(top_p=0.75), "HVLM", (), ()),
    ("p a little below a half", "one token has more", logs(0.5, 0.25, 0.125, 0.125), dict(top_p=0.4999), "HVLM", (), ()),
    ("p a little above a half", "one token has less", logs(0.5, 0.25, 0.125, 0.125), dict(top_p=0.5001), "HVLM", (), ()),
    ("p a little below three quarters", "two tokens have more", logs(0.125, 0.5, 0.25, 0.125), dict(top_p=0.7499), "HVLM", (), ()),
    ("p a little above three quarters", "two tokens have less: a tie for the third", logs(0.125, 0.5, 0.25, 0.125),
     dict(top_p=0.7501), "hvlm", (), ()),
    ("p of .5 on four equals", "the sum is .5 without rounding: reached by two; mlx keeps all that equal the last",
     [1, 1, 1, 1], dict(top_p=0.5), "hvlm", (), ()),
    ("p of .75 on four equals", "reached by three; mlx keeps all that equal the last", [1, 1, 1, 1], dict(top_p=0.75),
     "hvlm", (), ()),
    ("p of .25 on eight equals", "reached by two; mlx keeps all that equal the last", [-2] * 8, dict(top_p=0.25), "hvlm", (), ()),
    ("p of .5 on two equals and bans", "reached by one; mlx keeps both", [BAN, 5, BAN, 5], dict(top_p=0.5), "hvlm", (), ()),
    ("p of 0", "the best only; mlx: off", [1, 3, 2], dict(top_p=0.0), "HLM", (), ()),
    ("p of 0 and k", "the best only; mlx: k alone", [1, 3, 2, 0], dict(top_k=3, top_p=0.0), "HLM", (), ()),
    ("p of 0 and min-p", "the best only; mlx: min-p alone", [1, 3, 2, 0], dict(min_p=0.2, top_p=0.0), "HLM", (), ()),
    ("p of the least float", "the best only", [1, 3, 2], dict(top_p=1e-38), "HVLM", (), ()),
    ("p just below 1", "all: the last is needed", [3, 1, 2, 0], dict(top_p=0.99), "HVLM", (), ()),
    ("min-p of 1", "all that equal the best", [1, 3, 3, 2], dict(min_p=1.0), "HVLM", (), ()),
    ("min-p of .5 on halves", "ln .5 is no float: the second is .5 - 1e-9 of the best, and float32 calls it equal",
     logs(0.5, 0.25, 0.125, 0.125), dict(min_p=0.5), "HVLM", (), ()),
    ("min-p a little below a half", "the second stays", logs(0.5, 0.25, 0.125, 0.125), dict(min_p=0.4999), "HVLM", (), ()),
    ("min-p a little above a half", "the second goes", logs(0.5, 0.25, 0.125, 0.125), dict(min_p=0.5001), "HVLM", (), ()),
    ("bans and k", "k is more than what is left", [3, BAN, 2, 1, BAN], dict(top_k=4), "HVLM", (), ()),
    ("bans and p", "a ban has no mass", [3, BAN, 2, 1, BAN], dict(top_p=0.7), "HVLM", (), ()),
    ("bans, p and min-p", "a ban is no candidate", [BAN, 3, BAN, 2, 1, BAN], dict(top_p=0.95, min_p=0.2), "HVLM", (), ()),
    ("all but one banned", "what is left", [BAN, BAN, -7, BAN], dict(temperature=0.3, top_k=2, top_p=0.2, min_p=0.4), "HVLM",
     (), ()),
    ("bans and typical", "a ban adds nothing to the entropy", [BAN, *FALLING], dict(typical_p=0.3), "HL", (), ()),
    ("top-n-sigma and typical", "three are left, the second nearest to their entropy", [4, 3.5, 3.4, 1, 0, -1, -2],
     dict(top_n_sigma=1.0, typical_p=0.4), "L", (), ()),
    ("k beyond the row", "k is more than there are", [3, 1, 2], dict(top_k=9, top_p=0.9), "HVL", (), ()),
    ("ties at k", "huggingface and vllm keep all that equal the last", [2, 1, 1, 1, 0], dict(top_k=2), "hvlm", (), ()),
    ("ties above k", "ties that k does not cut", [2, 1, 1, 0, -1], dict(top_k=3), "HVLM", (), ()),
    ("equals and k", "all are equal: huggingface and vllm keep them all", [0] * 5, dict(top_k=3), "hvlm", (), ()),
    ("equals and min-p", "every token equals the best", [0] * 5, dict(min_p=0.5), "HVLM", (), ()),
    ("equals and typical", "all are as near; llama.cpp stops once .5 is exceeded", [0] * 4, dict(typical_p=0.5), "Hl", (), ()),
    ("equals and epsilon", "all are below it: huggingface keeps what equals the best", [0] * 5, dict(epsilon=0.3), "h", (), ()),
    ("one token", "nothing to choose", [7], dict(temperature=0.3, top_p=0.1, min_p=0.9), "HVLM", (), ()),
    ("one token, everything", "nothing to choose", [-7], dict(top_k=1, top_p=0.1, min_p=0.9, typical_p=0.4), "HL", (), ()),
    ("typical without the best", "the second is nearest to the entropy", FALLING, dict(typical_p=0.15), "HL", (), ()),
    ("typical, two", "the nearest two", FALLING, dict(typical_p=0.3), "HL", (), ()),
    ("typical and p", "p before typical, or after it", FALLING, dict(top_p=0.6, typical_p=0.4), "HL", (), ()),
    ("typical and min-p", "min-p before typical, or after it", FALLING, dict(min_p=0.25, typical_p=0.3), "HL", (), ()),
    ("typical and heat", "temperature before typical, or after it", FALLING, dict(temperature=0.5, typical_p=0.3), "HL", (), ()),
    ("epsilon", "below .12 goes", FALLING, dict(epsilon=0.12), "H", (), ()),
    ("epsilon above all", "the best stays", FALLING, dict(epsilon=0.6), "H", (), ()),
    ("eta by entropy", "sqrt(.3) e^-H is .14, less than .3", FALLING, dict(eta=0.3), "H", (), ()),
    ("eta by itself", ".02 is less than sqrt(.02) e^-H", logs(0.9, 0.05, 0.03, 0.015, 0.005), dict(eta=0.02), "H", (), ()),
    ("top-n-sigma", "within one deviation of the best", [4, 3.5, 1, 0, -1, -2], dict(top_n_sigma=1.0), "L", (), ()),
    ("top-n-sigma and bans", "a ban does not widen the deviation", [4, 3.5, BAN, 1, 0, BAN, -1, -2], dict(top_n_sigma=1.0), "L",
     (), ()),
    ("top-n-sigma and heat", "temperature last does not matter to it", [4, 3.5, 1, 0, -1, -2],
     dict(temperature=3.0, top_n_sigma=1.0, top_p=0.6), "L", (), ()),
    ("min-keep and p", "three, though one has enough", FALLING, dict(top_p=0.1, min_keep=3), "HL", (), ()),
    ("min-keep and min-p", "three, though one is above it", FALLING, dict(min_p=0.9, min_keep=3), "HLM", (), ()),
    ("min-keep and k", "huggingface: three; llama.cpp's k knows no least number", FALLING, dict(top_k=1, min_keep=3), "HL", (), ()),
    ("min-keep, mlx", "its min-p alone knows a least number", FALLING, dict(top_p=0.4, min_p=0.9, min_keep=3), "M", (), ()),
    ("min-keep and typical", "the three nearest", FALLING, dict(typical_p=0.05, min_keep=3), "HL", (), ()),
    ("min-keep and epsilon", "the three best", FALLING, dict(epsilon=0.6, min_keep=3), "H", (), ()),
    ("repetition", "above 0 divided, else multiplied", [2, -2, 0, 1.5], dict(repetition=2.0), "HVLM", (), (0, 1, 2, 0)),
    ("repetition below 1", "likewise", [2, -2, 0, 1.5], dict(repetition=0.5), "HVLM", (), (0, 1, 2, 0)),
    ("all penalties", "first repetition, then the others; a count of three costs three times", [4, -1, 3, 0.5], PENALTIES, "VLM",
     (), (0, 0, 0, 1, 2)),
    ("penalties of a prompt", "vllm: only repetition looks at the prompt; llama.cpp and mlx: all do", [4, -1, 3, 1.9],
     PENALTIES | dict(top_k=1), "VLM", (0, 1, 0), (2, 2)),
    ("repetition of a prompt", "all look at it", [4, -1, 3, 2], dict(repetition=2.0), "HVLM", (0, 1), (2,)),
    ("the window", "mlx forgets what is 21 tokens back, llama.cpp what is 65 back", NEAR, PENALTIES | dict(top_k=2), "VLM", (),
     (0, *[2] * 30, 1, *[2] * 33)),
    ("the window of repetition", "huggingface and vllm forget nothing", NEAR, dict(repetition=2.0, top_k=2), "HVLM", (),
     (0, *[2] * 30, 1, *[2] * 33)),
    ("the window's last", "64 back for llama.cpp, 20 back for mlx", NEAR, PENALTIES | dict(top_k=2), "VLM", (),
     (0, *[2] * 43, 1, *[2] * 19)),
    ("penalties, then filters", "what is penalized falls below k", [4, 3.5, 3, 2], dict(top_k=2, presence=3.0), "VLM", (), (0,)),
    ("greedy", "the best, whatever else is asked", [1, 3, 2.9, 0], dict(temperature=0.0, top_k=3), "LM", (), ()),
    ("greedy and typical", "typical-p drops the best", FALLING, dict(temperature=0.0, typical_p=0.15), "L", (), ()),
]  # fmt: skip

# Cases in which this project goes its own way, and why.
NO_MASS = "here a token without mass adds nothing to an entropy; in llama.cpp 0 times infinity makes it NaN, and the best stay"
APART = {
    ("llama.cpp", "min-keep and k"): "here min_keep bounds every filter, llama.cpp's top-k knows of none",
    ("mlx", "min-keep, mlx"): "here min_keep bounds every filter, in mlx min-p alone",
    ("llama.cpp", "bans and typical"): NO_MASS,
    ("llama.cpp", "top-n-sigma and typical"): NO_MASS,
    ("llama.cpp", "greedy and typical"): "here filters are idle at temperature 0; llama.cpp takes the best of what they leave",
    ("by hand", "colder than vllm allows"): "here any temperature is taken as it is",
}

DOCS = "TensorRT-LLM docs/source/features/sampling.md: "
TORCH = "TensorRT-LLM _torch/pyexecutor/sampling_utils.py, top_k_top_p_sampling_batch: "
# Its code reads `>=` since #9411 (November 2025), its documentation still says "greater than".
STRICT = TORCH + "`cumulative_probs > top_p`, shifted by one, until #9411; the documentation's \"greater than\": "
FLOOR = "vLLM sampling_params.py, SamplingParams.__post_init__: what is above 0 and below _MAX_TEMP becomes .01, so .52, not .73"
# By the rules: name, preset, why, logits, parameters, kept, tie, and what penalties look at.
BY_HAND = [
    ("temperature and top-p", "tensorrt-llm", TORCH + "`logits / temperature` first: .867 exceeds .8", [3, 2, 1],
     dict(temperature=0.5, top_p=0.8), [0], False, (), ()),
    ("k and p", "tensorrt-llm", TORCH + "top-k masks before the softmax: .4 of .7 exceeds .5", logs(0.1, 0.2, 0.3, 0.4),
     dict(top_k=2, top_p=0.5), [3], False, (), ()),
    ("min-p and p", "tensorrt-llm", DOCS + "`min_p` is applied first: of .4 and .3 the first has .57", logs(0.4, 0.3, 0.2, 0.1),
     dict(top_p=0.55, min_p=0.6), [0], False, (), ()),
    ("p of .5 on four equals", "tensorrt-llm", STRICT + "two reach .5, three exceed it", [1, 1, 1, 1], dict(top_p=0.5), [0, 1, 2],
     True, (), ()),
    ("p of .75 on four equals", "tensorrt-llm", STRICT + "three reach .75, four exceed it", [1, 1, 1, 1], dict(top_p=0.75),
     [0, 1, 2, 3], False, (), ()),
    ("p of .25 on eight equals", "tensorrt-llm", STRICT + "two reach .25, three exceed it", [-2] * 8, dict(top_p=0.25), [0, 1, 2],
     True, (), ()),
    ("p of .5 on two equals and bans", "tensorrt-llm", STRICT + "one reaches .5, two exceed it", [BAN, 5, BAN, 5],
     dict(top_p=0.5), [1, 3], False, (), ()),
    ("p of .5 on two equals, k", "tensorrt-llm", STRICT + "one of what k leaves reaches .5, two exceed it", [5, 5, 1],
     dict(top_k=2, top_p=0.5), [0, 1], False, (), ()),
    ("p of 0", "tensorrt-llm", DOCS + "`top_p = 0`: greedy", [1, 3, 2], dict(top_p=0.0), [1], False, (), ()),
    ("min-p of 1", "tensorrt-llm", DOCS + "`min_p = 1`: greedy, so one of those that equal the best", [1, 3, 3, 2],
     dict(min_p=1.0), [1], True, (), ()),
    ("all penalties", "tensorrt-llm", DOCS + "repetition, then presence and frequency, before temperature", [4, -1, 3, 0.5],
     PENALTIES, [0, 1, 2, 3], False, (), (0, 0, 0, 1, 2)),
    ("penalties of a prompt", "tensorrt-llm", DOCS + "they count the prompt plus everything generated so far", [4, -1, 3, 1.9],
     PENALTIES | dict(top_k=1), [3], False, (0, 1, 0), (2, 2)),
    ("colder than vllm allows", "vllm", FLOOR, [1, 0.999], dict(temperature=0.001, top_p=0.6), [0, 1], False, (), ()),
]  # fmt: skip


def small_cases(makers):
    for name, why, logits, params, letters, prompt, output in CASES:
        for letter in letters:
            maker = NAMES[letter.lower()]
            made = run(makers[maker], logits, params, prompt, output)
            asked = (name, why, logits, params, prompt, output)
            yield case(maker, maker, *asked, made.ids.tolist(), made.probs, letter.islower(), made.edge, made.margin)
    for name, preset, why, logits, params, kept, tie, prompt, output in BY_HAND:
        row = np.array(logits, np.float64)
        for token in set(prompt + output):
            row[token] = row[token] / params["repetition"] if row[token] >= 0 else row[token] * params["repetition"]
            row[token] -= (prompt + output).count(token) * params["frequency"] + params["presence"]
        kept = sorted(kept, key=lambda token: (-row[token], token))
        temperature = 0.01 if why is FLOOR else params.get("temperature", 1.0)
        yield case("by hand", preset, name, why, logits, params, prompt, output, kept, shares(row[kept] / temperature), tie)


def case(maker, preset, name, why, logits, params, prompt, output, kept, probs, tie, edge=None, margin=None):
    numbers = [None if x == BAN else float(str(np.float32(x))) for x in logits]
    out = {"maker": maker, "name": name, "why": why, "params": said(preset, params), "logits": numbers}
    out |= {key: list(value) for key, value in (("prompt", prompt), ("output", output)) if value}
    out |= {"kept": kept, "probs": probs}
    rest = {"edge": edge, "margin": margin, "tie": tie or None, "apart": APART.get((maker, name))}
    return out | {key: value for key, value in rest.items() if value is not None}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, help="folder of libllama.v0.5.0.so and libggml-base.so")
    parser.add_argument("--logits", type=Path, default=GOLDEN / "smollm2-logits.safetensors")
    options = parser.parse_args()
    torch.set_default_dtype(torch.float64)  # EtaLogitsWarper makes a tensor of its own
    torch.set_num_threads(1)
    mx.disable_compile()  # it would want a C++ compiler
    makers = {"huggingface": huggingface, "llama.cpp": LlamaCpp(options.library), "mlx": mlx, "vllm": Vllm()}
    logits = load_file(options.logits)["logits"]
    real = list(real_tables(makers, logits))
    cases = list(small_cases(makers))
    dump = lambda value: json.dumps(value, ensure_ascii=False)
    with open(GOLDEN / "sampling.json", "w") as out:
        out.write('{\n"makers": ' + json.dumps(MAKERS, indent=1) + ',\n"real": [\n')
        for last, table in ((table is real[-1], table) for table in real):
            head = dump({key: value for key, value in table.items() if key != "rows"})
            rows = ",\n".join("  " + dump(row) for row in table["rows"])
            out.write(f' {head[:-1]}, "rows": [\n{rows}\n ]}}{"" if last else ","}\n')
        out.write('],\n"cases": [\n' + ",\n".join(" " + dump(entry) for entry in cases) + "\n]\n}\n")
    print(f"{len(real)} tables, {len(cases)} cases")


if __name__ == "__main__":
    main()
