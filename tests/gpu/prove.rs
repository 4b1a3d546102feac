//! `weighbridge prove` as a user runs it, alone in its process: verdicts, bounds, exit statuses, errors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::data::{json, weighbridge};

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, text).unwrap();
    path
}

/// The article's claims, measured once.
fn proof() -> &'static (Value, i32, String) {
    static PROOF: OnceLock<(Value, i32, String)> = OnceLock::new();
    PROOF.get_or_init(|| {
        let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("claims.html");
        let output = weighbridge(&["prove", "--json", "--html", page.to_str().unwrap()]);
        (json(&output), output.status.code().unwrap(), std::fs::read_to_string(page).unwrap())
    })
}

fn claim(id: &str) -> &'static Value {
    proof().0["claims"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap()
}

#[test]
fn every_claim_has_its_verdict() {
    let (proof, status, _) = proof();
    assert_eq!((proof["schema"].as_u64(), *status), (Some(1), 0), "false claims of the article are no finding");
    let verdicts: BTreeMap<u64, &str> = (proof["claims"].as_array().unwrap().iter())
        .map(|c| (c["row"].as_u64().unwrap(), c["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(verdicts.keys().copied().collect::<Vec<_>>(), (1..=17).collect::<Vec<_>>());
    let of = |verdict: &str| verdicts.iter().filter(|(_, v)| **v == verdict).map(|(row, _)| *row).collect::<Vec<_>>();
    assert_eq!(of("true"), [2]);
    assert_eq!(of("false"), [12], "there is no Llama-3 of 7B");
    assert_eq!(of("unmeasured"), [13, 14, 15, 16]);
    for claim in proof["claims"].as_array().unwrap() {
        for field in ["id", "statement", "reading", "method", "condition"] {
            assert!(!claim[field].as_str().unwrap().is_empty(), "{field} of {}", claim["id"]);
        }
    }
}

#[test]
fn slopes_are_the_formula_to_the_byte() {
    let mut slopes = 0;
    for (id, lists) in [("storage", "models"), ("seven_billion", "models"), ("larger_in_fewer_bits", "thirteen_billion")] {
        for slope in claim(id)["evidence"][lists].as_array().unwrap() {
            assert_eq!(slope["exact"], true, "{id}: {slope}");
            assert_eq!(slope["total"], slope["formula"]);
            slopes += 1;
        }
    }
    for model in claim("parameter_counts")["evidence"]["models"].as_array().unwrap() {
        assert_eq!(model["slope"]["exact"], true, "{model}");
        slopes += 1;
    }
    assert_eq!(slopes, 16);
    assert_eq!(claim("parameter_counts")["measured"], 174_604_259_328.0);
    assert_eq!(claim("larger_in_fewer_bits")["evidence"]["breaks"], serde_json::json!(["q8_0"]));
    let int4 = &claim("storage")["evidence"]["models"][1];
    assert!((int4["total"].as_f64().unwrap() / 1e9 - 5.70).abs() < 0.01, "{int4}");
    assert_eq!(claim("five_classes")["evidence"]["models"][0]["classes"]["initial_state"], Value::Null);
}

#[test]
fn states_activations_and_shards_are_as_derived() {
    let bytes: Vec<f64> = (claim("training_state")["evidence"]["optimizers"].as_array().unwrap().iter())
        .map(|o| {
            assert_eq!((&o["exact"], &o["within_tolerance"]), (&Value::Bool(true), &Value::Bool(true)), "{o}");
            o["bytes_per_parameter"].as_f64().unwrap()
        })
        .collect();
    for (got, want) in bytes.iter().zip([16.0, 16.0, 18.0, 8.0, 10.03, 12.0]) {
        assert!((got - want).abs() < 0.01, "{bytes:?}");
    }
    for point in claim("activations")["evidence"]["points"].as_array().unwrap() {
        assert_eq!(point["c"], point["c_formula"], "{point}");
    }
    assert!(claim("activations")["evidence"]["largest_distance_of_gradients_from_the_twin"].as_f64().unwrap() < 1e-5);
    assert_eq!(claim("activation_variables")["measured"], 16.0625 * 1024.0);
    // Not every block keeps more than 16: SmolLM2's own does not.
    assert!(claim("activations")["evidence"]["smollm2_135m_c"].as_f64().unwrap() < 16.0);
    for other in claim("activation_variables")["evidence"]["other_widths"].as_array().unwrap() {
        assert_eq!(other["bytes"], other["derived"], "{other}");
    }
    for point in claim("inference")["evidence"]["points"].as_array().unwrap() {
        assert_eq!(point["kv_cache"], point["kv_cache_formula"], "{point}");
    }
    for shard in claim("gpu_count")["evidence"]["tries"].as_array().unwrap() {
        assert_eq!((&shard["fits"], &shard["one_fewer_is_refused"]), (&Value::Bool(true), &Value::Bool(true)), "{shard}");
        assert_eq!(shard["ledger_left_bytes"], 0, "{shard}");
    }
    let left = claim("sampling")["evidence"]["stages"].as_array().unwrap();
    assert_eq!(left[0]["left"], serde_json::json!([49_152, 49_152, 49_152, 49_152]));
    assert_eq!(left[1]["left"], serde_json::json!([36, 36, 36, 36]));
    assert!(left[2]["left"].as_array().unwrap().iter().all(|n| n.as_u64().unwrap() < 36));
}

#[test]
fn the_residual_is_within_its_tolerance() {
    let account = &proof().0["account"];
    if proof().0["software"] == true {
        assert_eq!(account["witness"], "process_anon", "{account}");
        let rss = proof().0["calibrations"].as_array().unwrap().iter().find(|c| c["witness"] == "process_anon").unwrap();
        assert!((rss["slope"].as_f64().unwrap() - 1.0).abs() <= 1e-3, "{rss}");
    }
    if account["witness"] != Value::Null {
        let residual = account["residual"].as_i64().unwrap().unsigned_abs();
        assert!(residual <= account["tolerance"].as_u64().unwrap(), "{account}");
    }
    assert_eq!(proof().0["claims"].as_array().unwrap().iter().filter(|c| c["sound"] == false).count(), 0);
    assert_eq!(proof().0["left"], 0, "the ledger is back at its baseline");
    let unexplained = account["levels"].as_array().unwrap().iter().flat_map(|l| l["lines"].as_array().unwrap());
    assert!(unexplained.filter(|l| l["name"] == "unexplained").count() == 0, "{account}");
}

#[test]
fn the_page_needs_no_network() {
    let page = &proof().2;
    assert!(page.matches("<svg").count() >= 5, "five plots");
    for wrong in ["http://", "https://", "<script", "NaN", "src="] {
        assert!(!page.contains(wrong), "{wrong}");
    }
    assert!(page.contains("RTX 4090") && page.contains("residual"));
}

#[test]
fn claims_of_ones_own() {
    let claims = file(
        "mine.toml",
        "[[claim]]\nname = \"exact\"\nmodel = \"smollm2-135m\"\nformat = \"bf16\"\nclaimed_bytes = 269_030_016\n\n\
         [[claim]]\nmodel = \"deepseek-v3\"\nformat = \"bf16\"\ncontext = 1000\ntolerance = 0.001\nclaimed_bytes = 1_342_123_110_400\n",
    );
    let output = weighbridge(&["prove", claims.to_str().unwrap(), "--json"]);
    let document = json(&output);
    assert_eq!(document["claims"][0]["verdict"], "true", "{document}");
    assert_eq!(document["claims"][0]["measured"], 2 * 134_515_008);
    assert_eq!(document["claims"][1]["kv_cache"], 70_272_000);
    assert!(document["claims"].as_array().unwrap().iter().all(|c| c["exact"] == true), "{document}");
    assert_eq!(output.status.code(), Some(0));
    let wrong = file(
        "wrong.toml",
        "[[claim]]\nmodel = \"llama-3-8b\"\nformat = \"int4\"\ncontext = 8192\ntolerance = 0.05\nclaimed_bytes = 4_015_130_624\n",
    );
    let output = weighbridge(&["prove", wrong.to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(1) && text.contains("false"), "half a byte is not what it takes: {text}");
}

#[test]
fn errors_say_what_to_do() {
    let error = |arguments: &[&str]| {
        let output = weighbridge(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let text = error(&["prove", "no-such-file.toml"]);
    assert!(text.contains("no-such-file.toml"), "{text}");
    let text = error(&["prove", file("malformed.toml", "[[claim]]\nmodel = 3\n").to_str().unwrap()]);
    assert!(text.contains("[[claim]]"), "{text}");
    let unknown = file("unknown.toml", "[[claim]]\nmodel = \"llama-9\"\nformat = \"bf16\"\nclaimed_bytes = 1\n");
    let text = error(&["prove", unknown.to_str().unwrap()]);
    assert!(text.contains("llama-9") && text.contains("llama-3-8b"), "{text}");
    let text = error(&["prove", file("empty.toml", "claim = []\n").to_str().unwrap()]);
    assert!(text.contains("a claim at least"), "{text}");
    // Whose cache is more than can be counted: no product may wrap and come out as nothing.
    let huge = "[[claim]]\nmodel = \"gpt2\"\nformat = \"bf16\"\nclaimed_bytes = 1\nbatch = 4294967296\ncontext = 4294967296\n";
    let text = error(&["prove", file("huge.toml", huge).to_str().unwrap()]);
    assert!(text.contains("batch times context"), "{text}");
    let text = error(&["prove", "--html", "/no-such-folder/page.html"]);
    assert!(text.contains("page.html"), "{text}");
    let layer = file("layer.toml", "[[claim]]\nmodel = \"llama-3-8b\"\nformat = \"int8:tensor\"\nclaimed_bytes = 1\n");
    let text = error(&["prove", layer.to_str().unwrap(), "--memory-limit", "1MiB"]);
    assert!(text.contains("placed at once"), "{text}");
    assert!(
        String::from_utf8(
            Command::new(env!("CARGO_BIN_EXE_weighbridge")).args(["prove", "--adapter", "cpu"]).output().unwrap().stderr
        )
        .unwrap()
        .contains("CPU twins")
    );
}

/// A device with hardly any memory: what does not fit is said, the rest is measured.
#[test]
fn a_small_budget_leaves_claims_unmeasured_with_their_reason() {
    let output = weighbridge(&["prove", "--json", "--memory-limit", "60MiB"]);
    assert_eq!(output.status.code(), Some(0));
    let document = json(&output);
    let claim = |id: &str| document["claims"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap().clone();
    assert_eq!(claim("parameter_counts")["verdict"], "unmeasured");
    assert!(claim("parameter_counts")["condition"].as_str().unwrap().contains("bytes"), "{}", claim("parameter_counts"));
    assert_eq!(document["left"], 0, "the ledger is back at its baseline, also behind what found no memory");
    assert_eq!(claim("activations")["verdict"], "conditional");
    assert_eq!(claim("sampling")["verdict"], "conditional");
}
