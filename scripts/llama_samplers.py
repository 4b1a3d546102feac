"""llama.cpp's samplers through ctypes: those of llama.h 0.5.0, from the same package as ggml_reference.py."""

import ctypes
from pathlib import Path

import numpy as np

import ggml_reference

CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Tokens(ctypes.Structure):
    """llama_token_data_array."""

    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("selected", ctypes.c_int64), ("sorted", ctypes.c_bool)]


class ChainParams(ctypes.Structure):
    """llama_sampler_chain_params."""

    _fields_ = [("no_perf", ctypes.c_bool)]


class Samplers:
    """Its functions without their prefix `llama_sampler_`: init_top_k(40), apply(sampler, tokens) ..."""

    Tokens, ChainParams = Tokens, ChainParams

    def __init__(self, folder):
        base = ggml_reference.library(folder)  # fetches the package
        llama = self.llama = ctypes.CDLL(str(Path(base._name).parent / "libllama.v0.5.0.so"))
        i32, f32, size, handle = ctypes.c_int32, ctypes.c_float, ctypes.c_size_t, ctypes.c_void_p
        for name, arguments, result in (
            ("init_penalties", [i32, i32, f32, f32, f32], handle), ("init_top_n_sigma", [f32], handle),
            ("init_top_k", [i32], handle), ("init_typical", [f32, size], handle), ("init_top_p", [f32, size], handle),
            ("init_min_p", [f32, size], handle), ("init_temp", [f32], handle), ("chain_init", [ChainParams], handle),
            ("chain_add", [handle, handle], None), ("accept", [handle, i32], None), ("free", [handle], None),
            ("init_greedy", [], handle), ("init_dist", [ctypes.c_uint32], handle),
            ("apply", [handle, ctypes.POINTER(Tokens)], None),
        ):  # fmt: skip
            function = getattr(llama, f"llama_sampler_{name}")
            function.argtypes, function.restype = arguments, result
            setattr(self, name, function)

    @staticmethod
    def candidates(row):
        """Every token of a row as a candidate: the memory, and what llama.cpp is handed."""
        data = np.zeros(len(row), CANDIDATE)
        data["id"], data["logit"] = np.arange(len(row)), row
        return data, Tokens(data.ctypes.data, len(row), -1, False)
