//! Formulas against numbers that others published, and the seven ways in which estimates of other tools go wrong.

use weighbridge::block::{Attention, BlockShape, Recompute};
use weighbridge::footprint::Class;
use weighbridge::footprint::estimate::{
    Job, Question, Storing, article_activations, block_of, c_of_block, fewest_gpus, heuristic_gpus, korthikanti, korthikanti_c,
    kv_cache, logits, peers, saved_bytes, shard, staging, weights,
};
use weighbridge::footprint::shape::{Shape, from_config, open};
use weighbridge::format::Format;
use weighbridge::train::Optimizer;

fn shape(name: &str) -> Shape {
    open(name).unwrap()
}

fn format(name: &str) -> Format {
    name.parse().unwrap()
}

fn bf16() -> Format {
    format("bf16")
}

#[test]
fn a_model_at_four_bits_is_more_than_half_a_byte() {
    let llama = shape("llama-3-8b");
    let of = |name: &str| {
        let weights = weights(&llama, &Storing::all(format(name)).keeping(&[Class::Embedding, Class::Head]));
        (weights.total.nominal, weights.total.total())
    };
    // Embedding and head in BF16, groups of 128 with F16 scales: 5.70 GB, 42 % more than the half byte says.
    let (nominal, total) = of("int4:f16");
    assert_eq!(nominal, 8_030_261_248 / 2);
    let matrices = 32 * (4096 * 4096 * 2 + 2 * 1024 * 4096 + 3 * 4096 * 14_336_u64);
    assert_eq!(total, matrices / 2 + matrices / 128 * 2 + 2 * (2 * 128_256 * 4096 + 65 * 4096));
    assert!((total as f64 / nominal as f64 - 1.42).abs() < 0.005, "{total}");
    let (nominal, total) = of("q4_0");
    assert!((total as f64 / nominal as f64 - 1.50).abs() < 0.01, "{total}");
    // All in BF16: exactly two bytes a parameter.
    assert_eq!(weights(&llama, &Storing::all(bf16())).total.total(), 2 * 8_030_261_248);
    assert_eq!(weights(&llama, &Storing::all(format("f32"))).total.total(), 4 * 8_030_261_248);
    let by_class = weights(&llama, &Storing::all(format("int8"))).classes;
    assert_eq!(by_class[&Class::Norm].kept, 65 * 4096 * 2);
    assert_eq!(by_class[&Class::Mlp].scales, 32 * (2 * 14_336 + 4096) * 4);
}

/// The article's row 5: which Int8 of a 13B model is smaller than a 7B model in BF16.
#[test]
fn thirteen_billion_at_eight_bits_beside_seven_at_sixteen() {
    let seven = weights(&shape("llama-2-7b"), &Storing::all(bf16())).total.total();
    assert_eq!(seven, 13_476_831_232);
    let thirteen = |name: &str| weights(&shape("llama-2-13b"), &Storing::all(format(name))).total.total();
    assert!(thirteen("int8") < seven && thirteen("int8:g128:f16") < seven);
    assert!((thirteen("q8_0") as f64 / 13.829e9 - 1.0).abs() < 1e-3 && thirteen("q8_0") > seven);
}

#[test]
fn caches_of_keys_and_values() {
    let per_token = [
        ("gpt2", 36_864),
        ("gpt3-175b", 4_718_592),
        ("grok-1", 262_144),
        ("llama-2-7b", 524_288),
        ("llama-2-13b", 819_200),
        ("llama-3-8b", 131_072),
        ("llama-3-70b", 327_680),
        ("llama-3.1-405b", 516_096),
        ("qwen3-30b-a3b", 98_304),
        ("deepseek-v3", 70_272),
        ("phi-3-mini-4k", 393_216),
    ];
    for (name, bytes) in per_token {
        assert_eq!(kv_cache(&shape(name), 1, 1, &bf16()), bytes, "{name}");
    }
    let llama = shape("llama-3-8b");
    assert_eq!(kv_cache(&llama, 4, 8192, &bf16()), 4 * (1 << 30));
    // Quantized: a scale of 4 bytes for each 2,048 values of a token of a layer, or of 2 for each 32.
    assert_eq!(kv_cache(&llama, 1, 100, &format("int8")), 100 * 32 * (2048 + 4));
    assert_eq!(kv_cache(&llama, 1, 100, &format("q8_0")), 100 * 32 * 2048 / 32 * 34);
    assert_eq!(kv_cache(&shape("bert-base-uncased"), 1, 100, &bf16()), 0, "an encoder caches nothing");
}

#[test]
fn activations_as_published_and_as_derived() {
    // Korthikanti et al.: s b h (34 + 5 a s / h) for two bytes a value; GPT-3: C = 57.
    let (s, h, a) = (2048, 12_288, 96);
    assert_eq!(korthikanti(1, s, h, a, 2), s * (34 * h + 5 * a * s));
    assert_eq!(korthikanti_c(s, h, a, 2), 57.0);
    let c = |name: &str, tokens, attention| c_of_block(&block_of(&shape(name))[0], tokens, 2, attention, Recompute::None);
    let linear = |name: &str| c_of_block(&block_of(&shape(name))[0], 1, 2, Attention::Naive, Recompute::Selective);
    assert_eq!(linear("llama-2-7b"), 16.0625);
    assert_eq!(linear("llama-2-13b"), 16.1);
    assert_eq!(linear("llama-2-70b"), 16.75);
    assert_eq!(linear("llama-3-8b"), 17.0);
    assert_eq!(c("llama-2-7b", 4096, Attention::Naive), 48.0625);
    assert_eq!(c("llama-2-7b", 4096, Attention::Flash), 16.0625 + 4.0 * 32.0 / (2.0 * 4096.0));
    // The formula and the list of tensors that it is derived from are the same bytes.
    for attention in [Attention::Naive, Attention::Flash] {
        for recompute in [Recompute::None, Recompute::Selective, Recompute::Full] {
            for (name, tokens) in [("llama-2-7b", 512), ("llama-3-8b", 96), ("qwen3-0.6b", 64), ("gpt2", 32)] {
                let model = shape(name);
                let block = block_of(&model)[0];
                let c = c_of_block(&block, tokens, 2, attention, recompute);
                let article = article_activations(model.layers.len() as u64, 3, tokens, model.hidden, 2, c);
                assert_eq!(
                    saved_bytes(&model, 3, tokens, 2, attention, recompute) as f64,
                    article,
                    "{name} {attention:?} {recompute:?}"
                );
            }
        }
    }
    assert!(BlockShape { hidden: 8, heads: 3, kv_heads: 2, head_dim: 4, ff: 8, gated: true }.check().is_err());
}

#[test]
fn how_many_gpus() {
    // The article's sum: 7 x 18 x 1.25 / 24 = 6.56; a Llama-3 of 7B does not exist, that of 8.03B takes 7.53.
    assert_eq!(heuristic_gpus(7_000_000_000, 18.0, 1.25, 24_000_000_000), 6.5625);
    let llama = shape("llama-3-8b");
    assert!((heuristic_gpus(llama.parameters(), 18.0, 1.25, 24_000_000_000) - 7.528).abs() < 1e-3);
    let card = 24_564 << 20;
    assert!((heuristic_gpus(llama.parameters(), 18.0, 1.25, card) - 7.015).abs() < 1e-3);
    let job = Job {
        optimizer: Optimizer::AdamwMixedF32Grad,
        batch: 1,
        tokens: 2048,
        attention: Attention::Flash,
        recompute: Recompute::None,
    };
    let fewest = fewest_gpus(&llama, &job, card).unwrap();
    assert!(shard(&llama, &job, fewest).total() <= card && shard(&llama, &job, fewest - 1).total() > card, "{fewest}");
    // Without sharding, states alone: 18 bytes a parameter.
    assert_eq!(shard(&llama, &job, 1).states, 18 * llama.parameters());
    assert_eq!(shard(&llama, &job, 1).gathered, 0);
    assert_eq!(shard(&llama, &job, 2).activations, shard(&llama, &job, 64).activations, "each GPU's own");
    assert_eq!(fewest_gpus(&llama, &job, 1 << 30), None, "what is not sharded is too much already");
}

#[test]
fn small_things() {
    assert_eq!(logits(4096, 32_000, 4), 524_288_000, "0.49 GiB for 7B at 4,096 tokens");
    assert_eq!((staging(0, 1 << 28), staging(1, 1 << 28), staging(40 << 20, 1 << 30)), (0, 64 << 10, 32 << 20));
}

/// The seven kinds of errors that users of estimators report, each by a model that shows it.
#[test]
fn the_seven_errors_of_other_tools_are_not_made_here() {
    // 1. Heads whose width is not hidden / heads.
    let qwen = shape("qwen3-0.6b");
    assert_ne!(qwen.layers[0].head_dim, qwen.hidden / qwen.layers[0].heads);
    assert_eq!(kv_cache(&qwen, 1, 1, &bf16()), 2 * 28 * 8 * 128 * 2);
    // 2. Layers that look back on a window only.
    let gemma = shape("gemma-2-2b");
    let (short, long) = (kv_cache(&gemma, 1, 4096, &bf16()), kv_cache(&gemma, 1, 32_768, &bf16()));
    assert_eq!(short, 4096 * 106_496);
    assert_eq!(long, short + (32_768 - 4096) * 106_496 / 2, "half of the layers grow");
    // 3. The latent cache of MLA, 71 times smaller than the keys and values that it stands for.
    let deepseek = shape("deepseek-v3");
    assert_eq!(kv_cache(&deepseek, 1, 1, &bf16()), 61 * (512 + 64) * 2);
    // 4. Layers that differ: every other one of Gemma 2 has a window, of Gemma 3 five in six.
    let gemma3 = shape("gemma-3-1b");
    let windows = gemma3.layers.iter().filter(|l| l.window.is_some()).count();
    assert_eq!((windows, gemma3.layers.len()), (22, 26));
    // 5. What is not quantized, and scales.
    let kept = weights(&gemma, &Storing::all(format("int4:f16")).keeping(&[Class::Embedding])).total;
    assert!(kept.kept > kept.codes && kept.scales > 0, "{kept:?}");
    // 6. Logits and their buffers: 128,256 values a row.
    assert_eq!(logits(32, shape("llama-3-8b").vocab, 4), 32 * 128_256 * 4);
    // 7. The allocator's blocks are in tests/gpu/witness.rs, beside the allocator.

    // And two more: heads counted once where they are tied, and not where they are not; and defaults of a config's class.
    let tied = r#"{"model_type": "gemma2", "hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": 32, "intermediate_size": 128, "vocab_size": 100}"#;
    assert!(from_config("tied", tied).unwrap().tensors.iter().all(|t| t.class != Class::Head));
}

#[test]
fn peers_answer_as_their_sources_do() {
    let deepseek = shape("deepseek-v3");
    let llama = shape("llama-3-8b");
    let ask = |shape, bits, tokens, training, gpus| {
        peers(&Question { shape, bits, batch: 1, tokens, training, gpus })
            .into_iter()
            .map(|peer| (peer.name, peer.bytes))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let inference = ask(&llama, 4, 8192, None, 1);
    assert_eq!(inference["article"], 8_030_261_248 / 2);
    assert_eq!(inference["accelerate"], (8_030_261_248 - 128_256 * 4096) / 2, "without the head");
    assert_eq!(inference["x 1.2"], (8_030_261_248.0_f64 / 2.0 * 1.2) as u64);
    assert!(inference.contains_key("llmfit") && !inference.contains_key("deepspeed"));
    let training = ask(&llama, 16, 2048, Some(Optimizer::AdamwMixed), 8);
    assert_eq!(training["article"], (8_030_261_248.0_f64 * 18.0 * 1.25 / 8.0) as u64);
    assert_eq!(training["deepspeed"], 4 * 128_256 * 4096 + 8_030_261_248 * 18 / 8);
    // The cookbook's cache lacks the factor of two and has no groups: of DeepSeek-V3 it is 12 times what is cached.
    let cache = |tokens| ask(&deepseek, 16, tokens, None, 1)["cookbook"] as f64;
    // A token more costs 34 h of activations, 2 h of a position's parameters, and its cache.
    let per_token = cache(2001) - cache(2000) - (34.0 + 2.0) * 7168.0;
    assert!((per_token - 2.0 * 7168.0 * 61.0).abs() < 4096.0, "{per_token}");
    // llmfit: 1.05 bytes at 8 bits, and half a gigabyte; a token of cache counts 2^30 bytes for 10^9.
    let eight = ask(&llama, 8, 8192, None, 1)["llmfit"] as f64;
    assert!((eight - (8.030_261_248e9 * 1.05 + 1e9 + 0.5e9)).abs() < 2.0, "{eight}");
}
