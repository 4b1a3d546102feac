//! Mask, bias and penalties, over histories that the sampler keeps.

use weighbridge::format::Element;
use weighbridge::gpu::Gpu;
use weighbridge::sample::{Logits, Sampler, SamplerLayout, SamplingParams, Scope};

use super::{Case, Way, cases, chains, decide, logits, penalize, upload};
use crate::data::{Words, bytes_of, gpu};

fn u() -> SamplingParams {
    SamplingParams::unfiltered()
}

/// Cases whose histories, biases and masks have something to say.
fn touched(words: &mut Words, vocab: usize) -> Vec<Case> {
    let id = |words: &mut Words| (words.next() % vocab as u64) as u32;
    let mut cases = cases(words, vocab);
    for (i, case) in cases.iter_mut().enumerate() {
        case.prompt = (0..i * 3).map(|_| id(words)).collect();
        case.output =
            (0..i * 5 % 40).map(|_| if words.next().is_multiple_of(2) { id(words) } else { (i % vocab) as u32 }).collect();
        let mut p = case.params.clone();
        if i % 2 == 0 {
            p.repetition = 1.0 + i as f32 / 10.0;
        }
        if i % 3 == 0 {
            p.frequency = 0.37;
            p.presence = -0.2 + i as f32 / 50.0;
        }
        if i % 5 == 0 {
            p.repetition_scope = Some([Scope::All, Scope::Output, Scope::Last(7)][i % 3]);
            p.presence_scope = Some([Scope::Last(3), Scope::All, Scope::Output][i % 3]);
        }
        if i % 4 == 1 {
            let mut ids: Vec<u32> = (0..9).map(|_| id(words)).collect();
            ids.sort_unstable();
            ids.dedup();
            p.bias = ids
                .into_iter()
                .enumerate()
                .map(|(j, id)| (id, if j == 2 { f32::NEG_INFINITY } else { j as f32 * 1.7 - 5.3 }))
                .collect();
        }
        if i % 6 == 2 {
            case.mask = Some((0..vocab.div_ceil(32)).map(|_| (words.next() | words.next()) as u32).collect());
        }
        case.params = p;
    }
    cases
}

#[test]
fn every_chain_by_every_path() {
    let mut words = Words(20);
    for (vocab, way) in [(2000, Way::default()), (5, Way::default()), (33, Way::whole()), (9001, Way::whole())] {
        Way { top: Some(2), kept: true, ..way }.compare("touched", gpu(), &touched(&mut words, vocab));
    }
}

#[test]
fn every_element_from_every_place() {
    let mut words = Words(21);
    for element in [Element::F16, Element::Bf16] {
        let way = Way { element, lead: 3, gap: 2, top: Some(2), kept: true, ..Way::default() };
        way.compare("touched", gpu(), &touched(&mut words, 1234));
    }
}

#[test]
fn arithmetic_is_that_of_ieee_floats() {
    // Values and penalties of all magnitudes, subnormal and overflowing ones too; the survivors carry the results' log-probabilities,
    // and greedy tokens their order.
    let mut words = Words(22);
    let mut cases = Vec::new();
    for _ in 0..24 {
        let scale = 2f32.powi((words.next() % 250) as i32 - 125);
        let row: Vec<f32> = (0..64).map(|_| words.weight() * 30.0 * scale).collect();
        let magnitude = (words.weight().abs() * 10.0 * scale).clamp(0.0, 1e6);
        let mut params =
            u().top_k(30).repetition(0.3 + words.weight().abs() * 20.0).frequency(magnitude).presence(-magnitude * 0.7);
        params.bias = (0..8).map(|i| (i * 5, words.weight() * 30.0 * scale)).collect();
        let output = (0..40).map(|_| (words.next() % 64) as u32).collect();
        cases.push(Case { output, ..Case::new(row, params) });
    }
    Way { top: Some(4), kept: true, ..Way::default() }.compare("arithmetic", gpu(), &cases);
}

/// Draws step by step on the device, and what the twin draws with the history that it keeps itself.
fn follow(gpu: &Gpu, params: &SamplingParams, layout: SamplerLayout, prompt: &[u32], steps: usize, words: &mut Words) {
    let vocab = layout.vocab as usize;
    let mut sampler = Sampler::new(gpu, layout).unwrap();
    sampler.set(0, params).unwrap();
    sampler.set_history(0, prompt, &[]).unwrap();
    let mut output = vec![];
    for step in 0..steps {
        let row = logits(words, vocab);
        let buffer = upload(gpu, &bytes_of(&row, Element::F32));
        let got = sampler.sample(&Logits::new(&buffer, Element::F32, 1, vocab as u64).unwrap()).unwrap();
        let row = penalize(&row, params, None, prompt, &output);
        let want = decide(&row, params).unwrap().drawn(step as u64);
        assert_eq!(got[0], want, "step {step} of {params}");
        output.push(want.tokens[0]);
    }
}

#[test]
fn the_sampler_remembers_what_it_drew() {
    let mut words = Words(23);
    let prompt = [3, 3, 9, 1, 3, 12];
    for (scope, history) in [(Scope::All, 26), (Scope::Output, 26), (Scope::Last(5), 5), (Scope::Last(5), 64)] {
        let mut layout = SamplerLayout::new(1, 16);
        layout.history = history;
        let mut params = u().repetition(1.4).frequency(0.6).presence(0.5).seed(words.next());
        params.repetition_scope = Some(scope);
        params.presence_scope = Some(scope);
        follow(gpu(), &params, layout, &prompt, 20, &mut words);
    }
}

#[test]
fn a_history_that_is_too_short_is_an_error_and_not_a_guess() {
    let mut layout = SamplerLayout::new(1, 50);
    layout.history = 4;
    let mut sampler = Sampler::new(gpu(), layout).unwrap();
    sampler.set(0, &u().repetition(1.1)).unwrap();
    sampler.set_history(0, &[1, 2, 3], &[]).unwrap();
    let buffer = upload(gpu(), &bytes_of(&[0.0; 50], Element::F32));
    let logits = Logits::new(&buffer, Element::F32, 1, 50).unwrap();
    sampler.sample(&logits).unwrap();
    sampler.sample(&logits).unwrap();
    let error = sampler.sample(&logits).unwrap_err().to_string();
    assert_eq!(error, "row 0: tokens remembered is 5, it must be within the history of the sampler's layout");
    let mut last = u().repetition(1.1);
    last.repetition_scope = Some(Scope::Last(5));
    assert!(sampler.set(0, &last).unwrap_err().to_string().contains("the last 5 tokens"));
}

#[test]
fn a_mask_of_one_word_leaves_the_rest_masked() {
    let case =
        |mask: Option<Vec<u32>>| Case { mask, ..Case::new((0..100).map(|i| i as f32).collect(), SamplingParams::greedy()) };
    let drawn = Way::default().compare("mask", gpu(), &[case(Some(vec![0b1010])), case(None), case(Some(vec![]))]);
    assert_eq!(drawn.iter().map(|d| d.tokens[0]).collect::<Vec<_>>(), [3, 99, u32::MAX]);
    assert_eq!(chains().len(), 26);
}
