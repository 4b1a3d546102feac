//! The article's claims in our words, how each is to be read, and how it is measured here.

use serde_json::json;

use super::{Claim, Verdict};

/// The words of a claim.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    row: u32,
    pub id: &'static str,
    pub statement: &'static str,
    pub reading: &'static str,
    pub method: &'static str,
}

/// The words of a row, from 1.
pub(super) fn words(row: u32) -> &'static Words {
    WORDS.iter().find(|words| words.row == row).unwrap_or(&WORDS[0])
}

/// A claim that nothing measures.
pub(super) fn unmeasured(row: u32, reason: &str) -> Claim {
    let words = words(row);
    Claim {
        id: words.id,
        row,
        statement: words.statement,
        reading: words.reading,
        method: words.method,
        verdict: Verdict::Unmeasured,
        expected: None,
        measured: None,
        unit: "",
        sound: true,
        condition: reason.into(),
        evidence: json!({}),
    }
}

const BY_SLOPE: &str =
    "1, 2 and 4 layers placed on the device; their differences must be the formula's to the byte, and give the whole";

const WORDS: [Words; 17] = [
    Words {
        row: 1,
        id: "parameter_counts",
        statement: "GPT-3 has 175 billion parameters, Grok-1 314, Llama 7 to 70",
        reading: "counts of the published shapes, rounded to billions",
        method: BY_SLOPE,
    },
    Words {
        row: 2,
        id: "structure_not_data",
        statement: "\"70B\" says how complex the structure is, not how much data it has seen",
        reading: "bytes follow from shapes, and do not change with training",
        method: "a tensor's bytes on the ledger after 0 to 3 real steps of AdamW; a layer of Llama-2-70B by slope",
    },
    Words {
        row: 3,
        id: "five_classes",
        statement: "parameters are weight matrices, biases, the attention's matrices, embeddings and initial hidden states",
        reading: "the share of a model's bytes that these five classes hold",
        method: "buffers by class on the ledger, of Llama-2-7B and GPT-2",
    },
    Words {
        row: 4,
        id: "storage",
        statement: "a parameter takes 4 bytes in FP32, 2 in BF16, 1 in Int8, half a byte in Int4",
        reading: "codes only; a stored tensor has scales, zero points and padding too, and a model has tensors that are not quantized",
        method: "a real layer quantized on the device in each format; Llama-3-8B by slope",
    },
    Words {
        row: 5,
        id: "larger_in_fewer_bits",
        statement: "a 13B model in Int8 is mostly better than a 7B model in BF16",
        reading: "it takes no more memory, and is better at equal memory",
        method: "both models by slope, the larger in every kind of Int8; quality is not measured",
    },
    Words {
        row: 6,
        id: "training_state",
        statement: "training takes (x + y + 12) bytes a parameter: weights x, gradients y, and 12 for the optimizer",
        reading: "12 is a master copy and two moments in FP32; it is right where weights are kept in fewer bits",
        method: "real steps of six optimizers on a real layer, beside their twins; bytes from the ledger",
    },
    Words {
        row: 7,
        id: "inference",
        statement: "inference takes at most a quarter of the memory of training",
        reading: "the most bytes at once of a decode step, cache and buffers included, over those of a training step",
        method: "both in one process on a small model, over contexts and batches; the cache of Llama-3-8B by slope",
    },
    Words {
        row: 8,
        id: "seven_billion",
        statement: "7B parameters are 28 GB in FP32, 14 in BF16, 7 in Int8",
        reading: "decimal gigabytes of exactly 7 billion parameters, codes only",
        method: BY_SLOPE,
    },
    Words {
        row: 9,
        id: "activations",
        statement: "activations take l b s h p C bytes, C above 16 depending on how attention is computed",
        reading: "C is the bytes that a block keeps for its backward pass, over b s h p",
        method: "a real block, forward and backward; the tensors it keeps are on the ledger, and its gradients are the twin's",
    },
    Words {
        row: 10,
        id: "activation_variables",
        statement: "activations depend on layers, heads, batch, tokens, width and bytes of a value",
        reading: "the coefficients of these variables in what is kept",
        method: "blocks over a grid of layers, batches and tokens; the coefficients recovered from the measurements",
    },
    Words {
        row: 11,
        id: "gpu_count",
        statement: "training takes parameters (in billions) x 18 x 1.25 / memory of a GPU (in GB) GPUs",
        reading: "states are shared evenly, activations are a quarter of them and shared too",
        method: "the shard of one GPU, counted exactly; allocated and stepped under that memory, both divided by a power of two; the fewest GPUs by search",
    },
    Words {
        row: 12,
        id: "rtx_4090",
        statement: "a Llama-3 of 7B takes about 7 RTX 4090 of 24 GB",
        reading: "7 x 18 x 1.25 / 24 = 6.56; the Llama-3 that there is has 8.03 billion parameters",
        method: "as gpu_count, with Llama-3-8B and 24,564 MiB",
    },
    Words {
        row: 13,
        id: "communication",
        statement: "distributed training is held up by communication: gradients are compressed or accumulated",
        reading: "bytes on the wire, and what error feedback costs in memory",
        method: "not yet",
    },
    Words {
        row: 14,
        id: "dynamic_batch",
        statement: "batches should follow the memory that there is",
        reading: "the largest batch predicted, and the largest that runs",
        method: "not yet here; `weighbridge plan --prove` does it for one model",
    },
    Words {
        row: 15,
        id: "fault_tolerance",
        statement: "long training needs checkpoints that survive faults",
        reading: "work that is killed and taken up again ends in the same bits",
        method: "not yet",
    },
    Words {
        row: 16,
        id: "cpu_gpu",
        statement: "work and memory should be scheduled over CPU and GPU",
        reading: "a model under a cap that it does not fit, with the device never above the cap",
        method: "not yet",
    },
    Words {
        row: 17,
        id: "sampling",
        statement: "temperature 0.8, top-k 36 and top-p 0.7 are good settings",
        reading: "how many candidates each stage leaves, and what the logits take; what is good is a matter of taste",
        method: "real logits on the device, the chain a stage at a time",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_words() {
        for (i, words) in WORDS.iter().enumerate() {
            assert_eq!(words.row as usize, i + 1);
            assert!(WORDS.iter().filter(|other| other.id == words.id).count() == 1);
        }
    }
}
