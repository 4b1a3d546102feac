//! Whether a model fits a card, by the formulas alone: no GPU is asked.
//!
//! Run it with `cargo run --release --example will_it_fit -- llama-3-8b 24` (a name or a folder with a config.json, and decimal GB).

use weighbridge::footprint::Class;
use weighbridge::footprint::estimate::{Ground, Serving, Storing, kv_cache, serving_needs, weights};
use weighbridge::footprint::shape::open;
use weighbridge::units::{binary, decimal};

const CONTEXT: u64 = 8192;

fn main() -> weighbridge::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().unwrap_or_else(|| "llama-3-8b".into());
    let gigabytes: f64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(24.0);
    let shape = open(&model)?;
    let cache = "bf16".parse()?;
    println!(
        "{model}: {} parameters; {CONTEXT} tokens of cache take {}",
        shape.parameters(),
        decimal(kv_cache(&shape, 1, CONTEXT, &cache))
    );
    for name in ["bf16", "int8", "int4:g32", "q4_0"] {
        // Embedding and head stay in BF16, as most quantized files have them.
        let storing = Storing::all(name.parse()?).keeping(&[Class::Embedding, Class::Head]);
        let total = weights(&shape, &storing).total;
        let job = Serving { storing, cache, batch: 1, context: CONTEXT };
        let reserved = Ground::unknown().reserved(&serving_needs(&shape, &job, 1 << 31));
        let fits = if reserved as f64 <= gigabytes * 1e9 { "fits" } else { "does not fit" };
        println!(
            "{name:>9}: weights {} (the formula says {}), in all {} or {}: {fits} {gigabytes} GB",
            decimal(total.total()),
            decimal(total.nominal),
            decimal(reserved),
            binary(reserved)
        );
    }
    Ok(())
}
