//! Tokens, status, kept count, details and survivors equal the twin's, for every chain, by every path.

use weighbridge::format::Element;
use weighbridge::sample::{Preset, Routes, SamplingParams};

use super::{Case, Way, cases, logits};
use crate::data::{Words, gpu, open, options};

#[test]
fn every_chain_by_every_path() {
    let mut words = Words(4);
    for vocab in [1000, 7, 1, 32000, 49153] {
        for routes in [Routes::Fastest, Routes::Whole] {
            Way { routes, ..Way::default() }.compare(&format!("{vocab}"), gpu(), &cases(&mut words, vocab));
        }
    }
}

#[test]
fn large_vocabularies() {
    let mut words = Words(5);
    let u = SamplingParams::unfiltered;
    for vocab in [128_256, 262_144] {
        let params =
            [SamplingParams::default(), u(), u().top_p(0.9), u().temperature(5.0).top_p(0.7), u().top_k(256), u().top_k(5000)];
        let rows = params.into_iter().map(|p| Case::new(logits(&mut words, vocab), p.seed(words.next())));
        Way::default().compare(&format!("{vocab}"), gpu(), &rows.collect::<Vec<_>>());
    }
}

#[test]
fn without_subgroups() {
    let mut options = options();
    options.plain = true;
    let plain = open(options);
    assert!(!plain.has_subgroups());
    Way::default().compare("plain", &plain, &cases(&mut Words(6), 3000));
}

#[test]
fn details_and_survivors() {
    let mut words = Words(7);
    for (vocab, top) in [(2000, 5), (7, 20), (32000, 0), (5000, 256)] {
        let way = Way { top: Some(top), kept: true, ..Way::default() };
        way.compare("details", gpu(), &cases(&mut words, vocab));
    }
}

#[test]
fn every_element_from_every_place() {
    let mut words = Words(8);
    for element in [Element::F32, Element::F16, Element::Bf16] {
        for (lead, gap) in [(0, 0), (1, 0), (6, 5), (3, 1)] {
            // BF16 and F16 round many logits to the same number: ties decide.
            let way = Way { element, lead, gap, top: Some(3), kept: true, ..Way::default() };
            way.compare("placed", gpu(), &cases(&mut words, 1501));
        }
    }
}

#[test]
fn under_small_limits() {
    // A window holds a few rows, and some end within a quad of the buffer's end.
    let mut options = options();
    options.max_binding_bytes = Some(64 << 10);
    let gpu = open(options);
    let mut words = Words(9);
    for vocab in [3001, 4096, 15_999] {
        let mut cases = cases(&mut words, vocab);
        cases.truncate(if vocab > 10_000 { 7 } else { 26 });
        Way::default().compare("limits", &gpu, &cases);
    }
}

#[test]
fn boundaries_that_are_hit_exactly() {
    let u = SamplingParams::unfiltered;
    for len in [4, 8, 256, 1024, 16_384] {
        let params =
            [0.125, 0.25, 0.5, 0.75].map(|p| [u().top_p(p), u().top_p(p).preset(Preset::TensorRtLlm), u().top_p(p).top_k(200)]);
        let cases: Vec<Case> = params.into_iter().flatten().map(|p| Case::new(vec![-2.5; len], p)).collect();
        let drawn = Way::default().compare("exact", gpu(), &cases);
        let want = [len / 8, len / 4, len / 2, len * 3 / 4].map(|n| n.max(1) as u32);
        assert_eq!(drawn.iter().step_by(3).map(|d| d.kept).collect::<Vec<_>>(), want, "{len}");
        Way::whole().compare("exact", gpu(), &cases);
    }
}
