//! A row's chain as the device is given it. Shader: `sample/program.wgsl`, whose constants the test below compares.

use super::chain::{Chain, MOST_STAGES, Stage};
use super::params::{SamplingParams, Scope};

/// The most tokens that a row's list of the best may hold.
pub(crate) const MOST_LISTED: u32 = 256;

/// `struct Program` of the shaders.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub(crate) struct Program {
    pub list_len: u32,
    pub stage_count: u32,
    pub min_keep: u32,
    pub draws: u32,
    pub seed: [u32; 2],
    pub stream: u32,
    pub needs_mass: u32,
    pub filter_unit: i32,
    pub filter_factor: [u32; 2],
    pub filter_rate: f32,
    pub draw_unit: i32,
    pub draw_factor: [u32; 2],
    pub draw_rate: f32,
    pub stages: [[u32; 3]; MOST_STAGES],
    pub repetition: f32,
    pub frequency: f32,
    pub presence: f32,
    pub repetition_scope: u32,
    pub presence_scope: u32,
    pub bias_count: u32,
    pub masked: u32,
}

/// Words of a program.
pub(crate) const PROGRAM_WORDS: u64 = (size_of::<Program>() / 4) as u64;

/// By which kernels a row is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Route {
    /// The best of its chunks' noisy winners: nothing is filtered.
    Noisy,
    /// A list of its best tokens decides; `mass`: it needs the mass of the whole row; `open`: it may turn out not to be enough.
    List { mass: bool, open: bool },
    /// The whole row is filtered at once.
    Whole,
}

/// Which routes a sampler may take; for tests and comparisons, as the outcome is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Routes {
    /// The fastest that will do.
    #[default]
    Fastest,
    /// Always the kernels that look at whole rows.
    Whole,
}

/// How the device is told a scope: so many of the last tokens, or one of two words that no number of tokens is.
fn scope_word(scope: Scope) -> u32 {
    match scope {
        Scope::All => u32::MAX,
        Scope::Output => u32::MAX - 1,
        Scope::Last(n) => n,
    }
}

fn halves(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

/// The program of checked parameters, and its route.
pub(crate) fn compile(params: &SamplingParams, routes: Routes) -> (Program, Route) {
    let chain = Chain::of(params);
    let route = match routes {
        Routes::Whole => Route::Whole,
        Routes::Fastest => route(&chain),
    };
    let mut stages = [[0; 3]; MOST_STAGES];
    for (words, stage) in stages.iter_mut().zip(&chain.stages) {
        *words = stage.words();
    }
    let of_whole = chain.stages.iter().any(|stage| matches!(stage, Stage::TopP { whole: true, .. }));
    let program = Program {
        list_len: list_len(&chain),
        stage_count: chain.stages.len() as u32,
        min_keep: chain.min_keep,
        draws: params.top_n,
        seed: halves(params.seed),
        stream: params.stream,
        needs_mass: u32::from(matches!(route, Route::List { mass: true, .. })) | u32::from(of_whole) << 1,
        filter_unit: chain.filter.unit,
        filter_factor: halves(chain.filter.factor),
        filter_rate: chain.filter.rate(),
        draw_unit: chain.draw.unit,
        draw_factor: halves(chain.draw.factor),
        draw_rate: chain.draw.rate(),
        stages,
        repetition: params.repetition,
        frequency: params.frequency,
        presence: params.presence,
        repetition_scope: scope_word(params.repetition_scope()),
        presence_scope: scope_word(params.presence_scope()),
        bias_count: params.bias.len() as u32,
        masked: 0,
    };
    (program, route)
}

/// The first top-k that a list can hold, and the stages before it.
fn listed_top_k(chain: &Chain) -> Option<(usize, u32)> {
    chain.stages.iter().enumerate().find_map(|(i, stage)| match stage {
        Stage::TopK(k) if (*k).max(chain.min_keep) <= MOST_LISTED => Some((i, (*k).max(chain.min_keep))),
        _ => None,
    })
}

fn list_len(chain: &Chain) -> u32 {
    listed_top_k(chain).map_or(MOST_LISTED, |(_, k)| k)
}

fn route(chain: &Chain) -> Route {
    if chain.is_unfiltered() {
        return Route::Noisy;
    }
    let quick = chain.stages.iter().all(|stage| stage.is_quick()) && chain.min_keep <= MOST_LISTED;
    if !quick {
        return Route::Whole;
    }
    let (before, open) = match listed_top_k(chain) {
        Some((i, _)) => (&chain.stages[..i], i > 0),
        // A larger top-k is no work for a list, unless something before it cuts deeper.
        None if matches!(chain.stages[0], Stage::TopK(_)) => return Route::Whole,
        None => (&chain.stages[..], true),
    };
    let whole = |stage: &Stage| matches!(stage, Stage::TopP { whole: true, .. });
    let shares = |stage: &Stage| matches!(stage, Stage::TopP { .. } | Stage::Epsilon(_));
    // A share of the whole mass is known within a doubt only.
    let of_whole = chain.stages.iter().any(whole);
    Route::List { mass: before.iter().any(shares) || of_whole, open: open || of_whole }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gpu::link;

    #[test]
    fn the_shaders_know_where_the_words_lie() {
        let text = link("sample/program", &[]).unwrap().text;
        let place = |name: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(&format!("const {name}: u32 = "))).unwrap();
            line.split('u').next().unwrap().parse::<usize>().unwrap()
        };
        macro_rules! compare {
            ($($field:ident: $name:literal),* $(,)?) => {
                $(assert_eq!(place($name) * 4, std::mem::offset_of!(Program, $field), $name);)*
            };
        }
        compare! {
            list_len: "LIST_LEN", stage_count: "STAGE_COUNT", min_keep: "MIN_KEEP", draws: "DRAWS", seed: "SEED", stream: "STREAM",
            needs_mass: "NEEDS_MASS", filter_unit: "FILTER_UNIT", filter_factor: "FILTER_FACTOR", filter_rate: "FILTER_RATE",
            draw_unit: "DRAW_UNIT", draw_factor: "DRAW_FACTOR", draw_rate: "DRAW_RATE", stages: "STAGES", repetition: "REPETITION", frequency: "FREQUENCY", presence: "PRESENCE",
            repetition_scope: "REPETITION_SCOPE", presence_scope: "PRESENCE_SCOPE", bias_count: "BIAS_COUNT", masked: "MASKED",
        }
        assert_eq!(place("PROGRAM_WORDS") as u64, PROGRAM_WORDS);
        assert_eq!(place("STAGE_WORDS") * 4, size_of::<[u32; 3]>());
    }
}
