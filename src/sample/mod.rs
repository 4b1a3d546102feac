//! What a draw means: from logits to a token, decided by integers, on the device and in the twin alike.

mod chain;
mod filters;
mod fixed;
mod gumbel;
mod layout;
mod logits;
mod logprob;
mod many;
mod order;
mod outcome;
mod params;
mod philox;
mod plan;
mod preset;
mod program;
mod sampler;
mod schedule;
mod tables;
mod twin;

pub use layout::{MOST_HISTORY, MOST_VOCAB, SamplerLayout};
pub use logits::Logits;
pub use outcome::{Detail, Drawn, NO_TOKEN, Status};
pub use params::{GREEDY_BELOW, SamplingParams, Scope};
pub use preset::Preset;
pub use program::Routes;
pub use sampler::Sampler;
pub use twin::{Decision, decide, penalize};

/// Every kernel, linked and checked, for tests that look at their code without a device.
///
/// # Errors
/// [`crate::Error::Shader`] where one is out of step with its host side.
#[doc(hidden)]
pub fn programs() -> crate::Result<Vec<crate::gpu::Program>> {
    use crate::format::Element;
    let mut programs = Vec::new();
    let names = ["peaks", "noisy", "estimate", "decide", "winner", "whole", "penalize", "sums", "detail", "keep", "throws"];
    for element in [Element::F32, Element::F16, Element::Bf16] {
        for name in names {
            for (subgroups, touched) in [(false, false), (true, true)] {
                // Where the device has no say, or the row is read as it came, there is one variant.
                let touched = touched && !matches!(name, "penalize" | "detail" | "throws");
                let slots = schedule::Variant { subgroups, touched }.slots(name, element);
                programs.push(crate::gpu::Program::new::<plan::SampleParams>(&format!("sample/{name}"), &slots)?);
            }
        }
    }
    Ok(programs)
}
