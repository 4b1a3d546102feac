//! Row 6: what training keeps of a parameter, by real steps of every optimizer on a real layer.

use serde_json::{Value, json};

use super::{Bench, Claim, Verdict, claim};
use crate::error::Result;
use crate::footprint::Class;
use crate::format::Element;
use crate::gpu::Gpu;
use crate::train::{Hyper, OPTIMIZERS, Optimizer, Trained, Twin};

const STEPS: usize = 2;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let rows = OPTIMIZERS.iter().map(|optimizer| of_optimizer(bench, *optimizer)).collect::<Result<Vec<_>>>()?;
    let figure = |i: usize| rows[i]["bytes_per_parameter"].as_f64().unwrap_or(f64::NAN);
    let list: Vec<String> =
        OPTIMIZERS.iter().enumerate().map(|(i, optimizer)| format!("{} {:.2}", optimizer.name(), figure(i))).collect();
    let exact = rows.iter().all(|row| row["exact"] == Value::Bool(true) && row["within_tolerance"] == Value::Bool(true));
    let condition = format!(
        "Holds for mixed precision (x = 2; y = 2 or 4). With x = y = 4 it says 20, and AdamW in FP32 takes {:.2}: there is no second master \
         copy. Bytes a parameter: {}. Activations come on top.",
        figure(0),
        list.join(", ")
    );
    let mut claim = claim(
        6,
        exact,
        if figure(0) == 20.0 { Verdict::True } else { Verdict::Conditional },
        [16.0, figure(1)],
        "bytes a parameter (adamw-mixed)",
        condition,
    );
    claim.evidence = json!({ "optimizers": rows, "steps": STEPS });
    Ok(vec![claim])
}

/// The layer in training: its bytes, and how far its weights are from the twin's.
fn of_optimizer(bench: &Bench<'_>, optimizer: Optimizer) -> Result<Value> {
    let gpu = Gpu::open(&bench.options)?;
    let (mut layer, mut starts) = (Vec::new(), Vec::new());
    for entry in bench.inputs.layer.tensors.iter().filter(|entry| entry.is_float) {
        let class = Class::of(&entry.name, entry.shape.len()).name();
        let values = Element::F32.widen(bench.inputs.layer.bytes(entry));
        let trained = Trained::new(&gpu, optimizer, class, &entry.name, &values)?;
        let twin = Twin::new(optimizer, &values);
        starts.push(twin.weights.clone());
        layer.push((trained, twin));
    }
    let hyper = Hyper::default();
    for step in 1..=STEPS {
        for (trained, twin) in &mut layer {
            // Gradients of the size that they have: a hundredth of the weights, turned around from step to step.
            let turn = |(i, w): (usize, &f32)| w * if (i + step).is_multiple_of(3) { -0.01 } else { 0.01 };
            let gradients: Vec<f32> = twin.weights.iter().enumerate().map(turn).collect();
            trained.set_gradients(&gpu, &gradients)?;
            trained.step(&gpu, &hyper)?;
            twin.step(&gradients, &hyper);
        }
    }
    // How far the device is from the twin, as a share of the way that a step goes; and how many weights differ at all.
    let mut off = 0.0_f32;
    let mut differ = 0;
    for ((trained, twin), start) in layer.iter().zip(&starts) {
        let weights = trained.download(&gpu)?;
        let moved = twin.weights.iter().zip(start).fold(f32::MIN_POSITIVE, |most, (w, from)| most.max((w - from).abs()));
        off = weights.iter().zip(&twin.weights).map(|(a, b)| (a - b).abs() / moved).fold(off, f32::max);
        differ += weights.iter().zip(&twin.weights).filter(|(a, b)| a != b).count() as u64;
    }
    gpu.trim();
    gpu.quiesce()?;
    let elements: Vec<u64> = layer.iter().map(|(trained, _)| trained.elements()).collect();
    let parameters: u64 = elements.iter().sum();
    let said = optimizer.states(elements.iter().copied());
    let mut requested = std::collections::BTreeMap::new();
    for (part, bytes) in layer.iter().flat_map(|(trained, _)| trained.requested()) {
        *requested.entry(part).or_insert(0_u64) += bytes;
    }
    let part = |name: &str| requested.get(name).copied().unwrap_or(0);
    let by_class = gpu.ledger().by_class();
    let scratch = by_class.get("scratch").copied().unwrap_or(0);
    let total = gpu.ledger().live_bytes() - scratch;
    // Each part is rounded up to 16 bytes.
    let rounding = total - said.total();
    let exact = rounding < 16 * 6 * elements.len() as u64 && gpu.allocator().is_none_or(|a| a.allocated >= total);
    // Float arithmetic may differ by its last places, where weights are far larger than steps by 2^-24 of them. A code of a moment may be its
    // neighbour. Weights in BF16 may round the other way, which is a whole unit, but rarely.
    let (tolerance, rarely) = match optimizer {
        Optimizer::AdamwF32 | Optimizer::SgdMomentum => (1e-3, parameters),
        Optimizer::Adamw8bit => (0.1, parameters),
        _ => (f32::INFINITY, parameters / 50),
    };
    Ok(json!({
        "optimizer": optimizer.name(),
        "parameters": parameters,
        "weights": part("weights"),
        "gradients": part("gradients"),
        "master": part("master"),
        "first": part("first"),
        "second": part("second"),
        "scales": part("scales"),
        "total": total,
        "bytes_per_parameter": total as f64 / parameters as f64,
        "said": said.total() as f64 / parameters as f64,
        "rounding": rounding,
        "exact": exact,
        "largest_distance_from_the_twin_in_steps": off,
        "weights_that_differ_from_the_twin": differ,
        "within_tolerance": off <= tolerance && differ <= rarely,
    }))
}
