#!/usr/bin/env python3
"""Makes data/smollm2-logits.safetensors, which the tour samples from: four rows of tests/golden/smollm2-logits.safetensors.

    python3 scripts/tour_logits.py

The rows are next-token logits of SmolLM2-135M-Instruct (Apache-2.0) after four prompts, computed by llama.cpp 0.5.0.
"""
import json
import struct
from pathlib import Path

ROWS = {
    0: "The capital of France is",
    4: '{"name": "Alice", "age": 30, "city":',
    7: "To be, or not to be, that is the",
    12: "the the the the the the the the the the the the",
}
# What the tokenizer has for the five best tokens of each row.
TEXTS = {
    28: ",",
    29: "-",
    79: "_",
    198: "\n",
    216: " ",
    260: " the",
    476: " \"",
    506: "'s",
    805: " only",
    1035: " very",
    1662: " {",
    1962: " question",
    2250: " Le",
    4528: " London",
    5145: " La",
    6250: " greatest",
    7042: " Paris",
    10034: " null",
    15126: " eternal",
    46734: " undefined",
}
root = Path(__file__).resolve().parent.parent
source = (root / "tests/golden/smollm2-logits.safetensors").read_bytes()
(length,) = struct.unpack("<Q", source[:8])
rows, vocab = json.loads(source[8 : 8 + length])["logits"]["shape"]
data = source[8 + length :]
assert len(data) == rows * vocab * 4
chosen = b"".join(data[row * vocab * 4 : (row + 1) * vocab * 4] for row in ROWS)
header = {
    "__metadata__": {
        "model": "SmolLM2-135M-Instruct, Apache-2.0",
        "rows": ", ".join(map(str, ROWS)),
        **{f"prompt {i}": prompt for i, prompt in enumerate(ROWS.values())},
        **{f"token {id}": text for id, text in TEXTS.items()},
    },
    "logits": {"dtype": "F32", "shape": [len(ROWS), vocab], "data_offsets": [0, len(chosen)]},
}
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
(root / "data/smollm2-logits.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + chosen)
