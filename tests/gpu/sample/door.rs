//! The sampler in a runtime's hands: its device, its encoder, its history and masks.

use weighbridge::format::Element;
use weighbridge::gpu::{Buffer, Encoder, Gpu};
use weighbridge::sample::{Decision, Logits, Sampler, SamplerLayout, SamplingParams, decide, penalize};

use super::{Case, Way, chains, logits, upload};
use crate::data::{Words, bytes_of, gpu};
use crate::door::device;

fn read(gpu: &Gpu, buffer: &Buffer<u32>) -> Vec<u32> {
    let mut recording = gpu.record("test");
    let download = recording.download(buffer, 0, buffer.bytes());
    recording.run().unwrap().take_words(download)
}

#[test]
fn steps_ride_in_a_callers_encoder() {
    // A device as runtimes open it, where wgpu checks indirect dispatches.
    let (device, queue) = device();
    let gpu = Gpu::from_wgpu(device.clone(), queue.clone());
    let mut words = Words(60);
    let params = chains();
    let vocab = 2100;
    let rows: Vec<Vec<f32>> = params.iter().map(|_| logits(&mut words, vocab)).collect();
    let mut layout = SamplerLayout::new(rows.len() as u64, vocab as u64);
    layout.draws = params.iter().map(|p| p.top_n).max().unwrap();
    let draws = layout.draws as usize;
    let mut sampler = Sampler::new(&gpu, layout).unwrap();
    for (row, params) in params.iter().enumerate() {
        sampler.set(row as u64, params).unwrap();
    }
    let bytes = bytes_of(&rows.concat(), Element::F32);
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let own = wgpu::BufferDescriptor { label: None, size: bytes.len() as u64, usage, mapped_at_creation: false };
    let own = device.create_buffer(&own);
    queue.write_buffer(&own, 0, &bytes);
    let own = Buffer::<u8>::from_wgpu(own, "logits/own");
    let logits = Logits::new(&own, Element::F32, rows.len() as u64, vocab as u64).unwrap();
    // One, two and three steps of one submit; then one that is recorded.
    let mut position = 0;
    for steps in [1, 2, 3, 0] {
        if steps == 0 {
            let mut recording = gpu.record("test");
            sampler.record(&mut recording, &logits).unwrap();
            recording.run().unwrap();
        } else {
            let mut encoder = device.create_command_encoder(&Default::default());
            for _ in 0..steps {
                sampler.encode(&mut Encoder::from_wgpu(&mut encoder), &logits).unwrap();
            }
            queue.submit([encoder.finish()]);
        }
        position += steps.max(1);
        let tokens = read(&gpu, sampler.tokens());
        for (row, params) in params.iter().enumerate() {
            let want = decide(&rows[row], params).unwrap().draw(position - 1);
            let got = &tokens[row * draws..][..params.top_n as usize];
            assert_eq!(got, want, "row {row} at {}, {params}", position - 1);
        }
    }
    assert!(sampler.dispatches(&logits).unwrap() > 3);
}

#[test]
fn what_is_set_between_two_steps_counts_from_the_second() {
    let mut words = Words(61);
    let rows = [logits(&mut words, 700), logits(&mut words, 700)];
    let mut layout = SamplerLayout::new(2, 700);
    layout.biases = 2;
    let mut sampler = Sampler::new(gpu(), layout).unwrap();
    let buffer = upload(gpu(), &bytes_of(&rows.concat(), Element::F32));
    let logits = Logits::new(&buffer, Element::F32, 2, 700).unwrap();
    let u = SamplingParams::unfiltered;
    // By every kind of work, and by lists of several lengths, that need the same and other chunks.
    let params = [
        u(),
        u().top_k(3),
        u().top_k(64),
        u().top_k(65),
        u().top_k(200).top_p(0.9),
        u().top_p(0.9),
        u().top_k(300),
        u().bias(vec![(5, 4.0)]),
        u().bias(vec![(5, 40.0), (6, 40.5)]),
        SamplingParams::greedy(),
        u().top_k(3),
    ];
    let mut current = [SamplingParams::default(), SamplingParams::default()];
    for (step, params) in params.iter().enumerate() {
        current[step % 2] = params.clone();
        sampler.set((step % 2) as u64, params).unwrap();
        let got = sampler.sample(&logits).unwrap();
        for (row, params) in current.iter().enumerate() {
            let want = decide(&penalize(&rows[row], params, None, &[], &[]), params).unwrap().draw(step as u64);
            assert_eq!(got[row].tokens, want, "step {step}, row {row}, {params}");
        }
    }
}

#[test]
fn a_runtime_writes_histories_and_masks_on_the_device() {
    let mut words = Words(62);
    let (vocab, room) = (100, 8);
    let mut layout = SamplerLayout::new(2, vocab as u64);
    layout.history = room as u32;
    layout.remembers = false;
    layout.masks = true;
    let params = SamplingParams::unfiltered().repetition(1.5).presence(2.0);
    let mut sampler = Sampler::new(gpu(), layout).unwrap();
    sampler.set_all(&params).unwrap();
    for row in 0..2 {
        sampler.set_history(row, &[], &[]).unwrap();
        sampler.set_mask(row, Some(&[])).unwrap();
    }
    let rows = [logits(&mut words, vocab), logits(&mut words, vocab)];
    let buffer = upload(gpu(), &bytes_of(&rows.concat(), Element::F32));
    let logits = Logits::new(&buffer, Element::F32, 2, vocab as u64).unwrap();
    let masks: Vec<Vec<u32>> = (0..2).map(|_| (0..4).map(|_| words.next() as u32).collect()).collect();
    gpu().write(sampler.masks(), 0, bytemuck::cast_slice(&masks.concat()));
    let mut histories = [vec![7, 9], vec![50, 50, 51]];
    for step in 0..5 {
        // Of row 0 two tokens are of the prompt.
        for (row, tokens) in histories.iter().enumerate() {
            let mut memory = vec![if row == 0 { 2 } else { 0 }, tokens.len() as u32];
            memory.extend_from_slice(tokens);
            gpu().write(sampler.history(), (row * (4 + room) + 2) as u64 * 4, bytemuck::cast_slice(&memory));
        }
        let got = sampler.sample(&logits).unwrap();
        for (row, tokens) in histories.iter_mut().enumerate() {
            let (prompt, output) = tokens.split_at(if row == 0 { 2 } else { 0 });
            let touched = penalize(&rows[row], &params, Some(&masks[row]), prompt, output);
            let want = decide(&touched, &params).unwrap().draw(step);
            assert_eq!(got[row].tokens, want, "row {row} at {step}");
            tokens.push(want[0]);
        }
        let memory = read(gpu(), sampler.history());
        assert_eq!([memory[3], memory[4 + room + 3]], [2 + step as u32, 3 + step as u32], "nothing is remembered by itself");
    }
}

#[test]
fn far_from_zero_integers_decide_where_floats_cannot() {
    // At 600 floats are 6e-5 apart; races that they alone decided would now and then have another winner. Sixteen tokens race: two
    // quads of an invocation, two of its neighbour.
    let mut words = Words(63);
    let (batch, vocab) = (1024, 512);
    let races = |i: u64| i / 4 % 64 < 2;
    let params = SamplingParams::unfiltered();
    let row = |_| (0..vocab).map(|i| if races(i) { 600.0 + words.weight() } else { f32::NEG_INFINITY }).collect();
    let rows: Vec<Vec<f32>> = (0..batch).map(row).collect();
    let buffer = upload(gpu(), &bytes_of(&rows.concat(), Element::F32));
    let logits = Logits::new(&buffer, Element::F32, batch, vocab).unwrap();
    let mut layout = SamplerLayout::new(batch, vocab);
    let mut steps = Sampler::new(gpu(), layout.clone()).unwrap();
    layout.kept = vocab;
    let mut many = Sampler::new(gpu(), layout).unwrap();
    for sampler in [&mut many, &mut steps] {
        sampler.set_all(&params).unwrap();
    }
    let decided: Vec<Decision> = rows.iter().map(|row| decide(row, &params).unwrap()).collect();
    let check = |row: usize, position: usize, token: u32| {
        assert_eq!(token, decided[row].draw(position as u64)[0], "row {row} at {position}");
    };
    for (row, (_, tokens)) in many.draw_many(&logits, 500, |_| ()).unwrap().iter().enumerate() {
        tokens.iter().enumerate().for_each(|(position, token)| check(row, position, *token));
    }
    for step in 0..100 {
        steps.sample(&logits).unwrap().iter().enumerate().for_each(|(row, drawn)| check(row, step, drawn.tokens[0]));
    }
}

#[test]
fn more_rows_than_a_window_has() {
    let mut words = Words(64);
    let u = SamplingParams::unfiltered;
    let params = [u(), u().top_k(3), u().top_p(0.5), u().typical_p(0.5), SamplingParams::greedy()];
    let case = |i: usize| Case::new((0..5).map(|_| words.weight() * 40.0).collect(), params[i % params.len()].clone());
    let cases: Vec<Case> = (0..4100).map(case).collect();
    Way::default().compare("rows", gpu(), &cases);
}
