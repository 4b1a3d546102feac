//! The sampler on a device against its twin: whatever comes back is equal, whatever the path.

mod degenerate;
mod door;
mod invariance;
mod oracle;
mod steps;
mod touched;
mod twins;

use weighbridge::format::Element;
use weighbridge::gpu::{Buffer, Gpu};
use weighbridge::sample::{Drawn, Logits, Preset, Routes, Sampler, SamplerLayout, SamplingParams, Scope, decide, penalize};

use crate::data::{Words, bytes_of};

/// A row, and what is asked of it.
#[derive(Clone, Debug, Default)]
pub struct Case {
    pub row: Vec<f32>,
    pub params: SamplingParams,
    pub mask: Option<Vec<u32>>,
    pub prompt: Vec<u32>,
    pub output: Vec<u32>,
    pub position: u64,
}

impl Case {
    pub fn new(row: Vec<f32>, params: SamplingParams) -> Self {
        Self { row, params, position: 77, ..Self::default() }
    }

    /// What the twin makes of it; details and survivors where the layout asks for them.
    pub fn want(&self, layout: &SamplerLayout, element: Element) -> Drawn {
        let raw = element.widen(&bytes_of(&self.row, element));
        let row = penalize(&raw, &self.params, self.mask.as_deref(), &self.prompt, &self.output);
        let decision = decide(&row, &self.params).unwrap();
        let mut drawn = decision.drawn(self.position);
        drawn.detail = layout.top.and_then(|top| decision.detail(drawn.tokens[0], &raw, top as usize));
        if layout.kept > 0 {
            drawn.survivors = Some(decision.survivors());
        }
        drawn
    }
}

/// A way to ask a device.
#[derive(Clone, Debug)]
pub struct Way {
    pub routes: Routes,
    pub element: Element,
    /// Elements before the first row, and between rows.
    pub lead: usize,
    pub gap: usize,
    pub top: Option<u32>,
    pub kept: bool,
}

impl Default for Way {
    fn default() -> Self {
        Self { routes: Routes::Fastest, element: Element::F32, lead: 0, gap: 0, top: None, kept: false }
    }
}

impl Way {
    pub fn whole() -> Self {
        Self { routes: Routes::Whole, ..Self::default() }
    }

    pub fn layout(&self, cases: &[Case]) -> SamplerLayout {
        let mut layout = SamplerLayout::new(cases.len() as u64, cases[0].row.len() as u64);
        let most = |of: &dyn Fn(&Case) -> usize| cases.iter().map(of).max().unwrap() as u32;
        layout.routes = self.routes;
        layout.draws = cases.iter().map(|c| c.params.top_n).max().unwrap();
        layout.biases = most(&|c| c.params.bias.len());
        layout.masks = cases.iter().any(|c| c.mask.is_some());
        let last = |scope| if let Scope::Last(n) = scope { n } else { 0 };
        let scoped = |c: &Case| last(c.params.repetition_scope()).max(last(c.params.presence_scope())) as usize;
        if cases.iter().any(|c| c.params.penalizes()) {
            layout.history = most(&|c| c.prompt.len() + c.output.len() + 1).max(most(&scoped));
        }
        layout.top = self.top;
        layout.kept = if self.kept { layout.vocab } else { 0 };
        layout
    }

    /// What the device makes of the cases.
    pub fn draw(&self, gpu: &Gpu, cases: &[Case]) -> Vec<Drawn> {
        let mut sampler = Sampler::new(gpu, self.layout(cases)).unwrap();
        for (row, case) in cases.iter().enumerate() {
            let row = row as u64;
            sampler.set(row, &case.params).unwrap();
            sampler.set_position(row, case.position).unwrap();
            if sampler.layout().history > 0 {
                sampler.set_history(row, &case.prompt, &case.output).unwrap();
            }
            if sampler.layout().masks {
                sampler.set_mask(row, case.mask.as_deref()).unwrap();
            }
        }
        let vocab = cases[0].row.len();
        let mut all = vec![9e9_f32; self.lead];
        for case in cases {
            all.extend_from_slice(&case.row);
            all.resize(all.len() + self.gap, 8e9);
        }
        let buffer = upload(gpu, &bytes_of(&all, self.element));
        let logits = Logits::new(&buffer, self.element, cases.len() as u64, vocab as u64).unwrap();
        let logits = logits.window(self.lead as u64, (vocab + self.gap) as u64).unwrap();
        sampler.sample(&logits).unwrap()
    }

    /// Fails where the device differs from the twin.
    #[track_caller]
    pub fn compare(&self, what: &str, gpu: &Gpu, cases: &[Case]) -> Vec<Drawn> {
        let got = self.draw(gpu, cases);
        let layout = self.layout(cases);
        let differs = |row: usize| {
            let want = cases[row].want(&layout, self.element);
            (got[row] != want).then(|| {
                format!("row {row} ({}):\n   got {:?}\n  want {:?}", cases[row].params, short(&got[row]), short(&want))
            })
        };
        let wrong: Vec<String> = (0..cases.len()).filter_map(differs).collect();
        assert!(wrong.is_empty(), "{what} {self:?}: {} of {} rows differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
        got
    }
}

/// Without most of what is long.
fn short(drawn: &Drawn) -> Drawn {
    let mut drawn = drawn.clone();
    if let Some(survivors) = &mut drawn.survivors {
        survivors.truncate(6);
    }
    drawn
}

pub fn upload(gpu: &Gpu, bytes: &[u8]) -> Buffer<u8> {
    let buffer = gpu.buffer("logits/test", bytes.len() as u64).unwrap();
    let mut recording = gpu.record("test");
    recording.upload(&buffer, 0, bytes);
    recording.run().unwrap();
    buffer
}

/// A row that looks like logits: a bell with a heavy right tail.
pub fn logits(words: &mut Words, len: usize) -> Vec<f32> {
    (0..len)
        .map(|_| {
            let x = words.weight() * 60.0;
            let rare = words.next().is_multiple_of(97);
            if rare { x + (words.next() % 1000) as f32 / 100.0 } else { x }
        })
        .collect()
}

/// Everything that is worth telling apart.
pub fn chains() -> Vec<SamplingParams> {
    let u = SamplingParams::unfiltered;
    vec![
        SamplingParams::default(),
        SamplingParams::greedy(),
        u(),
        u().temperature(7.5),
        u().temperature(0.9).top_k(256).top_p(0.95),
        u().top_k(1000).top_p(0.9),
        u().top_p(0.9),
        u().temperature(3.0).top_p(0.8),
        u().min_p(0.05),
        u().temperature(2.0).min_p(0.0001),
        u().epsilon(0.0003),
        u().typical_p(0.5),
        u().typical_p(0.2).min_p(0.1),
        u().top_n_sigma(1.0).temperature(1.5),
        u().eta(0.0009),
        u().temperature(1.1).top_k(3000).top_p(0.97).min_p(0.001).typical_p(0.9).top_n_sigma(4.0).epsilon(1e-5).eta(1e-4),
        u().temperature(0.3).top_p(0.1).min_keep(5),
        u().top_p(0.01).min_p(0.9).min_keep(300),
        u().top_n(3),
        u().top_k(50).top_n(4),
        u().temperature(4.0).top_p(0.99).top_n(5),
        u().temperature(0.7).top_p(0.8).min_p(0.02).top_k(50).preset(Preset::Mlx),
        u().temperature(0.8).top_k(40).top_p(0.95).min_p(0.05).preset(Preset::LlamaCpp),
        u().min_p(0.01).top_k(60).top_p(0.9).preset(Preset::Vllm),
        u().top_k(20).top_p(0.5).preset(Preset::TensorRtLlm),
        u().temperature(0.9).top_k(30).top_p(0.6).preset(Preset::Candle),
    ]
}

/// A case for each chain, on rows of their own.
pub fn cases(words: &mut Words, vocab: usize) -> Vec<Case> {
    chains().into_iter().map(|p| Case::new(logits(words, vocab), p.seed(words.next()))).collect()
}
