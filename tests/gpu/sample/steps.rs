//! Steps as a runtime takes them: recorded, encoded, repeated; nothing is allocated on the way.

use weighbridge::error::Error;
use weighbridge::format::Element;
use weighbridge::sample::{Decision, Logits, Sampler, SamplerLayout, SamplingParams, decide};

use super::{chains, logits, upload};
use crate::data::{Words, bytes_of, gpu, open, options};

const VOCAB: usize = 2100;

fn decided(rows: &[Vec<f32>], params: &[SamplingParams]) -> Vec<Decision> {
    rows.iter().zip(params).map(|(row, p)| decide(row, p).unwrap()).collect()
}

#[test]
fn positions_advance_and_nothing_is_allocated() {
    let mut words = Words(50);
    let params = chains();
    let rows: Vec<Vec<f32>> = params.iter().map(|_| logits(&mut words, VOCAB)).collect();
    let mut layout = SamplerLayout::new(rows.len() as u64, VOCAB as u64);
    layout.draws = 5;
    // A device of its own, because other tests allocate meanwhile.
    let gpu = &open(options());
    let mut sampler = Sampler::new(gpu, layout).unwrap();
    for (row, p) in params.iter().enumerate() {
        sampler.set(row as u64, p).unwrap();
    }
    let buffer = upload(gpu, &bytes_of(&rows.concat(), Element::F32));
    let logits = Logits::new(&buffer, Element::F32, rows.len() as u64, VOCAB as u64).unwrap();
    sampler.sample(&logits).unwrap();
    let decided = decided(&rows, &params);
    let before = gpu.ledger().lines();
    gpu.ledger().reset_peak();
    for position in 1..6 {
        let got = sampler.sample(&logits).unwrap();
        for (row, (got, want)) in got.iter().zip(&decided).enumerate() {
            assert_eq!(got.tokens, want.draw(position), "row {row} at {position}");
        }
    }
    assert_eq!(gpu.ledger().lines(), before);
    assert_eq!(gpu.ledger().peak_bytes(), gpu.ledger().live_bytes());
}

#[test]
fn many_draws_are_the_draws_of_many_steps() {
    let mut words = Words(51);
    for params in [
        SamplingParams::default().seed(3),
        SamplingParams::unfiltered().temperature(0.7),
        SamplingParams::unfiltered().top_p(0.95),
        SamplingParams::greedy(),
    ] {
        let rows = [logits(&mut words, VOCAB), logits(&mut words, VOCAB), vec![f32::NAN; VOCAB]];
        let mut layout = SamplerLayout::new(3, VOCAB as u64);
        layout.kept = VOCAB as u64;
        let mut sampler = Sampler::new(gpu(), layout).unwrap();
        sampler.set_all(&params).unwrap();
        sampler.set_position(1, 1 << 33).unwrap();
        let buffer = upload(gpu(), &bytes_of(&rows.concat(), Element::F32));
        let logits = Logits::new(&buffer, Element::F32, 3, VOCAB as u64).unwrap();
        let mut told = vec![];
        let drawn = sampler.draw_many(&logits, 1000, |done| told.push(done)).unwrap();
        assert_eq!(told.last(), Some(&1000));
        for (row, first) in [(0, 0), (1, 1 << 33), (2, 0_u64)] {
            let decision = decide(&rows[row], &params).unwrap();
            let want: Vec<u32> = (0..1000).map(|i| decision.draw(first + i)[0]).collect();
            assert_eq!(drawn[row].1, want, "row {row}, {params}");
        }
        // The next step goes on where they ended.
        let next = sampler.sample(&logits).unwrap();
        assert_eq!(next[0].tokens, decide(&rows[0], &params).unwrap().draw(1000), "{params}");
    }
}

#[test]
fn several_buffers_take_turns() {
    let mut words = Words(52);
    let params = SamplingParams::unfiltered().top_p(0.9);
    let mut sampler = Sampler::new(gpu(), SamplerLayout::new(2, VOCAB as u64)).unwrap();
    sampler.set_all(&params).unwrap();
    let rows: Vec<Vec<f32>> = (0..12).map(|_| logits(&mut words, VOCAB)).collect();
    let buffers: Vec<_> = rows.chunks(2).map(|pair| upload(gpu(), &bytes_of(&pair.concat(), Element::F32))).collect();
    for turn in 0..14_usize {
        // Six buffers, two of them with one row only.
        let (i, count) = (turn % 6, 1 + usize::from(turn % 6 > 1));
        let logits = Logits::new(&buffers[i], Element::F32, count as u64, VOCAB as u64).unwrap();
        for row in 0..count as u64 {
            sampler.set_position(row, turn as u64).unwrap();
        }
        let got = sampler.sample(&logits).unwrap();
        for (row, got) in got.iter().enumerate() {
            assert_eq!(got.tokens, decide(&rows[2 * i + row], &params).unwrap().draw(turn as u64), "turn {turn}, row {row}");
        }
    }
}

#[test]
fn what_does_not_fit_is_said_before_anything_is_dispatched() {
    let mut sampler = Sampler::new(gpu(), SamplerLayout::new(2, 10)).unwrap();
    let p = SamplingParams::default;
    let message = |error: weighbridge::Result<()>| error.unwrap_err().to_string();
    assert_eq!(message(sampler.set(0, &p().temperature(-1.0))), "row 0: temperature is -1, it must be 0 (greedy) to 3.4e38");
    assert!(message(sampler.set(1, &p().top_n(2))).contains("top_n is 2"));
    assert!(message(sampler.set(2, &p())).contains("row is 2"));
    assert!(message(sampler.set(0, &p().bias(vec![(1, 1.0)]))).contains("biases of the sampler's layout"));
    assert!(message(sampler.set(0, &p().repetition(1.2))).contains("history is 0"));
    assert!(message(sampler.set_mask(0, Some(&[1]))).contains("masks is false"));
    let mut masks = SamplerLayout::new(1, 40);
    masks.masks = true;
    let mut masked = Sampler::new(gpu(), masks).unwrap();
    assert!(message(masked.set_mask(0, Some(&[1, 2, 3]))).contains("3 words"));
    assert!(message(sampler.set_history(0, &[10], &[])).contains("token 10"));
    let buffer = upload(gpu(), &[0; 160]);
    let wrong = Logits::new(&buffer, Element::F32, 4, 10).unwrap();
    assert!(matches!(sampler.sample(&wrong), Err(Error::Shape { .. })));
    assert!(matches!(Logits::new(&buffer, Element::F32, 5, 10), Err(Error::Shape { .. })));
    for layout in [SamplerLayout::new(0, 10), SamplerLayout::new(1, 0), SamplerLayout::new(1, 1 << 19)] {
        assert!(matches!(Sampler::new(gpu(), layout), Err(Error::Shape { .. })));
    }
    let huge = SamplerLayout::new(1 << 16, 262_144);
    assert!(matches!(Sampler::new(gpu(), huge), Err(Error::TooLarge { .. })));
}
