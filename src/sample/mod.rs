//! What a draw means: from logits to a token, decided by integers, on the device and in the twin alike.
//!
//! # A tour
//!
//! Logits lie on the device, as rows of F32, F16 or BF16 in a buffer: the caller's own or an uploaded one. A [`Sampler`] is made once
//! for so many rows and such a vocabulary; then each step filters every row by its own [`SamplingParams`], and draws.
//!
//! ```no_run
//! use weighbridge::format::Element;
//! use weighbridge::gpu::Gpu;
//! use weighbridge::sample::{Logits, Sampler, SamplerLayout, SamplingParams};
//!
//! # fn main() -> weighbridge::Result<()> {
//! let gpu = Gpu::open(&Default::default())?;
//! let buffer = gpu.buffer::<u8>("logits/step", 2 * 32_000 * 4)?; // or Buffer::from_wgpu: a runtime's own
//! let logits = Logits::new(&buffer, Element::F32, 2, 32_000)?;
//!
//! let mut layout = SamplerLayout::new(2, 32_000);
//! layout.history = 4096; // penalties look back
//! layout.top = Some(5); // log-probabilities come back, of the token and of the five best
//! let mut sampler = Sampler::new(&gpu, layout)?;
//! sampler.set(0, &SamplingParams::default().seed(1))?; // temperature 0.8, top-k 36, top-p 0.7
//! sampler.set(1, &SamplingParams::unfiltered().min_p(0.05).repetition(1.2).seed(2))?;
//! sampler.set_history(1, &[17, 99], &[])?;
//!
//! for drawn in sampler.sample(&logits)? {
//!     println!("{:?} of {} kept: {:?}", drawn.tokens, drawn.kept, drawn.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Sampler::sample`] waits and is for people. A runtime records a step into its own encoder ([`Sampler::encode`]) and leaves the tokens
//! on the device ([`Sampler::tokens`]): `examples/decode_loop.rs`. A step allocates nothing and submits nothing.
//!
//! # What is decided, and how
//!
//! 1. *Mask, bias, penalties*: logits become other floats, each step rounded as IEEE rounds, by integer arithmetic ([`penalize`]).
//! 2. *Order*: logit down, then token id up; ties always go to lower ids. NaN and negative infinity are out, positive infinity leaves only
//!    its like.
//! 3. *Filters*, in the order of the [`Preset`]. A token's weight is 2^45 times its share of the best token's, an integer; masses are sums
//!    of weights, so they do not depend on who adds first. What survives is an interval of the order.
//! 4. *Draw*: the survivor with the most of score and noise (Gumbel-max). The noise of a token comes from 64 bits of Philox4x32-10:
//!    key = seed, counter = (id / 2, position low, position high, stream), words 2 (id & 1) and the next. So a token depends on nothing
//!    but its row's logits, parameters, history and position. `top_n` draws without replacement are the n best.
//!
//! Parameters are f32, and mean their exact values: 0.7 is 0.699999988. Against a reference in f64 the kept set is the same unless a
//! cumulative mass lies within max(2^-30, vocab 2^-46) of its boundary. Floats on the device only propose; where they could be wrong,
//! integers decide, so every device, with subgroups or without, gives the tokens of [`decide`].
//!
//! Rows that a list of their 256 best tokens cannot settle (a flat row under top-p, typical-p, top-n-sigma, eta, a top-k above 256) are
//! filtered as a whole, by indirect dispatches that wait for no host. Where a runtime's own device has wgpu check these (the default of its
//! instances), each has a small pass of its own more.

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
pub(crate) use philox::philox;
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
            for (offers, touched) in [(false, false), (true, true)] {
                // Where the device has no say, or the row is read as it came, there is one variant.
                let touched = touched && !matches!(name, "penalize" | "detail" | "throws");
                let slots = schedule::Variant { subgroups: offers, wide_integers: offers, touched }.slots(name, element);
                programs.push(crate::gpu::Program::new::<plan::SampleParams>(&format!("sample/{name}"), &slots)?);
            }
        }
    }
    Ok(programs)
}
