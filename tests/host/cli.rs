//! The command line: help, data and errors, as a user sees them. On the CPU twins, so that no device shows in a snapshot.

use std::path::Path;
use std::process::{Command, Output};

use crate::files::{file, safetensors};
use crate::gguf_maker::Maker;

/// Runs the binary where no Vulkan driver is found.
fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_weighbridge"))
        .args(arguments)
        .env("VK_DRIVER_FILES", "no-such-driver.json")
        .env("VK_ICD_FILENAMES", "no-such-driver.json")
        .env("COLUMNS", "100")
        .output()
        .unwrap()
}

/// Status, standard output and standard error, without this machine's folders.
fn seen(arguments: &[&str]) -> String {
    let output = run(arguments);
    let text = |bytes: &[u8]| {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text.replace(env!("CARGO_TARGET_TMPDIR"), "FOLDER").replace(env!("CARGO_MANIFEST_DIR"), "PROJECT")
    };
    format!("status {}\n{}--- stderr\n{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn layer() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/minilm-layer0.safetensors").display().to_string()
}

#[test]
fn help_teaches() {
    insta::assert_snapshot!("help", seen(&["--help"]));
    insta::assert_snapshot!("help_weigh", seen(&["weigh", "--help"]));
    insta::assert_snapshot!("help_inspect", seen(&["inspect", "--help"]));
    insta::assert_snapshot!("help_devices", seen(&["devices", "--help"]));
    insta::assert_snapshot!("help_sample", seen(&["sample", "--help"]));
}

#[test]
fn reports_on_the_twins() {
    insta::assert_snapshot!("tour_cpu", seen(&["--adapter", "cpu"]));
    insta::assert_snapshot!("weigh_cpu", seen(&["weigh", &layer(), "--as", "q8_0", "--keep", "attention", "--adapter", "cpu"]));
}

#[test]
fn logits_are_sampled() {
    let logits = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/smollm2-logits.safetensors").display().to_string();
    let sample = |more: &[&str]| seen(&[&["sample", &logits, "--adapter", "cpu"], more].concat());
    insta::assert_snapshot!("sample_cpu", sample(&["--rows", "0,2", "--seed", "7"]));
    let many = ["--rows", "3", "--draws", "2000", "--top-k", "0", "--top-p", "0.95", "--show", "4", "--preset", "llama.cpp"];
    insta::assert_snapshot!("sample_many", sample(&many));
    let penalized = ["--rows", "3", "--history", "29,29,79", "--repetition", "1.5", "--bias", "506=-inf", "--json"];
    insta::assert_snapshot!("sample_json", sample(&penalized));
    insta::assert_snapshot!("sample_row", sample(&["--rows", "4"]));
    insta::assert_snapshot!("sample_value", sample(&["--top-p", "1.5"]));
    insta::assert_snapshot!("sample_history", sample(&["--presence", "1"]));
    insta::assert_snapshot!("sample_no_penalty", sample(&["--history", "1"]));
    insta::assert_snapshot!("sample_stray_history", sample(&["--history", "1,49152", "--presence", "1"]));
    insta::assert_snapshot!("sample_preset", sample(&["--preset", "hf", "--json"]));
    insta::assert_snapshot!("sample_no_logits", seen(&["sample", &layer(), "--adapter", "cpu"]));
    let data: Vec<u8> = [0.0, f32::NAN, 1.0, f32::NEG_INFINITY, f32::NEG_INFINITY, f32::NEG_INFINITY]
        .iter()
        .flat_map(|x: &f32| x.to_le_bytes())
        .collect();
    let odd = file("odd.safetensors", &safetensors(r#"{"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#, &data));
    insta::assert_snapshot!("sample_odd", seen(&["sample", &odd.display().to_string(), "--adapter", "cpu"]));
}

#[test]
fn files_are_inspected_and_plans_are_shown() {
    let sample = Maker::sample().with(|m| m.tensors[1].0 = "unheard_of".into());
    let sample = file("sample.gguf", &sample.bytes()).display().to_string();
    insta::assert_snapshot!("inspect_gguf", seen(&["inspect", &sample, "--metadata"]));
    insta::assert_snapshot!("inspect_json", seen(&["inspect", &sample, "--metadata", "--json"]));
    insta::assert_snapshot!("inspect_safetensors", seen(&["inspect", &layer()]));
    let rules = ["--rule", "query=q8_0", "--rule", "value=keep", "--keep", "mlp", "--dry-run"];
    insta::assert_snapshot!("dry_run", seen(&[&["weigh", &layer(), "--as", "int4:asym"][..], &rules].concat()));
    insta::assert_snapshot!("weigh_gguf", seen(&["weigh", &sample, "--as", "q4_1", "--adapter", "cpu"]));
    let plan = run(&["weigh", &sample, "--as", "q4_0,bf16", "--dry-run", "--json"]);
    let plan: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    assert_eq!((&plan["schema"], &plan["plans"][1]["tensors"][0]["bytes"]), (&1.into(), &128.into()));
}

#[test]
fn the_page_is_whole_and_harmless() {
    let header = r#"{"<script>alert(1)</script>":{"dtype":"F32","shape":[2,32],"data_offsets":[0,256]},
        "b.weight":{"dtype":"F32","shape":[1,32],"data_offsets":[256,384]}}"#;
    let model = file("script.safetensors", &safetensors(header, &[1; 384])).display().to_string();
    let page = file("page.html", &[]).display().to_string();
    let done = run(&["weigh", &model, "--as", "bf16,q4_0,int8", "--adapter", "cpu", "--json", "--html", &page]);
    assert_eq!(done.status.code(), Some(0));
    assert!(serde_json::from_slice::<serde_json::Value>(&done.stdout).is_ok(), "--json goes with it");
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(!text.contains("<script") && text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("url("), "nothing is fetched");
    for name in ["bf16", "q4_0", "int8", "b.weight"] {
        assert!(text.contains(name), "{name}");
    }
    // Every element that is opened is closed, in order.
    let mut open = Vec::new();
    for tag in text.split('<').skip(1).filter(|t| !t.starts_with('!')) {
        let inside = tag.split('>').next().unwrap();
        let name = inside.trim_start_matches('/').split([' ', '/']).next().unwrap();
        if inside.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "</{name}>");
        } else if !inside.ends_with('/') && name != "meta" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    let unwritable = run(&["weigh", &model, "--adapter", "cpu", "--html", "no-such-folder/page.html"]);
    assert_eq!(unwritable.status.code(), Some(2));
    assert!(String::from_utf8(unwritable.stderr).unwrap().contains("no-such-folder/page.html"));
}

#[test]
fn manuals_come_from_the_arguments() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = String::from_utf8(run(&["completions", shell]).stdout).unwrap();
        assert!(script.contains("weighbridge") && script.contains("inspect"), "{shell}");
    }
    let bash = file("completion.bash", &run(&["completions", "bash"]).stdout);
    if let Ok(checked) = Command::new("bash").arg("-n").arg(&bash).status() {
        assert!(checked.success());
    }
    let page = String::from_utf8(run(&["man"]).stdout).unwrap();
    assert!(page.contains(".TH weighbridge 1"), "{page}");
    for word in ["devices", "inspect", "weigh", "adapter"] {
        assert!(page.contains(word), "{word}");
    }
    assert!(String::from_utf8(run(&["man", "weigh"]).stdout).unwrap().contains("rule"));
    assert_eq!(run(&["man", "fly"]).status.code(), Some(2));
}

#[test]
fn errors_say_what_and_what_to_do() {
    let spoiled = safetensors(
        r#"{"a.weight":{"dtype":"F32","shape":[1,4],"data_offsets":[0,16]}}"#,
        &[1.0, f32::NAN, 2.0, f32::INFINITY].map(f32::to_le_bytes).concat(),
    );
    let spoiled = file("spoiled.safetensors", &spoiled).display().to_string();
    let empty = file("empty.safetensors", &safetensors("{}", &[])).display().to_string();
    let cut = file("short.safetensors", &[9, 0, 0]).display().to_string();
    let odd = safetensors(r#"{"a.weight":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}"#, &[0; 12]);
    let odd = file("odd.safetensors", &odd).display().to_string();
    let layer = layer();
    let cases: &[(&str, &[&str])] = &[
        ("unknown_format", &["weigh", "x.safetensors", "--as", "int5"]),
        ("unknown_class", &["weigh", "x.safetensors", "--keep", "legs"]),
        ("no_file", &["weigh", "no-such-file.safetensors", "--adapter", "cpu"]),
        ("not_a_model", &["weigh", "model.onnx", "--adapter", "cpu"]),
        ("damaged", &["weigh", &cut, "--adapter", "cpu"]),
        ("no_tensors", &["weigh", &empty, "--adapter", "cpu"]),
        ("non_finite", &["weigh", &spoiled, "--as", "int8", "--adapter", "cpu"]),
        ("non_finite_kept", &["weigh", &spoiled, "--as", "int8", "--non-finite", "keep", "--adapter", "cpu"]),
        ("tail", &["weigh", &odd, "--as", "q8_0", "--tail", "error", "--adapter", "cpu"]),
        ("rule", &["weigh", &layer, "--rule", "query"]),
        ("rule_fits_none", &["weigh", &layer, "--rule", "elephant=q8_0"]),
        ("unknown_option", &["weigh", "x.safetensors", "--precision", "int8"]),
    ];
    for (name, arguments) in cases {
        let seen = seen(arguments);
        assert!(seen.starts_with("status 2"), "{name}: {seen}");
        insta::assert_snapshot!(*name, seen);
    }
}

#[test]
fn a_named_device_that_is_not_there_is_an_error_and_none_named_falls_to_the_twins_aloud() {
    let named = run(&["--adapter", "no-such-gpu"]);
    assert_eq!(named.status.code(), Some(2));
    let stderr = String::from_utf8(named.stderr).unwrap();
    assert!(stderr.starts_with("error: no GPU found") && stderr.contains("\n\nhint: "), "{stderr}");
    if cfg!(target_os = "linux") {
        let fallen = run(&[]);
        assert_eq!(fallen.status.code(), Some(0));
        let stderr = String::from_utf8(fallen.stderr).unwrap();
        assert!(stderr.contains("no GPU found") && stderr.contains("the CPU twins do the work"), "{stderr}");
        assert!(String::from_utf8(fallen.stdout).unwrap().starts_with("device: none; the CPU twins did the work"));
    }
}

#[test]
fn json_is_one_document_also_of_an_error() {
    let output = run(&["weigh", &layer(), "--as", "bf16,int4", "--adapter", "cpu", "--json"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&document["schema"], &document["parameters"]), (&1.into(), &1_774_464.into()));
    for precision in document["precisions"].as_array().unwrap() {
        let lines: i64 = precision["lines"].as_array().unwrap().iter().map(|l| l["bytes"].as_i64().unwrap()).sum();
        let estimated = precision["estimated_bytes"].as_i64().unwrap();
        assert_eq!(estimated + lines, precision["requested_bytes"].as_i64().unwrap());
        assert!(precision["allocated_bytes"].is_null() && precision["unmeasured"].is_string());
    }
    let output = run(&["weigh", "no-such-file.safetensors", "--adapter", "cpu", "--json"]);
    assert_eq!(output.status.code(), Some(2));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["schema"], 1);
    assert!(document["error"].as_str().unwrap().contains("no-such-file"));
}

#[test]
fn plans_need_no_device_where_the_memory_is_given() {
    insta::assert_snapshot!(
        "plan",
        seen(&["plan", "llama-3-8b", "--gpu-memory", "24GB", "--context", "8192", "--as", "bf16,int4"])
    );
    let training = ["plan", "tinyllama-1.1b", "--gpu-memory", "24GB", "--train", "adamw-8bit", "--context", "2048"];
    insta::assert_snapshot!("plan_training", seen(&training));
    insta::assert_snapshot!("plan_unknown", seen(&["plan", "llama-9", "--gpu-memory", "24GB"]));
    insta::assert_snapshot!("plan_optimizer", seen(&["plan", "llama-3-8b", "--gpu-memory", "24GB", "--train", "lion"]));
    insta::assert_snapshot!("plan_no_device", seen(&["plan", "llama-3-8b"]));
    insta::assert_snapshot!("plan_no_layers", seen(&["plan", &layer(), "--gpu-memory", "24GB"]));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("malformed");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), "{\"model_type\": \"llama\", \"hidden_size\": \"wide\"}").unwrap();
    insta::assert_snapshot!("plan_malformed", seen(&["plan", folder.to_str().unwrap(), "--gpu-memory", "24GB"]));
}

#[test]
fn what_is_measured_needs_a_device() {
    insta::assert_snapshot!("prove_no_device", seen(&["prove"]));
    insta::assert_snapshot!("prove_cpu", seen(&["prove", "--adapter", "cpu"]));
    insta::assert_snapshot!("help_prove", seen(&["prove", "--help"]));
    insta::assert_snapshot!("help_plan", seen(&["plan", "--help"]));
}
