//! `weighbridge plan --prove`: what is predicted is what the device takes, and one step above it is refused.

use serde_json::Value;

use crate::data::{json, weighbridge};

/// The prediction to the byte, on the ledger and in the allocator's blocks; then one more, which is refused.
#[track_caller]
fn proved(arguments: &[&str]) -> Value {
    let output = weighbridge(&[&["plan"], arguments, &["--gpu-memory", "500000000", "--prove", "--json"]].concat());
    let plan = json(&output);
    let placed = &plan["proved"]["placed"];
    assert_eq!(placed["requested"][0], placed["requested"][1], "{placed}");
    assert_eq!(placed["exact"], true, "{placed}");
    assert_eq!(placed["refused"], true, "{placed}");
    assert!(placed["refusal"].as_str().unwrap().contains("500000000 bytes"), "{placed}");
    assert_eq!(placed["left"], 0, "the ledger is back at its baseline");
    assert!(plan["proved"]["batch"].as_u64().unwrap() >= 1 && output.status.success(), "{plan:#}");
    plan
}

#[test]
fn the_largest_batch_is_placed_and_one_more_is_refused() {
    for format in ["int8", "q4_0", "bf16"] {
        let plan = proved(&["smollm2-135m", "--context", "512", "--as", format]);
        let drawn = plan["proved"]["placed"]["drawn"].as_array().unwrap();
        assert_eq!(drawn.len() as u64, plan["proved"]["batch"].as_u64().unwrap(), "a token for each sequence");
        let (layers, reason) = (&plan["proved"]["placed"]["layers"], &plan["proved"]["placed"]["not_run"]);
        assert_eq!((layers.as_u64(), reason), (Some(30), &Value::Null), "it goes through the whole model");
        let placed = &plan["proved"]["placed"];
        assert!(placed["peak"].as_u64().unwrap() <= 500_000_000, "{placed}");
    }
}

#[test]
fn so_is_training() {
    let plan = proved(&["all-minilm-l6-v2", "--train", "adamw-mixed", "--context", "64"]);
    assert_eq!(plan["proved"]["placed"]["stepped"], 103, "a real step on each tensor");
    proved(&["all-minilm-l6-v2", "--train", "adamw-f32", "--context", "64"]);
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
