//! Rows and parameters at the end of what there can be: no hang, no neighbour disturbed, the twin's answer.

use weighbridge::gpu::Gpu;
use weighbridge::sample::{SamplingParams, Status};

use super::{Case, Way, chains};
use crate::data::{Words, gpu};

const NAN: f32 = f32::NAN;
const INF: f32 = f32::INFINITY;

/// Rows of `len` that are all alike, nearly, or not numbers.
fn rows(len: usize) -> Vec<(&'static str, Vec<f32>)> {
    let with = |value: f32, at: &[usize], other: f32| {
        let mut row = vec![value; len];
        at.iter().for_each(|i| row[i % len] = other);
        row
    };
    vec![
        ("zeros", vec![0.0; len]),
        ("zeros of both signs", (0..len).map(|i| if i % 3 == 0 { -0.0 } else { 0.0 }).collect()),
        ("equal", vec![-3.25; len]),
        ("NaN", vec![NAN; len]),
        ("negative NaN", vec![-NAN; len]),
        ("a NaN", with(1.0, &[len / 2], NAN)),
        ("a negative NaN", with(1.0, &[0], -NAN)),
        ("one that is none", with(NAN, &[len - 1], 2.0)),
        ("an infinity", with(1.0, &[len / 3], INF)),
        ("infinities", with(1.0, &[0, 5, len - 1], INF)),
        ("all infinite", vec![INF; len]),
        ("infinite and NaN", with(NAN, &[1, len / 2], INF)),
        ("masked", vec![-INF; len]),
        ("one left", with(-INF, &[len - 2 % len.max(2)], -7.0)),
        ("largest", with(-f32::MAX, &[2, 3], f32::MAX)),
        ("subnormal", (0..len).map(|i| f32::from_bits(i as u32)).collect()),
        ("an ulp apart", (0..len).map(|i| f32::from_bits(1.0f32.to_bits() + (i * 7919 % len) as u32)).collect()),
        ("ties at every boundary", (0..len).map(|i| -((i * 31 % len / 40) as f32)).collect()),
        ("descending", (0..len).map(|i| 10.0 - i as f32 * 1e-3).collect()),
        ("ascending", (0..len).map(|i| i as f32 * 1e-2).collect()),
        ("huge and close", (0..len).map(|i| 1e30 + (i % 3) as f32 * 1e24).collect()),
    ]
}

fn compare(gpu: &Gpu, len: usize, way: &Way, params: &[SamplingParams]) {
    let mut words = Words(30);
    for params in params {
        let cases = |(_, row)| Case::new(row, params.clone().seed(words.next()));
        let cases: Vec<Case> = rows(len).into_iter().map(cases).collect();
        way.compare("degenerate", gpu, &cases);
    }
}

#[test]
fn every_chain_on_every_row() {
    for (len, way) in [(2500, Way::default()), (2500, Way::whole()), (1, Way::default()), (3, Way::default())] {
        compare(gpu(), len, &Way { top: Some(3), kept: true, ..way }, &chains());
    }
}

#[test]
fn long_rows() {
    let u = SamplingParams::unfiltered;
    let params = [SamplingParams::default(), u(), u().top_p(0.9), u().top_k(9000), u().min_p(0.5).top_k(300)];
    compare(gpu(), 40_000, &Way::default(), &params);
}

#[test]
fn parameters_at_their_ends() {
    let u = SamplingParams::unfiltered;
    let params = [
        u().temperature(1e-5),
        u().temperature(1e-4).top_p(0.999),
        u().temperature(f32::MAX).top_k(40),
        u().temperature(1e30),
        u().top_k(1),
        u().top_k(2499).top_p(0.5),
        u().top_k(2500),
        u().top_k(u32::MAX),
        u().top_p(0.0),
        u().top_p(f32::MIN_POSITIVE),
        u().top_p(0.99999994),
        u().min_p(1.0),
        u().min_p(f32::MIN_POSITIVE),
        u().typical_p(0.0),
        u().top_n_sigma(65535.0),
        u().top_n_sigma(1e-6),
        u().epsilon(1.0),
        u().eta(1.0),
        u().min_keep(u32::MAX).top_p(0.1),
        u().top_n(9),
        u().top_k(4).top_n(9),
        u().seed(u64::MAX).stream(u32::MAX),
    ];
    compare(gpu(), 2500, &Way { kept: true, ..Way::default() }, &params);
    let mut words = Words(31);
    let mut late = Case::new(super::logits(&mut words, 500), u());
    late.position = u64::MAX;
    Way::default().compare("late", gpu(), &[late]);
}

#[test]
fn what_is_too_small_to_count_is_nothing() {
    // The least logit lies further below than an integer of the depths can be moved.
    for (best, min_p) in [(1.108_998_8_f32, 0.329_889_1_f32), (0.226_183_44, 0.797_571_8)] {
        let params = SamplingParams::unfiltered().min_p(min_p);
        let way = Way { kept: true, ..Way::default() };
        let cases = [1e-20, 0.0, -1e-20].map(|least| Case::new(vec![best, least], params.clone()));
        let kept: Vec<u32> = way.compare("tiny", gpu(), &cases).iter().map(|d| d.kept).collect();
        assert_eq!(kept, [kept[0]; 3]);
    }
}

#[test]
fn what_is_said_of_a_row() {
    let status =
        |row: Vec<f32>| Way::default().compare("status", gpu(), &[Case::new(row, SamplingParams::unfiltered())])[0].status;
    assert_eq!(status(vec![1.0, 2.0]), Status::Ok);
    assert_eq!(status(vec![1.0, NAN]), Status::Nan);
    assert_eq!(status(vec![NAN, INF]), Status::Inf);
    assert_eq!(status(vec![-INF, -INF]), Status::Empty);
    assert_eq!(status(vec![NAN, NAN]), Status::Empty);
}
