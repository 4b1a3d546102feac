//! Parameter counts against those of transformers itself (`scripts/shapes_golden.py`), and against published numbers.

use std::collections::BTreeMap;

use serde::Deserialize;
use weighbridge::footprint::Class;
use weighbridge::footprint::shape::{builtin_names, from_config, from_model, open};
use weighbridge::io::Model;

use crate::gguf_maker::{Maker, text, value};

#[derive(Deserialize)]
struct Case {
    name: String,
    config: serde_json::Value,
    total: u64,
    by_class: BTreeMap<String, u64>,
    layers: usize,
    per_layer: Vec<PerLayer>,
    kv: Cache,
    active: Option<u64>,
}

#[derive(Deserialize)]
struct PerLayer {
    layers: usize,
    parameters: u64,
}

#[derive(Deserialize)]
struct Cache {
    per_token_elements: u64,
    windows: Vec<Option<u64>>,
}

fn cases() -> Vec<Case> {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../golden/shapes.json")).unwrap();
    serde_json::from_value(golden["cases"].clone()).unwrap()
}

fn compare(case: &Case) -> Result<(), String> {
    let shape = from_config(&case.name, &case.config.to_string()).map_err(|e| e.to_string())?;
    let same =
        |what: &str, got: String, want: String| if got == want { Ok(()) } else { Err(format!("{what}: {got}, want {want}")) };
    same("total", shape.parameters().to_string(), case.total.to_string())?;
    let by_class: BTreeMap<String, u64> =
        shape.by_class().0.into_iter().map(|(class, n)| (class.name().to_owned(), n)).collect();
    same("classes", format!("{by_class:?}"), format!("{:?}", case.by_class))?;
    same("layers", shape.layers.len().to_string(), case.layers.to_string())?;
    let mut kinds: BTreeMap<u64, usize> = BTreeMap::new();
    shape.by_layer().into_iter().for_each(|n| *kinds.entry(n).or_default() += 1);
    let mut want: BTreeMap<u64, usize> = BTreeMap::new();
    case.per_layer.iter().for_each(|l| *want.entry(l.parameters).or_default() += l.layers);
    same("kinds of layers", format!("{kinds:?}"), format!("{want:?}"))?;
    same("cached", shape.cached_per_token().to_string(), case.kv.per_token_elements.to_string())?;
    // Where a file of a model without windows holds a foreign `sliding_window`, transformers' cache slides and its attention does not.
    let foreign = ["gpt2", "llama", "phi", "deepseek_v3", "bert"].contains(&shape.model_type.as_str());
    if !foreign && !case.kv.windows.is_empty() {
        let windows: Vec<Option<u64>> = shape.layers.iter().map(|l| l.window).collect();
        same("windows", format!("{windows:?}"), format!("{:?}", case.kv.windows))?;
    }
    case.active.map_or(Ok(()), |active| same("active", shape.active_parameters().to_string(), active.to_string()))
}

#[test]
fn every_config_counts_as_transformers_builds_it() {
    let cases = cases();
    assert!(cases.len() > 150, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| compare(case).err().map(|e| format!("{}: {e}\n    {}", case.name, case.config)))
        .collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Absent keys take the defaults of transformers' config classes: the number of positions too, which no parameter tells of most families.
#[test]
fn positions_are_the_default_where_a_config_has_none() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../golden/shapes.json")).unwrap();
    let defaults = golden["defaults"].as_object().unwrap();
    for (model_type, keys) in defaults {
        let known = ["max_position_embeddings", "n_positions"].iter().find_map(|key| keys[*key].as_u64());
        let positions =
            |more: &str| from_config("x", &format!("{{\"model_type\": \"{model_type}\"{more}}}")).unwrap().positions;
        if known.is_some() {
            assert_eq!(positions(""), known, "{model_type}");
            let key = if model_type == "gpt2" { "n_positions" } else { "max_position_embeddings" };
            assert_eq!(positions(&format!(", \"{key}\": 77")), Some(77), "{model_type}");
        }
    }
    assert!(defaults.len() >= 14);
}

#[test]
fn published_numbers() {
    // Parameters, and bytes of a BF16 cache a token, of the models that the article and the field name.
    let want = [
        ("gpt-3", 174_604_259_328, 4_718_592),
        ("grok-1", 315_684_820_992, 262_144),
        ("llama-2-7b", 6_738_415_616, 524_288),
        ("llama-2-70b", 68_976_648_192, 327_680),
        ("Llama-3-8B", 8_030_261_248, 131_072),
        ("llama-3.1-405b", 405_853_388_800, 516_096),
        ("mixtral-8x7b", 46_702_792_704, 131_072),
        ("qwen2.5-7b", 7_615_616_512, 57_344),
        ("qwen3-235b-a22b", 235_093_634_560, 192_512),
        ("deepseek-v3", 671_026_419_200, 70_272),
        ("gemma-2-2b", 2_614_341_888, 106_496),
        ("phi-3-mini-4k", 3_821_079_552, 393_216),
        ("smollm2-135m", 134_515_008, 23_040),
    ];
    for (name, parameters, cache) in want {
        let shape = open(name).unwrap();
        assert_eq!(shape.parameters(), parameters, "{name}");
        assert_eq!(2 * shape.cached_per_token(), cache, "{name}");
    }
    let grok = open("grok-1").unwrap();
    assert_eq!(grok.by_layer().iter().sum::<u64>(), 314_879_508_480, "its blocks alone");
    let deepseek = open("deepseek-v3").unwrap();
    assert_eq!(deepseek.active_parameters(), 37_552_297_472);
    // The README counts the files at 685 billion, with 14 billion for the further token.
    assert_eq!((deepseek.further / 1_000_000_000, (deepseek.parameters() + deepseek.further) / 1_000_000_000), (13, 684));
    for name in builtin_names() {
        assert!(open(name).unwrap().parameters() > 10_000_000, "{name}");
    }
}

#[test]
fn the_seven_errors_of_the_field() {
    // Each by a model that shows it (field study, section 1.2); 5 to 7 are of estimates and the ledger.
    let shape = |name: &str| open(name).unwrap();
    let qwen3 = shape("qwen3-0.6b");
    assert_eq!(
        (qwen3.layers[0].head_dim, qwen3.hidden / qwen3.layers[0].heads),
        (128, 64),
        "1: a head is no share of the hidden state"
    );
    let gemma = shape("gemma-3-1b");
    assert_eq!(gemma.layers.iter().filter(|l| l.window.is_none()).count(), 4, "2: windows in all but every sixth layer");
    assert!(gemma.cached(131_072) * 5 < gemma.cached_per_token() * 131_072, "2: and they bound the cache");
    let deepseek = shape("deepseek-v3");
    assert_eq!(deepseek.cached_per_token(), 61 * (512 + 64), "3: a latent, and not 128 heads");
    assert_eq!(deepseek.layers[0].heads * deepseek.layers[0].head_dim * 61, 128 * 192 * 61);
    let tied = shape("llama-3.2-1b");
    assert!(!tied.by_class().0.contains_key(&Class::Head), "tied: the head is no second matrix");
}

#[test]
fn layers_are_repeated_exactly() {
    // What scaling by proof rests on: each further layer adds the same.
    for name in ["llama-3-8b", "gpt3-175b", "grok-1", "qwen2.5-72b"] {
        let shape = open(name).unwrap();
        let of = |layers: usize| shape.with_layers(layers).parameters();
        let slope = of(2) - of(1);
        assert_eq!(of(4) - of(2), 2 * slope, "{name}");
        assert_eq!(of(1) + slope * (shape.layers.len() as u64 - 1), shape.parameters(), "{name}");
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let message = |text: &str| from_config("config.json", text).unwrap_err().to_string();
    assert!(message("{").contains("EOF"), "{}", message("{"));
    assert!(message("[]").contains("JSON object"));
    assert!(message("{}").contains("a \"model_type\", one of llama"));
    let unknown = message(r#"{"model_type": "mamba"}"#);
    assert!(unknown.contains("unknown model_type \"mamba\"") && unknown.contains("deepseek_v3"), "{unknown}");
    let wrong = message(r#"{"model_type": "llama", "hidden_size": "big"}"#);
    assert!(wrong.contains("\"hidden_size\"") && wrong.contains("whole number"), "{wrong}");
    assert!(message(r#"{"model_type": "llama", "hidden_size": -4}"#).contains("-4"));
    assert!(message(r#"{"model_type": "llama", "hidden_size": 99999999999}"#).contains("99999999999"));
    assert!(message(r#"{"model_type": "llama", "num_attention_heads": 0}"#).contains("above 0"));
    assert!(message(r#"{"model_type": "llama", "hidden_size": 100, "num_attention_heads": 3}"#).contains("multiple"));
    assert!(message(r#"{"model_type": "qwen2", "layer_types": ["full_attention"]}"#).contains("32 layers"));
    assert!(message(r#"{"model_type": "llama", "mlp_bias": 1}"#).contains("true or false"));
    let none = open("llama-9-1b").unwrap_err().to_string();
    assert!(none.contains("unknown model \"llama-9-1b\"") && none.contains("llama-3-8b"), "{none}");
    assert!(open("no/such/model.gguf").unwrap_err().to_string().contains("no/such/model.gguf"));
}

#[test]
fn a_gguf_tells_its_layers() {
    let number = |n: u32| value(4, &n.to_le_bytes());
    let list = |numbers: &[u32]| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        value(9, &[&4_u32.to_le_bytes()[..], &(numbers.len() as u64).to_le_bytes(), &bytes].concat())
    };
    let of = |architecture: &str, keys: &[(&str, Vec<u8>)]| {
        let maker = Maker::sample().with(|m| {
            m.metadata = vec![("general.architecture".into(), value(8, &text(architecture)))];
            m.metadata.extend(keys.iter().map(|(key, value)| (format!("{architecture}.{key}"), value.clone())));
        });
        from_model(&Model::parse("x.gguf", maker.bytes()).unwrap())
    };
    // Key and value heads that differ from layer to layer: 2, 0 and 4 of 64 values.
    let heads = [("block_count", number(3)), ("embedding_length", number(512)), ("attention.head_count", number(8))];
    let shape = of("deci", &[&heads[..], &[("attention.head_count_kv", list(&[2, 0, 4]))]].concat()).unwrap();
    assert_eq!(shape.layers.iter().map(|l| l.cached).collect::<Vec<_>>(), [256, 0, 512]);
    assert_eq!(shape.parameters(), 2 * 32 + 3 * 32, "the tensors are the file's own");
    // Windows by the family's pattern, a latent cache, and an encoder that has none.
    let windowed = [&heads[..], &[("attention.sliding_window", number(1024)), ("attention.key_length", number(256))]].concat();
    let shape = of("gemma2", &windowed).unwrap();
    assert_eq!(shape.layers.iter().map(|l| l.window).collect::<Vec<_>>(), [Some(1024), None, Some(1024)]);
    assert_eq!(shape.layers[0].cached, 8 * 512);
    let latent = [&heads[..], &[("attention.kv_lora_rank", number(512)), ("rope.dimension_count", number(64))]].concat();
    assert_eq!(of("deepseek2", &latent).unwrap().cached_per_token(), 3 * 576);
    assert_eq!(of("bert", &heads).unwrap().cached_per_token(), 0);
    let message = |keys: &[(&str, Vec<u8>)]| of("llama", keys).unwrap_err().to_string();
    assert!(message(&heads[1..]).contains("llama.block_count"));
    assert!(message(&[&heads[..], &[("attention.head_count_kv", list(&[2]))]].concat()).contains("1 numbers for 3 layers"));
    assert!(message(&[&heads[..2], &[("attention.head_count", value(8, &text("many")))]].concat()).contains("whole number"));
}

/// Those of transformers' own modules (`model.named_parameters()` of transformers 5.23); the decode step of `plan --prove` finds weights by them.
#[test]
fn tensors_are_called_what_files_call_them() {
    let names = |model: &str, part: &str| -> Vec<String> {
        let shape = open(model).unwrap();
        shape.tensors.iter().filter(|t| t.name.contains(part)).map(|t| t.name.clone()).collect()
    };
    let mut llama = names("llama-2-7b", ".layers.31.");
    llama.sort_unstable();
    let layer = [
        "input_layernorm.weight",
        "mlp.down_proj.weight",
        "mlp.gate_proj.weight",
        "mlp.up_proj.weight",
        "post_attention_layernorm.weight",
        "self_attn.k_proj.weight",
        "self_attn.o_proj.weight",
        "self_attn.q_proj.weight",
        "self_attn.v_proj.weight",
    ];
    assert_eq!(llama, layer.map(|name| format!("model.layers.31.{name}")));
    assert_eq!(names("llama-2-7b", "model.norm"), ["model.norm.weight"]);
    assert_eq!(names("llama-2-7b", "lm_head"), ["lm_head.weight"]);
    assert_eq!(names("qwen3-0.6b", ".layers.0.self_attn.q_norm"), ["model.layers.0.self_attn.q_norm.weight"]);
    let gemma = names("gemma-2-2b", ".layers.0.p");
    assert_eq!(gemma.len(), 3, "{gemma:?}");
    assert!(gemma.contains(&"model.layers.0.pre_feedforward_layernorm.weight".to_owned()));
}
