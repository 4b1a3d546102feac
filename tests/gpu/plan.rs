//! `weighbridge plan --prove`: what is predicted is what the device takes, and one step above it is refused.

use std::path::Path;

use serde_json::Value;

use weighbridge::footprint::estimate::{Serving, Storing, serving_needs};
use weighbridge::footprint::shape::open;
use weighbridge::footprint::{Run, carry_out, memory_of};

use crate::data::{json, options, weighbridge};
use crate::gguf_maker::{Maker, text, value};

/// The prediction to the byte, on the ledger and in the allocator's blocks; then one more, which is refused. What was placed.
#[track_caller]
fn proved(memory: &str, arguments: &[&str]) -> Value {
    let output = weighbridge(&[&["plan"], arguments, &["--gpu-memory", memory, "--prove", "--json"]].concat());
    let plan = json(&output);
    let placed = plan["proved"]["placed"].clone();
    assert_eq!(placed["requested"][0], placed["requested"][1], "{placed}");
    assert_eq!(placed["exact"], true, "{placed}");
    assert_eq!(placed["refused"], true, "{placed}");
    assert!(placed["refusal"].as_str().unwrap().contains(&format!("{memory} bytes")), "{placed}");
    assert_eq!(placed["left"], 0, "the ledger is back at its baseline");
    assert!(placed["peak"].as_u64().unwrap() <= memory.parse().unwrap(), "{placed}");
    let batch = plan["proved"]["batch"].as_u64().unwrap();
    assert!(batch >= 1 && output.status.success(), "{plan:#}");
    if let Some(drawn) = placed["drawn"].as_array().filter(|_| !arguments.contains(&"--train")) {
        assert_eq!(drawn.len() as u64, batch, "a token for each sequence");
    }
    placed
}

/// A folder with a config of Llama's, some keys otherwise.
fn config(name: &str, other: &Value) -> String {
    let mut config = serde_json::json!({
        "model_type": "llama", "hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 6,
        "num_key_value_heads": 2, "vocab_size": 1000, "max_position_embeddings": 256, "tie_word_embeddings": false,
    });
    other.as_object().unwrap().iter().for_each(|(key, value)| config[key] = value.clone());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    folder.to_str().unwrap().into()
}

#[track_caller]
fn through(placed: &Value, layers: u64) {
    assert_eq!(
        (placed["layers"].as_u64(), &placed["not_run"]),
        (Some(layers), &Value::Null),
        "it goes through the whole model"
    );
}

#[test]
fn the_largest_batch_is_placed_and_one_more_is_refused() {
    for format in ["int8", "bf16"] {
        through(&proved("500000000", &["smollm2-135m", "--context", "512", "--as", format]), 30);
    }
}

#[test]
fn weights_run_as_they_are_stored() {
    let model = config("stored", &serde_json::json!({}));
    let run = |arguments: &[&str]| {
        through(&proved("200000000", &[&[model.as_str(), "--context", "256"], arguments].concat()), 2);
    };
    // Rows of 192 fill no group of int4's, which lie beside rows of 512 that do; three planes; an embedding that is kept.
    run(&["--as", "int4"]);
    run(&["--as", "int4:g32:asym", "--keep", "embedding"]);
    run(&["--as", "q4_0", "--cache", "f32"]);
    run(&["--as", "f16"]);
    // Matrices that a binding holds as codes, and would not as F32; logits that take several.
    let wide = config(
        "wide",
        &serde_json::json!({ "hidden_size": 2048, "intermediate_size": 20480, "num_hidden_layers": 1, "num_attention_heads": 16 }),
    );
    through(&proved("135000000", &[&wide, "--context", "16", "--as", "q4_0"]), 1);
    let many = config("many", &serde_json::json!({ "vocab_size": 49152, "num_hidden_layers": 1 }));
    through(&proved("250000000", &[&many, "--context", "16", "--as", "q8_0"]), 1);
}

#[test]
fn a_gguf_file_runs_too() {
    let sizes: [(&str, Vec<u64>); 11] = [
        ("token_embd", vec![64, 100]),
        ("output_norm", vec![64]),
        ("blk.0.attn_norm", vec![64]),
        ("blk.0.attn_q", vec![64, 64]),
        ("blk.0.attn_k", vec![64, 32]),
        ("blk.0.attn_v", vec![64, 32]),
        ("blk.0.attn_output", vec![64, 64]),
        ("blk.0.ffn_norm", vec![64]),
        ("blk.0.ffn_gate", vec![64, 128]),
        ("blk.0.ffn_up", vec![64, 128]),
        ("blk.0.ffn_down", vec![128, 64]),
    ];
    let maker = Maker::sample().with(|m| {
        let numbers = [("block_count", 1_u32), ("embedding_length", 64), ("feed_forward_length", 128), ("context_length", 128)];
        let heads = [("attention.head_count", 4), ("attention.head_count_kv", 2)];
        m.metadata = vec![("general.architecture".into(), value(8, &text("llama")))];
        let number = |(key, n): (&str, u32)| (format!("llama.{key}"), value(4, &n.to_le_bytes()));
        m.metadata.extend(numbers.into_iter().chain(heads).map(number));
        (m.tensors, m.data) = (vec![], vec![]);
        for (name, dimensions) in sizes {
            let bytes = 4 * dimensions.iter().product::<u64>();
            m.tensors.push((format!("{name}.weight"), dimensions, 0, m.data.len() as u64));
            m.data.resize(m.data.len() + bytes as usize, 0);
        }
    });
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run.gguf");
    std::fs::write(&path, maker.bytes()).unwrap();
    through(&proved("100000000", &[path.to_str().unwrap(), "--context", "128", "--as", "q8_0"]), 1);
}

#[test]
fn why_nothing_ran_is_said() {
    let reason = |memory: &str, arguments: &[&str]| {
        let placed = proved(memory, arguments);
        assert_eq!(placed["layers"], 0);
        placed["not_run"][0].as_str().unwrap().to_owned()
    };
    let model = config("reasons", &serde_json::json!({}));
    assert!(reason("100000000", &[&model, "--context", "64", "--cache", "int8"]).contains("no cache in int8"));
    let odd = config("odd", &serde_json::json!({ "hidden_size": 188, "head_dim": 32 }));
    assert!(reason("100000000", &[&odd, "--context", "64", "--as", "int8"]).contains("multiple of 8 values"));
    let wide = config("wide_head", &serde_json::json!({ "head_dim": 640 }));
    assert!(reason("100000000", &[&wide, "--context", "64"]).contains("heads of at most 512 values"));
    let other = config("biased", &serde_json::json!({ "model_type": "qwen2" }));
    assert!(reason("100000000", &[&other, "--context", "64"]).contains("not of Llama's kind"));
}

/// Where a device has small buffers, logits are cut into several: neither the head nor the sampler takes them, and both say so.
#[test]
fn logits_in_several_buffers_are_not_run() {
    let shape = open(&config("cut", &serde_json::json!({}))).unwrap();
    let mut small = options();
    small.max_buffer_bytes = Some(1 << 20);
    let (gpu, memory) = memory_of(&small, Some(100_000_000)).unwrap();
    let job =
        |batch| Serving { storing: Storing::all("q4_0".parse().unwrap()), cache: "bf16".parse().unwrap(), batch, context: 8 };
    let needs = |batch| serving_needs(&shape, &job(batch), memory.max_buffer);
    let run = |batch| {
        let job = job(batch);
        let run = Run::Decode(&shape, &job);
        carry_out(&gpu, &memory, &needs(batch), &needs(100_000), run, &mut |_, _, _| ()).unwrap()
    };
    let placed = run(300);
    assert_eq!((placed.layers, placed.drawn.len(), placed.not_run.len(), placed.left), (0, 0, 2, 0));
    let said = placed.not_run.join("\n");
    assert!(said.contains("the layers: ") && said.contains("the sampler: ") && said.contains("1200000 bytes"), "{said}");
    let placed = run(200);
    assert_eq!((placed.layers, placed.drawn.len(), placed.not_run.len()), (2, 200, 0));
}

#[test]
fn so_is_training() {
    let placed = proved("500000000", &["all-minilm-l6-v2", "--train", "adamw-mixed", "--context", "64"]);
    assert_eq!(placed["stepped"], 103, "a real step on each tensor");
    proved("500000000", &["all-minilm-l6-v2", "--train", "adamw-f32", "--context", "64"]);
}

#[test]
fn what_fits_nowhere_is_a_finding_and_what_cannot_be_asked_is_an_error() {
    let status = |arguments: &[&str]| weighbridge(&[&["plan"], arguments].concat()).status.code();
    assert_eq!(status(&["llama-3-8b", "--gpu-memory", "1GB"]), Some(1), "a budget smaller than the weights");
    assert_eq!(status(&["llama-3-8b", "--gpu-memory", "1MB", "--prove"]), Some(1), "nothing is placed");
    assert_eq!(status(&["llama-3-8b", "--gpu-memory", "24GB"]), Some(0));
    assert_eq!(
        status(&["llama-3-8b", "--gpu-memory", "24GB", "--context", "4611686018427387904"]),
        Some(2),
        "more than can be counted"
    );
    assert_eq!(status(&["llama-3-8b", "--gpu-memory", "24GB", "--batch", "0"]), Some(2));
}
