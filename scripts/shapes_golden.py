#!/usr/bin/env python3
"""Makes tests/golden/shapes.json: how many parameters Hugging Face transformers builds from a config.json.

    python3 -m venv target/oracle && target/oracle/bin/pip install -r scripts/sampling-requirements.txt
    target/oracle/bin/python scripts/shapes_golden.py

Maker: transformers 5.23.0 on torch 2.15.0. Each config is written to a config.json and read by AutoConfig.from_pretrained; the
model is built on the meta device (shapes without weights) by AutoModelForCausalLM, or by AutoModel for BERT (no head). What is
counted are the tensors of that model; there is no formula of a count here. A case is one line:

    name       `real: …` holds the values of a published file (keys that say nothing of shapes mostly left out), `alone: …` only
               the model_type, so that every key is absent, `odd: …` a small variant of one thing
    config     the config.json
    total      parameters, tied ones once
    by_class   the same by class, without the classes that have none: norm and bias by what a tensor is, embedding, head, attention
               (MLA's down and up projections too), mlp (routers and the gate of a shared expert too), weight (BERT's pooler)
    layers     decoder or encoder layers
    per_layer  for each kind of layer, in order of appearance: how many there are and the parameters of one; two layers are of one
               kind where names and shapes are the same, whatever their windows
    kv         per_token_elements: what one token adds to the cache of all layers, measured: one token goes through the attention
               of every layer, on the meta device, and the elements that the cache then holds are counted. windows: the window of
               each layer's cache, null where it grows with the sequence; no entries where the model keeps no cache (an encoder)
    active     of a mixture of experts: what one token uses; of the routed experts' tensors the share of top-k, all else whole
    source     the class that transformers builds
    note       what to know of this case

`e_score_correction_bias` of DeepSeek-V3's routers is a buffer in transformers, but a tensor of the model's files that training
sets: counted, as a bias, in total, by_class, per_layer and active. Of a multimodal gemma3 only the language model and its head
count (the note has the whole); `layers`, `per_layer` and `kv` are those of the language model.

Beside the cases, read from the same classes:

    defaults   model_type -> key -> value where the key is absent. null: the value follows from others (num_key_value_heads is then
               num_attention_heads, head_dim hidden_size / num_attention_heads, n_inner 4 n_embd, mlp_only_layers []). A key that is
               not listed is not the class's; head_dim is read all the same where `keys` says so
    aliases    model_type -> other name -> key
    keys       model_type -> the keys that change the parameters, the active ones, the cache per token, the windows, nothing; those
               that the class refuses; and unclear ones: the model is built but does not run, or its cache and its attention go by
               different windows. Found by setting each of CHANGES, one at a time, on the small config in BASES

The script stops where a total, a cache or an active count is not the one in PUBLISHED, or a tensor has no class.
"""

import argparse
import json
import os
import tempfile
import warnings
from collections import Counter
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM

OUT = Path(__file__).resolve().parent.parent / "tests" / "golden" / "shapes.json"
PINNED = {"transformers": "5.23.0", "torch": "2.15.0"}
REFUSALS = (AssertionError, AttributeError, RuntimeError, StrictDataclassError, TypeError, ValueError)  # of a senseless config
CLASSES = ["attention", "mlp", "weight", "bias", "norm", "embedding", "head"]

# ---------------------------------------------------------------------------------------------------------------- measuring


def load(config):
    """The config object of a config.json with this content."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(config))
        return AutoConfig.from_pretrained(folder)


def build(config):
    """The model on the meta device, its language model, and the layers of that."""
    auto = AutoModel if config.model_type == "bert" else AutoModelForCausalLM
    with torch.device("meta"):
        model = auto.from_config(config, attn_implementation="eager")
    text = model.base_model
    text = getattr(text, "language_model", text)
    layers = text.get_submodule({"gpt2": "h", "bert": "encoder.layer"}.get(config.model_type, "layers"))
    return model, text, layers


def class_of(module, name):
    """The class of the tensor `name`, which belongs to `module`."""
    path, _, leaf = name.rpartition(".")
    if leaf.endswith("bias"):
        return "bias"
    if "norm" in type(module).__name__.lower():
        return "norm"
    if isinstance(module, torch.nn.Embedding):
        return "embedding"
    if path == "lm_head":
        return "head"
    if path == "pooler.dense":
        return "weight"
    parts = path.split(".")
    if any(part in ("self_attn", "attn", "attention", "crossattention") for part in parts):
        return "attention"
    if "mlp" in parts or parts[-2:] in (["intermediate", "dense"], ["output", "dense"]):
        return "mlp"
    raise SystemExit(f"{name} of {type(module).__name__} has no class")


def tensors(root):
    """(name, owner, tensor) of every parameter, tied ones once, and of every router's correction."""
    seen = set()
    for path, module in root.named_modules():
        own = dict(module.named_parameters(recurse=False))
        own |= {leaf: buffer for leaf, buffer in module.named_buffers(recurse=False) if leaf == "e_score_correction_bias"}
        for leaf, tensor in own.items():
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield f"{path}.{leaf}".lstrip("."), module, tensor


def top_k(layer):
    """How many of how many routed experts a token goes to, or None where the layer is dense."""
    routers = [module for module in layer.modules() if hasattr(module, "top_k") and hasattr(module, "num_experts")]
    return (routers[0].top_k, routers[0].num_experts) if routers else None


def used(layer):
    """The parameters of a layer that one token uses."""
    routing = top_k(layer)
    count = 0
    for name, _, tensor in tensors(layer):
        if routing and ".experts." in f".{name}":
            k, experts = routing
            assert tensor.shape[0] == experts and k <= experts, name
            count += tensor.numel() // experts * k
        else:
            count += tensor.numel()
    return count


def kinds(layers):
    found = {}
    for layer in layers:
        shapes = tuple((name, tuple(tensor.shape)) for name, _, tensor in tensors(layer))
        parameters = sum(tensor.numel() for _, _, tensor in tensors(layer))
        found.setdefault(shapes, {"layers": 0, "parameters": parameters})["layers"] += 1
    return list(found.values())


def cache(text, layers):
    """What one token leaves in the cache, and the windows of its layers. The feed-forward layers, which it does not see, go."""
    for layer in layers:
        if hasattr(layer, "mlp"):
            layer.mlp = torch.nn.Identity()
    with torch.device("meta"), torch.no_grad():
        kept = text(torch.zeros(1, 1, dtype=torch.long)).past_key_values
    if kept is None:
        return {"per_token_elements": 0, "windows": []}
    kept = getattr(kept, "self_attention_cache", kept)
    assert len(kept.layers) == len(layers)
    windows = [layer.sliding_window if layer.is_sliding else None for layer in kept.layers]
    for window, layer in zip(windows, layers):
        attention = getattr(layer, "self_attn", None)
        assert getattr(attention, "sliding_window", window) == window, "the cache has another window than the attention"
    elements = sum(layer.keys.numel() + layer.values.numel() for layer in kept.layers)
    return {"per_token_elements": elements, "windows": windows}


def measure(config, with_cache=True):
    """The facts of a case, from its config.json."""
    configuration = load(config)
    model, text, layers = build(configuration)
    counted = list(tensors(model))
    corrections = [tensor.numel() for name, _, tensor in counted if name.endswith("e_score_correction_bias")]
    assert sum(tensor.numel() for _, _, tensor in counted) == model.num_parameters() + sum(corrections)
    notes = []
    if config["model_type"] == "gemma3":
        whole = sum(tensor.numel() for _, _, tensor in counted)
        counted = [entry for entry in counted if entry[0].startswith(("model.language_model.", "lm_head."))]
        notes.append(f"The language model alone, without the vision tower and its projector: {whole} with them.")
    by_class = Counter()
    for name, module, tensor in counted:
        by_class[class_of(module, name)] += tensor.numel()
    if corrections:
        notes.append(f"{sum(corrections)} of bias are e_score_correction_bias, {len(corrections)} buffers in transformers.")
    total = sum(by_class.values())
    per_layer = kinds(layers)
    assert sum(kind["layers"] for kind in per_layer) == len(layers)
    facts = {
        "total": total,
        "by_class": {name: by_class[name] for name in CLASSES if by_class[name]},
        "layers": len(layers),
        "per_layer": per_layer,
        "source": f"transformers {type(model).__name__}",
    }
    if "num_experts_per_tok" in type(configuration).__dataclass_fields__:
        idle = sum(kind["layers"] * kind["parameters"] for kind in per_layer) - sum(used(layer) for layer in layers)
        facts["active"] = total - idle
    if notes:
        facts["note"] = " ".join(notes)
    if with_cache:
        facts["kv"] = cache(text, layers)
    return facts


# -------------------------------------------------------------------------------------------------------------------- cases


def gpt2(n_embd, n_layer, n_head, **more):
    return {
        "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05,
        "n_ctx": 1024, "n_embd": n_embd, "n_head": n_head, "n_layer": n_layer, "n_positions": 1024, "vocab_size": 50257,
    } | more  # fmt: skip


def llama(hidden, feed, layers, heads, kv=None, **more):
    kv = {} if kv is None else {"num_key_value_heads": kv}
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": hidden,
        "intermediate_size": feed, "max_position_embeddings": 2048, "num_attention_heads": heads, "num_hidden_layers": layers,
    } | kv | {"rms_norm_eps": 1e-05, "torch_dtype": "float16", "vocab_size": 32000} | more  # fmt: skip


def llama2(*shape, **more):
    return llama(*shape, max_position_embeddings=4096, pretraining_tp=1, rope_scaling=None, tie_word_embeddings=False, **more)


def llama3(*shape, **more):
    return llama(*shape) | {
        "attention_bias": False, "max_position_embeddings": 8192, "pretraining_tp": 1, "rope_scaling": None, "rope_theta": 500000.0,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16", "vocab_size": 128256,
    } | more  # fmt: skip


def llama31(*shape, factor=8.0, **more):
    scaling = {
        "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
        "rope_type": "llama3",
    }  # fmt: skip
    return llama3(*shape, max_position_embeddings=131072, mlp_bias=False, rope_scaling=scaling, **more)


def mistral(**more):
    return {
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu", "hidden_size": 4096,
        "intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32, "num_hidden_layers": 32,
        "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_theta": 10000.0, "sliding_window": 4096,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16", "vocab_size": 32000,
    } | more  # fmt: skip


def mixtral(**more):
    return mistral(rope_theta=1000000.0, sliding_window=None) | {
        "architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "num_experts_per_tok": 2, "num_local_experts": 8,
        "output_router_logits": False, "router_aux_loss_coef": 0.02,
    } | more  # fmt: skip


def qwen(model_type, hidden, feed, layers, heads, kv, tied, vocab, **more):
    name = {"qwen2": "Qwen2", "qwen2_moe": "Qwen2Moe", "qwen3": "Qwen3", "qwen3_moe": "Qwen3Moe"}[model_type]
    return {
        "architectures": [f"{name}ForCausalLM"], "model_type": model_type, "hidden_act": "silu", "hidden_size": hidden,
        "intermediate_size": feed, "max_position_embeddings": 32768, "max_window_layers": layers, "num_attention_heads": heads,
        "num_hidden_layers": layers, "num_key_value_heads": kv, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0,
        "sliding_window": 32768, "tie_word_embeddings": tied, "torch_dtype": "bfloat16", "use_sliding_window": False,
        "vocab_size": vocab,
    } | more  # fmt: skip


def qwen25(hidden, feed, layers, heads, kv, tied=False, vocab=152064, **more):
    return qwen("qwen2", hidden, feed, layers, heads, kv, tied, vocab, **more)


def qwen3(hidden, feed, layers, heads, kv=8, model_type="qwen3", tied=True, **more):
    more = {"attention_bias": False, "head_dim": 128, "max_position_embeddings": 40960, "sliding_window": None} | more
    return qwen(model_type, hidden, feed, layers, heads, kv, tied, 151936, **more)


def qwen3_moe(hidden, feed, layers, heads, kv, expert):
    return qwen3(
        hidden, feed, layers, heads, kv, "qwen3_moe", False, decoder_sparse_step=1, mlp_only_layers=[],
        moe_intermediate_size=expert, norm_topk_prob=True, num_experts=128, num_experts_per_tok=8,
    )  # fmt: skip


def gemma2(hidden, feed, layers, heads, kv, head_dim, scalar):
    return {
        "architectures": ["Gemma2ForCausalLM"], "model_type": "gemma2", "attention_bias": False, "attn_logit_softcapping": 50.0,
        "cache_implementation": "hybrid", "final_logit_softcapping": 30.0, "head_dim": head_dim,
        "hidden_activation": "gelu_pytorch_tanh", "hidden_size": hidden, "intermediate_size": feed, "max_position_embeddings": 8192,
        "num_attention_heads": heads, "num_hidden_layers": layers, "num_key_value_heads": kv, "query_pre_attn_scalar": scalar,
        "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "sliding_window": 4096, "torch_dtype": "float32", "vocab_size": 256000,
    }  # fmt: skip


def gemma3(**text):
    """A multimodal file: its text_config says only what differs from the class's own values."""
    return {
        "architectures": ["Gemma3ForConditionalGeneration"], "model_type": "gemma3", "boi_token_index": 255999,
        "eoi_token_index": 256000, "eos_token_id": [1, 106], "image_token_index": 262144, "initializer_range": 0.02,
        "mm_tokens_per_image": 256,
        "text_config": {"model_type": "gemma3_text", "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
                        "sliding_window": 1024} | text,
        "torch_dtype": "bfloat16",
        "vision_config": {
            "hidden_size": 1152, "image_size": 896, "intermediate_size": 4304, "model_type": "siglip_vision_model",
            "num_attention_heads": 16, "num_hidden_layers": 27, "patch_size": 14, "vision_use_head": False,
        },
    }  # fmt: skip


def phi3(hidden, feed, layers, heads, kv, vocab, **more):
    return {
        "architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "attention_bias": False, "hidden_act": "silu",
        "hidden_size": hidden, "intermediate_size": feed, "max_position_embeddings": 4096, "num_attention_heads": heads,
        "num_hidden_layers": layers, "num_key_value_heads": kv, "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-05,
        "rope_scaling": None, "rope_theta": 10000.0, "sliding_window": None, "tie_word_embeddings": False,
        "torch_dtype": "bfloat16", "vocab_size": vocab,
    } | more  # fmt: skip


def bert(hidden, feed, layers, **more):
    return {
        "architectures": ["BertModel"], "model_type": "bert", "attention_probs_dropout_prob": 0.1, "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1, "hidden_size": hidden, "intermediate_size": feed, "layer_norm_eps": 1e-12,
        "max_position_embeddings": 512, "num_attention_heads": 12, "num_hidden_layers": layers, "pad_token_id": 0,
        "position_embedding_type": "absolute", "type_vocab_size": 2, "use_cache": True, "vocab_size": 30522,
    } | more  # fmt: skip


REAL = {
    "gpt2": gpt2(768, 12, 12),
    "gpt2-medium": gpt2(1024, 24, 16),
    "gpt2-large": gpt2(1280, 36, 20),
    "gpt2-xl": gpt2(1600, 48, 25),
    "gpt3-175b": gpt2(12288, 96, 96, n_ctx=2048, n_positions=2048, n_inner=None),
    "llama-1-7b": llama(4096, 11008, 32, 32),
    "llama-1-13b": llama(5120, 13824, 40, 40),
    "llama-1-33b": llama(6656, 17920, 60, 52),
    "llama-1-65b": llama(8192, 22016, 80, 64),
    "llama-2-7b": llama2(4096, 11008, 32, 32, 32),
    "llama-2-13b": llama2(5120, 13824, 40, 40, 40),
    "llama-2-70b": llama2(8192, 28672, 80, 64, 8),
    "llama-3-8b": llama3(4096, 14336, 32, 32, 8),
    "llama-3-70b": llama3(8192, 28672, 80, 64, 8),
    "llama-3.1-8b": llama31(4096, 14336, 32, 32, 8),
    "llama-3.1-70b": llama31(8192, 28672, 80, 64, 8),
    "llama-3.1-405b": llama31(16384, 53248, 126, 128, 8),
    "llama-3.2-1b": llama31(2048, 8192, 16, 32, 8, factor=32.0, head_dim=64, tie_word_embeddings=True),
    "llama-3.2-3b": llama31(3072, 8192, 28, 24, 8, factor=32.0, head_dim=128, tie_word_embeddings=True),
    "tinyllama-1.1b": llama2(2048, 5632, 22, 32, 4) | {"max_position_embeddings": 2048, "torch_dtype": "bfloat16"},
    "smollm2-135m": llama(
        576, 1536, 30, 9, 3, attention_bias=False, is_llama_config=True, max_position_embeddings=8192, mlp_bias=False,
        pretraining_tp=1, rope_interleaved=False, rope_scaling=None, rope_theta=100000, tie_word_embeddings=True,
        torch_dtype="bfloat16", vocab_size=49152,
    ),
    "mistral-7b-v0.1": mistral(),
    "mistral-7b-v0.3": mistral(rope_theta=1000000.0, sliding_window=None, vocab_size=32768),
    "mistral-nemo-12b": mistral(
        hidden_size=5120, num_hidden_layers=40, head_dim=128, max_position_embeddings=131072, rope_theta=1000000.0,
        sliding_window=None, vocab_size=131072,
    ),
    "mixtral-8x7b": mixtral(),
    "qwen2.5-0.5b": qwen25(896, 4864, 24, 14, 2, True, 151936),
    "qwen2.5-1.5b": qwen25(1536, 8960, 28, 12, 2, True, 151936),
    "qwen2.5-3b": qwen25(2048, 11008, 36, 16, 2, True, 151936),
    "qwen2.5-7b": qwen25(3584, 18944, 28, 28, 4, sliding_window=131072),
    "qwen2.5-14b": qwen25(5120, 13824, 48, 40, 8, sliding_window=131072),
    "qwen2.5-32b": qwen25(5120, 27648, 64, 40, 8, sliding_window=131072),
    "qwen2.5-72b": qwen25(8192, 29568, 80, 64, 8, sliding_window=131072),
    "qwen1.5-moe-a2.7b": qwen(
        "qwen2_moe", 2048, 5632, 24, 16, 16, False, 151936, decoder_sparse_step=1, max_position_embeddings=8192,
        max_window_layers=21, moe_intermediate_size=1408, norm_topk_prob=False, num_experts=60, num_experts_per_tok=4,
        shared_expert_intermediate_size=5632,
    ),
    "qwen2-57b-a14b": qwen(
        "qwen2_moe", 3584, 18944, 28, 28, 4, False, 151936, decoder_sparse_step=1, max_position_embeddings=131072,
        moe_intermediate_size=2560, norm_topk_prob=False, num_experts=64, num_experts_per_tok=8,
        shared_expert_intermediate_size=20480, sliding_window=131072,
    ),
    "qwen3-0.6b": qwen3(1024, 3072, 28, 16),
    "qwen3-1.7b": qwen3(2048, 6144, 28, 16),
    "qwen3-4b": qwen3(2560, 9728, 36, 32),
    "qwen3-30b-a3b": qwen3_moe(2048, 6144, 48, 32, 4, 768),
    "qwen3-235b-a22b": qwen3_moe(4096, 12288, 94, 64, 4, 1536),
    "gemma-2-2b": gemma2(2304, 9216, 26, 8, 4, 256, 256),
    "gemma-2-9b": gemma2(3584, 14336, 42, 16, 8, 256, 256),
    "gemma-2-27b": gemma2(4608, 36864, 46, 32, 16, 128, 144),
    "gemma-3-1b": {
        "architectures": ["Gemma3ForCausalLM"], "model_type": "gemma3_text", "attention_bias": False,
        "attn_logit_softcapping": None, "cache_implementation": "hybrid", "final_logit_softcapping": None, "head_dim": 256,
        "hidden_activation": "gelu_pytorch_tanh", "hidden_size": 1152, "intermediate_size": 6912, "max_position_embeddings": 32768,
        "num_attention_heads": 4, "num_hidden_layers": 26, "num_key_value_heads": 1, "query_pre_attn_scalar": 256,
        "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000, "rope_scaling": None, "rope_theta": 1000000, "sliding_window": 512,
        "sliding_window_pattern": 6, "torch_dtype": "bfloat16", "vocab_size": 262144,
    },
    "gemma-3-4b": gemma3(hidden_size=2560, intermediate_size=10240, num_hidden_layers=34),
    "gemma-3-12b": gemma3(
        hidden_size=3840, intermediate_size=15360, num_attention_heads=16, num_hidden_layers=48, num_key_value_heads=8
    ),
    "gemma-3-27b": gemma3(
        head_dim=128, hidden_size=5376, intermediate_size=21504, num_attention_heads=32, num_hidden_layers=62,
        num_key_value_heads=16, query_pre_attn_scalar=168,
    ),
    "phi-2": {
        "architectures": ["PhiForCausalLM"], "model_type": "phi", "hidden_act": "gelu_new", "hidden_size": 2560,
        "intermediate_size": 10240, "layer_norm_eps": 1e-05, "max_position_embeddings": 2048, "num_attention_heads": 32,
        "num_hidden_layers": 32, "num_key_value_heads": 32, "partial_rotary_factor": 0.4, "qk_layernorm": False,
        "rope_scaling": None, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float16", "vocab_size": 51200,
    },
    "phi-3-mini-4k": phi3(3072, 8192, 32, 32, 32, 32064, sliding_window=2047),
    "phi-4": phi3(5120, 17920, 40, 40, 10, 100352, max_position_embeddings=16384, rope_theta=250000),
    "phi-4-mini": phi3(
        3072, 8192, 32, 24, 8, 200064, lm_head_bias=False, max_position_embeddings=131072, mlp_bias=False,
        partial_rotary_factor=0.75, sliding_window=262144, tie_word_embeddings=True,
    ),
    "deepseek-v3": {
        "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "attention_bias": False, "attention_dropout": 0.0,
        "ep_size": 1, "first_k_dense_replace": 3, "hidden_act": "silu", "hidden_size": 7168, "intermediate_size": 18432,
        "kv_lora_rank": 512, "max_position_embeddings": 163840, "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_group": 8,
        "n_routed_experts": 256, "n_shared_experts": 1, "norm_topk_prob": True, "num_attention_heads": 128,
        "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1,
        "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
        "quantization_config": {"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                                "weight_block_size": [128, 128]},
        "rms_norm_eps": 1e-06,
        "rope_scaling": {"beta_fast": 32, "beta_slow": 1, "factor": 40, "mscale": 1.0, "mscale_all_dim": 1.0,
                         "original_max_position_embeddings": 4096, "type": "yarn"},
        "rope_theta": 10000, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid", "tie_word_embeddings": False, "topk_group": 4,
        "topk_method": "noaux_tc", "torch_dtype": "bfloat16", "v_head_dim": 128, "vocab_size": 129280,
    },
    "bert-base-uncased": bert(768, 3072, 12, architectures=["BertForMaskedLM"]),
    "all-minilm-l6-v2": bert(384, 1536, 6),
}  # fmt: skip

# Total, bytes of bf16 cache per token, active parameters: as published (Hugging Face's safetensors totals, model cards) or as an
# independent counter has them.
PUBLISHED = {
    "gpt2": (124_439_808, 36_864, None),
    "gpt2-medium": (354_823_168, None, None),
    "gpt2-large": (774_030_080, None, None),
    "gpt2-xl": (1_557_611_200, None, None),
    "gpt3-175b": (174_604_259_328, 4_718_592, None),
    "llama-1-7b": (6_738_415_616, 524_288, None),
    "llama-1-13b": (13_015_864_320, 819_200, None),
    "llama-1-33b": (32_528_943_616, None, None),
    "llama-1-65b": (65_285_660_672, None, None),
    "llama-2-7b": (6_738_415_616, 524_288, None),
    "llama-2-13b": (13_015_864_320, 819_200, None),
    "llama-2-70b": (68_976_648_192, 327_680, None),
    "llama-3-8b": (8_030_261_248, 131_072, None),
    "llama-3-70b": (70_553_706_496, 327_680, None),
    "llama-3.1-8b": (8_030_261_248, 131_072, None),
    "llama-3.1-70b": (70_553_706_496, 327_680, None),
    "llama-3.1-405b": (405_853_388_800, 516_096, None),
    "llama-3.2-1b": (1_235_814_400, None, None),
    "llama-3.2-3b": (3_212_749_824, None, None),
    "tinyllama-1.1b": (1_100_048_384, None, None),
    "smollm2-135m": (134_515_008, None, None),
    "mistral-7b-v0.1": (7_241_732_096, 131_072, None),
    "mistral-7b-v0.3": (7_248_023_552, 131_072, None),
    "mixtral-8x7b": (46_702_792_704, 131_072, 12_879_925_248),
    "qwen2.5-0.5b": (494_032_768, None, None),
    "qwen2.5-1.5b": (1_543_714_304, None, None),
    "qwen2.5-3b": (3_085_938_688, None, None),
    "qwen2.5-7b": (7_615_616_512, 57_344, None),
    "qwen2.5-14b": (14_770_033_664, None, None),
    "qwen2.5-32b": (32_763_876_352, None, None),
    "qwen2.5-72b": (72_706_203_648, 327_680, None),
    "qwen3-0.6b": (596_049_920, None, None),
    "qwen3-1.7b": (1_720_574_976, None, None),
    "qwen3-4b": (4_022_468_096, None, None),
    "qwen3-30b-a3b": (30_532_122_624, 98_304, None),
    "qwen3-235b-a22b": (235_093_634_560, 192_512, None),
    "gemma-2-2b": (2_614_341_888, 106_496, None),
    "gemma-3-1b": (999_885_952, None, None),
    "phi-2": (2_779_683_840, None, None),
    "phi-3-mini-4k": (3_821_079_552, 393_216, None),
    "deepseek-v3": (671_026_419_200, 70_272, 37_552_297_472),
}

# A small config of each type, on which the odd cases and the table of keys change one thing at a time.
SMALL = {
    "hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 4, "num_hidden_layers": 4, "num_key_value_heads": 2,
    "vocab_size": 100,
}  # fmt: skip
EXPERTS = {"moe_intermediate_size": 24, "num_experts": 6, "num_experts_per_tok": 2}
WINDOWS = {"use_sliding_window": True, "sliding_window": 16, "max_window_layers": 2}
BASES = {
    "gpt2": {"n_embd": 64, "n_head": 4, "n_layer": 3, "n_positions": 32, "vocab_size": 100},
    "llama": SMALL,
    "mistral": SMALL | {"sliding_window": 16},
    "mixtral": SMALL | {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": 16},
    "qwen2": SMALL | WINDOWS,
    "qwen2_moe": SMALL | EXPERTS | {"shared_expert_intermediate_size": 40} | WINDOWS,
    "qwen3": SMALL | {"head_dim": 16} | WINDOWS,
    "qwen3_moe": SMALL | EXPERTS | {"head_dim": 16} | WINDOWS,
    "gemma2": SMALL | {"head_dim": 16, "pad_token_id": 0, "sliding_window": 16},
    "gemma3_text": SMALL | {"head_dim": 16, "num_hidden_layers": 7, "pad_token_id": 0, "sliding_window": 16},
    "phi": SMALL,
    "phi3": SMALL | {"pad_token_id": 0, "sliding_window": 16},
    "deepseek_v3": SMALL | {
        "first_k_dense_replace": 1, "kv_lora_rank": 24, "moe_intermediate_size": 24, "n_group": 2, "n_routed_experts": 8,
        "n_shared_experts": 1, "num_experts_per_tok": 2, "num_key_value_heads": None, "q_lora_rank": 40, "qk_nope_head_dim": 16,
        "qk_rope_head_dim": 8, "topk_group": 1, "v_head_dim": 12,
    },
    "bert": {key: value for key, value in SMALL.items() if key != "num_key_value_heads"} | {"max_position_embeddings": 32},
}  # fmt: skip
BASES = {model_type: {"model_type": model_type} | base for model_type, base in BASES.items()}
TEXT = {key: value for key, value in BASES["gemma3_text"].items()}
VISION = {
    "hidden_size": 32, "image_size": 28, "intermediate_size": 48, "model_type": "siglip_vision_model", "num_attention_heads": 2,
    "num_hidden_layers": 1, "patch_size": 14, "vision_use_head": False,
}  # fmt: skip
BASES["gemma3"] = {"model_type": "gemma3", "text_config": TEXT, "vision_config": VISION}

GONE = object()  # in an odd case: the base's key is left out
MIXED = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]

# (model_type, what is odd, changes, note)
ODD = [
    ("gpt2", "untied", {"tie_word_embeddings": False}, None),
    ("gpt2", "inner width", {"n_inner": 80}, None),
    ("gpt2", "other names", {"n_embd": GONE, "n_head": GONE, "n_layer": GONE, "n_positions": GONE, "hidden_size": 48,
     "num_attention_heads": 3, "num_hidden_layers": 2, "max_position_embeddings": 40}, "the aliases stand for the class's keys"),
    ("gpt2", "intermediate_size", {"intermediate_size": 80}, "not a key of gpt2: ignored, n_inner counts"),
    ("gpt2", "n_ctx", {"n_ctx": 8, "n_positions": GONE}, "n_ctx is ignored, n_positions absent is 1024"),
    ("gpt2", "cross attention", {"add_cross_attention": True}, "the cache of the encoder's states is not in kv"),
    ("llama", "tied", {"tie_word_embeddings": True}, None),
    ("llama", "attention bias", {"attention_bias": True}, "on the output projection too"),
    ("llama", "mlp bias", {"mlp_bias": True}, None),
    ("llama", "both biases", {"attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}, None),
    ("llama", "wide heads", {"head_dim": 24}, None),
    ("llama", "head_dim null", {"head_dim": None}, None),
    ("llama", "no kv heads", {"num_key_value_heads": GONE}, "absent: as many as num_attention_heads"),
    ("llama", "kv heads null", {"num_key_value_heads": None}, None),
    ("llama", "one kv head", {"num_key_value_heads": 1}, None),
    ("llama", "sliding_window", {"sliding_window": 16}, "not a key of llama, but the cache of transformers goes by it"),
    ("mistral", "tied", {"tie_word_embeddings": True}, None),
    ("mistral", "wide heads", {"head_dim": 24}, None),
    ("mistral", "head_dim null", {"head_dim": None}, None),
    ("mistral", "no kv heads", {"num_key_value_heads": GONE, "num_attention_heads": 16},
     "absent: 8, whatever num_attention_heads; null is refused"),
    ("mistral", "no window key", {"sliding_window": GONE}, "absent: 4096"),
    ("mistral", "window null", {"sliding_window": None}, None),
    ("mistral", "layer types", {"layer_types": MIXED, "head_dim": 16},
     "with layer_types transformers reads a mistral file as ministral, which needs head_dim"),
    ("mistral", "attention bias", {"attention_bias": True, "mlp_bias": True}, "both ignored"),
    ("mixtral", "tied", {"tie_word_embeddings": True}, None),
    ("mixtral", "wide heads, more experts", {"head_dim": 24, "num_local_experts": 6, "num_experts_per_tok": 3}, None),
    ("mixtral", "other name", {"num_local_experts": GONE, "num_experts": 5}, "num_experts is an alias of num_local_experts"),
    ("mixtral", "both names", {"num_local_experts": 5, "num_experts": 3}, "of the two names num_experts wins"),
    ("mixtral", "no expert keys", {"num_local_experts": GONE, "num_experts_per_tok": GONE}, None),
    ("mixtral", "no kv heads", {"num_key_value_heads": GONE, "num_attention_heads": 16}, "absent: 8"),
    ("mixtral", "no window key", {"sliding_window": GONE}, "absent: none"),
    ("qwen2", "tied", {"tie_word_embeddings": True}, None),
    ("qwen2", "windows unused", {"use_sliding_window": False}, None),
    ("qwen2", "windows above", {"max_window_layers": 1}, "layers from max_window_layers on have the window"),
    ("qwen2", "layer types", {"layer_types": MIXED}, "layer_types wins over max_window_layers"),
    ("qwen2", "no attention bias", {"attention_bias": False, "qkv_bias": False}, "both ignored: Q, K and V always have a bias"),
    ("qwen2", "wide heads", {"head_dim": 24}, "no key of the class, yet the attention reads it; null is refused"),
    ("qwen2", "no kv heads", {"num_key_value_heads": GONE, "num_attention_heads": 32}, "absent: 32"),
    ("qwen2", "kv heads null", {"num_key_value_heads": None}, "null: as many as num_attention_heads"),
    ("qwen2_moe", "tied, no qkv bias", {"tie_word_embeddings": True, "qkv_bias": False}, None),
    ("qwen2_moe", "sparse step", {"decoder_sparse_step": 2}, "layers 1, 3, … have experts"),
    ("qwen2_moe", "dense layers", {"mlp_only_layers": [0, 3]}, None),
    ("qwen2_moe", "sparse step and dense layers", {"decoder_sparse_step": 2, "mlp_only_layers": [1]}, None),
    ("qwen2_moe", "no experts", {"num_experts": 0}, "every layer is dense, with intermediate_size"),
    ("qwen2_moe", "shared expert", {"shared_expert_intermediate_size": 72, "num_experts_per_tok": 3}, None),
    ("qwen2_moe", "shared expert of no width", {"shared_expert_intermediate_size": 0}, "its gate stays"),
    ("qwen2_moe", "windows", {"max_window_layers": 3},
     "unlike qwen2: layers 0, 2, … below max_window_layers have the window"),
    ("qwen2_moe", "layer types", {"layer_types": MIXED}, None),
    ("qwen2_moe", "wide heads", {"head_dim": 24}, "no key of the class, yet the attention reads it"),
    ("qwen3", "tied, attention bias", {"tie_word_embeddings": True, "attention_bias": True}, None),
    ("qwen3", "no head_dim", {"head_dim": GONE}, "absent: 128, not hidden_size / num_attention_heads; null is refused"),
    ("qwen3", "narrow heads", {"head_dim": 8}, None),
    ("qwen3", "layer types", {"layer_types": MIXED}, None),
    ("qwen3", "windows unused", {"use_sliding_window": False}, None),
    ("qwen3", "no window keys", {"use_sliding_window": GONE, "sliding_window": GONE, "max_window_layers": GONE}, None),
    ("qwen3_moe", "tied, attention bias", {"tie_word_embeddings": True, "attention_bias": True}, None),
    ("qwen3_moe", "no head_dim", {"head_dim": GONE}, "unlike qwen3: absent is hidden_size / num_attention_heads; null is refused"),
    ("qwen3_moe", "wide heads", {"head_dim": 24}, None),
    ("qwen3_moe", "sparse step and dense layers", {"decoder_sparse_step": 2, "mlp_only_layers": [3]}, None),
    ("qwen3_moe", "windows", {"max_window_layers": 2}, "max_window_layers is ignored: every layer has the window"),
    ("qwen3_moe", "other name", {"num_experts": GONE, "num_local_experts": 5}, "num_local_experts is what num_experts sets"),
    ("qwen3_moe", "both names", {"num_experts": 3, "num_local_experts": 5}, "of the two names num_local_experts wins"),
    ("qwen3_moe", "shared expert", {"shared_expert_intermediate_size": 40}, "ignored: no shared expert"),
    ("gemma2", "untied", {"tie_word_embeddings": False}, None),
    ("gemma2", "attention bias", {"attention_bias": True}, None),
    ("gemma2", "no head_dim", {"head_dim": GONE}, "absent: 256"),
    ("gemma2", "no kv heads", {"num_key_value_heads": GONE}, "absent: 4"),
    ("gemma2", "layer types", {"layer_types": MIXED}, None),
    ("gemma2", "window pattern", {"sliding_window_pattern": 4}, "ignored: layers 0, 2, … have the window"),
    ("gemma3_text", "untied", {"tie_word_embeddings": False}, None),
    ("gemma3_text", "attention bias", {"attention_bias": True}, None),
    ("gemma3_text", "no head_dim", {"head_dim": GONE}, "absent: 256"),
    ("gemma3_text", "window pattern", {"sliding_window_pattern": 3}, "every third layer is full"),
    ("gemma3_text", "layer types", {"num_hidden_layers": 4, "layer_types": MIXED, "sliding_window_pattern": 2}, None),
    ("gemma3_text", "both directions", {"use_bidirectional_attention": True}, "the window becomes half of it and one"),
    ("gemma3_text", "no window keys", {"sliding_window": GONE}, "absent: 4096, and every sixth layer is full"),
    ("gemma3", "untied", {"tie_word_embeddings": False}, None),
    ("gemma3", "text untied", {"text_config": TEXT | {"tie_word_embeddings": False}},
     "only tie_word_embeddings of the whole counts, not that of text_config"),
    ("gemma3", "text without its type", {"text_config": {k: v for k, v in TEXT.items() if k != "model_type"}}, None),
    ("gemma3", "keys outside", {"num_hidden_layers": 3, "vocab_size": 50}, "outside text_config: ignored"),
    ("phi", "tied", {"tie_word_embeddings": True}, "the head's bias stays"),
    ("phi", "norms of Q and K", {"qk_layernorm": True}, "LayerNorm with bias over hidden_size / num_attention_heads"),
    ("phi", "no kv heads", {"num_key_value_heads": GONE}, None),
    ("phi", "partial rotary", {"partial_rotary_factor": 0.25}, "changes nothing"),
    ("phi", "wide heads", {"head_dim": 24}, "no key of the class, yet the attention reads it"),
    ("phi3", "tied", {"tie_word_embeddings": True}, None),
    ("phi3", "no kv heads", {"num_key_value_heads": GONE}, None),
    ("phi3", "wide heads", {"head_dim": 24}, "no key of the class, yet the attention reads it"),
    ("phi3", "no window key", {"sliding_window": GONE}, "absent: none"),
    ("phi3", "attention bias", {"attention_bias": True, "mlp_bias": True, "lm_head_bias": True}, "all ignored"),
    ("phi3", "partial rotary", {"partial_rotary_factor": 0.5}, "changes nothing"),
    ("deepseek_v3", "tied", {"tie_word_embeddings": True}, None),
    ("deepseek_v3", "whole Q", {"q_lora_rank": None}, "one q_proj, no norm of it"),
    ("deepseek_v3", "attention bias", {"attention_bias": True}, "on q_a_proj, kv_a_proj_with_mqa and o_proj"),
    ("deepseek_v3", "attention bias, whole Q", {"attention_bias": True, "q_lora_rank": None}, "on kv_a_proj_with_mqa and o_proj"),
    ("deepseek_v3", "no dense layer", {"first_k_dense_replace": 0}, None),
    ("deepseek_v3", "all layers dense", {"first_k_dense_replace": 9}, None),
    ("deepseek_v3", "every second layer", {"moe_layer_freq": 2},
     "moe_layer_freq is ignored by transformers; the model's own code goes by it"),
    ("deepseek_v3", "two shared experts", {"n_shared_experts": 2, "num_experts_per_tok": 3}, None),
    ("deepseek_v3", "no shared expert", {"n_shared_experts": 0}, "null is refused"),
    ("deepseek_v3", "other name", {"n_routed_experts": GONE, "num_local_experts": 4}, "num_local_experts is an alias"),
    ("deepseek_v3", "predicts further", {"num_nextn_predict_layers": 2}, "such layers are in the files, not in this model"),
    ("deepseek_v3", "head widths", {"qk_nope_head_dim": 24, "qk_rope_head_dim": 16, "v_head_dim": 20, "head_dim": 16,
     "kv_lora_rank": 32}, "the cache holds kv_lora_rank and qk_rope_head_dim"),
    ("bert", "types and positions", {"type_vocab_size": 5, "max_position_embeddings": 48}, None),
    ("bert", "untied", {"tie_word_embeddings": False}, "changes nothing without a head"),
    ("bert", "relative positions", {"position_embedding_type": "relative_key"},
     "ignored since transformers 5; before, each layer had a table of distances"),
    ("bert", "decoder", {"is_decoder": True}, "keeps a cache"),
    ("bert", "decoder with cross attention", {"is_decoder": True, "add_cross_attention": True},
     "the cache of the encoder's states is not in kv"),
]  # fmt: skip

# What the table of keys sets, one at a time; the keys that are tried on every class, its own or not; what its base has besides.
COMMON = {
    "attention_bias", "head_dim", "layer_types", "max_position_embeddings", "mlp_bias", "num_key_value_heads", "qkv_bias",
    "sliding_window", "tie_word_embeddings",
}  # fmt: skip
BESIDES = {"qwen2_moe": {"mlp_only_layers": [1]}, "qwen3_moe": {"mlp_only_layers": [1]}}
CHANGES = {
    "vocab_size": 120, "hidden_size": 96, "intermediate_size": 80, "num_hidden_layers": 8, "num_attention_heads": 8,
    "num_key_value_heads": 1, "head_dim": 24, "max_position_embeddings": 48, "type_vocab_size": 3, "n_embd": 96, "n_layer": 5,
    "n_head": 8, "n_inner": 80, "n_positions": 48, "n_ctx": 48, "attention_bias": True, "mlp_bias": True, "qkv_bias": False,
    "lm_head_bias": True, "qk_layernorm": True, "partial_rotary_factor": 0.25, "add_cross_attention": True, "is_decoder": True,
    "position_embedding_type": "relative_key", "sliding_window": 8, "use_sliding_window": False, "max_window_layers": 3,
    "sliding_window_pattern": 3, "use_bidirectional_attention": True, "num_local_experts": 7, "num_experts": 7,
    "n_routed_experts": 12, "num_experts_per_tok": 3, "moe_intermediate_size": 20, "shared_expert_intermediate_size": 56,
    "n_shared_experts": 2, "decoder_sparse_step": 2, "mlp_only_layers": [0, 2], "moe_layer_freq": 2, "first_k_dense_replace": 2,
    "q_lora_rank": None, "kv_lora_rank": 32, "qk_nope_head_dim": 24, "qk_rope_head_dim": 16, "v_head_dim": 20,
    "num_nextn_predict_layers": 2, "num_mtp_layers": 2,
}  # fmt: skip

# ------------------------------------------------------------------------------------------------------------------- tables


def own_class(model_type):
    return transformers.models.auto.configuration_auto.CONFIG_MAPPING[model_type]


def defaults(model_type):
    """The values of the class's own fields that CHANGES, or a window or tie, is about; before anything is derived from them."""
    wanted = {*CHANGES, "tie_word_embeddings", "layer_types", "text_config"}
    fields = own_class(model_type).__dataclass_fields__
    found = {name: field.default for name, field in fields.items() if name in wanted}
    if model_type == "gemma3_text":  # no field, but taken where the file has it
        found["sliding_window_pattern"] = own_class(model_type)()._sliding_window_pattern
    if "text_config" in found:
        found["text_config"] = defaults("gemma3_text")
    return found


def effect(base, config):
    """What the config does that the facts of the base do not: a list of words."""
    try:
        facts = measure(config, with_cache=False)
    except REFUSALS:
        return ["refused"]
    words = []
    if any(base[key] != facts[key] for key in ("total", "by_class", "per_layer")):
        words.append("parameters")
    if base.get("active") != facts.get("active"):
        words.append("active")
    try:
        kv = measure(config)["kv"]
    except REFUSALS:
        return [*words, "unclear"]
    if base["kv"]["per_token_elements"] != kv["per_token_elements"]:
        words.append("kv")
    # a change of depth changes the length of the list too
    if base["kv"]["windows"] != kv["windows"] and len(base["kv"]["windows"]) == len(kv["windows"]):
        words.append("windows")
    return words or ["nothing"]


def keys(model_type):
    """Which keys change what, of those that the class has, that an odd case sets, and the common ones."""
    kind, inner = own_class(model_type), "text_config" if model_type == "gemma3" else None
    base = BASES[model_type] | BESIDES.get(model_type, {})
    text_kind, text = (own_class("gemma3_text"), base[inner]) if inner else (kind, base)
    own = {*text_kind.__dataclass_fields__, *kind.attribute_map, *kind.attribute_map.values(), *COMMON}
    own |= {key for odd, _, changes, _ in ODD if odd in (model_type, inner and "gemma3_text") for key in changes}
    changes = {key: value for key, value in CHANGES.items() if key in own}
    changes["layer_types"] = [MIXED[i % len(MIXED)] for i in range(text.get("num_hidden_layers", 3))]
    changes["tie_word_embeddings"] = not getattr(text_kind, "tie_word_embeddings", False)
    tries = {key: base | {key: value} for key, value in changes.items()}
    if inner:
        tries = {f"{inner}.{key}": base | {inner: text | {key: value}} for key, value in changes.items()}
        tries["tie_word_embeddings"] = base | {"tie_word_embeddings": not kind.tie_word_embeddings}
    facts = measure(base)
    table = {word: [] for word in ("parameters", "active", "kv", "windows", "nothing", "unclear", "refused")}
    for key, config in tries.items():
        for word in effect(facts, config):
            table[word].append(key)
    return {word: found for word, found in table.items() if found}


# -------------------------------------------------------------------------------------------------------------------- output


def cases():
    for name, config in REAL.items():
        yield f"real: {name}", config, None
    for model_type in BASES:
        yield f"alone: {model_type}", {"model_type": model_type}, None
    for model_type, what, changes, note in ODD:
        config = BASES[model_type] | changes
        yield f"odd: {model_type}, {what}", {key: value for key, value in config.items() if value is not GONE}, note


def case(name, config, note):
    facts = measure(config)
    notes = [text for text in (note, facts.pop("note", None)) if text]
    order = ["total", "by_class", "layers", "per_layer", "kv", "active", "source"]
    line = {"name": name, "config": config} | {key: facts[key] for key in order if key in facts}
    return line | ({"note": "; ".join(notes)} if notes else {})


def compare(lines):
    """Holds PUBLISHED against the cases; stops at a difference."""
    by_name = {line["name"]: line for line in lines}
    apart = 0
    for name, (total, cache_bytes, active) in PUBLISHED.items():
        line = by_name[f"real: {name}"]
        ours = (line["total"], 2 * line["kv"]["per_token_elements"], line.get("active"))
        for what, theirs, own in zip(("total", "cache bytes", "active"), (total, cache_bytes, active), ours):
            if theirs is not None and theirs != own:
                apart += 1
                print(f"{name}: {what} {own}, published {theirs}")
    print(f"{len(PUBLISHED)} models held against published numbers, {apart} apart")
    if apart:
        raise SystemExit(1)


def write(path, lines):
    about = {"maker": "scripts/shapes_golden.py"} | PINNED
    tables = {
        "defaults": {model_type: defaults(model_type) for model_type in BASES},
        "aliases": {model_type: found for model_type in BASES if (found := own_class(model_type).attribute_map)},
        "keys": {model_type: keys(model_type) for model_type in BASES},
    }
    text = ['{\n"about": ' + json.dumps(about)]
    for name, table in tables.items():
        rows = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in table.items())
        text.append(f"{json.dumps(name)}: {{\n{rows}\n}}")
    text.append('"cases": [\n' + ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines) + "\n]")
    path.write_text(",\n".join(text) + "\n}\n", encoding="utf-8")
    print(f"{path.name}: {len(lines)} cases, {path.stat().st_size} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    found = {"transformers": transformers.__version__, "torch": torch.__version__.split("+")[0]}
    if found != PINNED:
        raise SystemExit(f"made with {PINNED}, found {found}")
    transformers.logging.set_verbosity_error()
    warnings.filterwarnings("ignore", "Initializing zero-element tensors")  # a shared expert of no width
    torch.set_num_threads(1)
    lines = [case(*one) for one in cases()]
    assert len({line["name"] for line in lines}) == len(lines)
    compare(lines)
    write(arguments.out, lines)


if __name__ == "__main__":
    main()
