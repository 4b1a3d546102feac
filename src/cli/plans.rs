//! What will be done with each tensor, shown before the work.

use super::table::table;
use super::{Common, print, print_json};
use crate::error::Result;
use crate::footprint::{Action, TensorPlan};
use crate::format::Format;
use crate::units::{decimal, grouped};

/// What a tensor becomes, and why.
fn outcome(plan: &TensorPlan) -> (String, String) {
    match &plan.action {
        Action::Quantize { format, .. } => {
            let rule = plan.rule.as_ref().map(|rule| format!("rule {rule}"));
            let first = plan.dequantized_first.then(|| format!("from {}, dequantized first", plan.source.to_lowercase()));
            (format.to_string(), rule.into_iter().chain(first).collect::<Vec<_>>().join("; "))
        }
        Action::Keep { reason, .. } => (plan.source.to_lowercase(), (*reason).into()),
    }
}

/// A few lines a precision: how many tensors become what, and why.
pub(super) fn summary(formats: &[Format], plans: &[Vec<TensorPlan>]) -> String {
    let mut out = String::new();
    for (format, plan) in formats.iter().zip(plans) {
        let mut groups = std::collections::BTreeMap::<(bool, String, String), (u64, u64, u64)>::new();
        for tensor in plan {
            let (becomes, why) = outcome(tensor);
            let kept = matches!(tensor.action, Action::Keep { .. });
            let (count, elements, bytes) = groups.entry((kept, becomes, why)).or_default();
            (*count, *elements, *bytes) = (*count + 1, *elements + tensor.elements, *bytes + tensor.action.bytes());
        }
        out.push_str(&format!("plan for {format}:\n"));
        for ((kept, becomes, why), (count, elements, bytes)) in groups {
            let verb = if kept { "stay" } else { "become" };
            let tensors = if count == 1 { "tensor" } else { "tensors" };
            let why = if why.is_empty() { why } else { format!(" ({why})") };
            let values = grouped(elements.into());
            out.push_str(&format!("  {count} {tensors} of {values} values {verb} {becomes}{why}: {}\n", decimal(bytes)));
        }
    }
    out.push('\n');
    out
}

/// Every tensor of every plan, on standard output.
pub(super) fn print_all(common: &Common, formats: &[Format], plans: &[Vec<TensorPlan>]) -> Result<()> {
    if common.json {
        let tensor = |plan: &TensorPlan| {
            let (format, reason) = outcome(plan);
            serde_json::json!({
                "name": plan.name, "class": plan.class, "source": plan.source.to_lowercase(), "format": format,
                "reason": if reason.is_empty() { None } else { Some(reason) }, "bytes": plan.action.bytes(),
            })
        };
        let precision = |(format, plan): (&Format, &Vec<TensorPlan>)| serde_json::json!({ "format": format.to_string(), "tensors": plan.iter().map(tensor).collect::<Vec<_>>() });
        let plans: Vec<_> = formats.iter().zip(plans).map(precision).collect();
        return print_json(&serde_json::json!({ "schema": 1, "plans": plans }));
    }
    for (format, plan) in formats.iter().zip(plans) {
        let heading = ["tensor", "class", "from", "to", ">bytes", "why"];
        let mut rows = vec![heading.map(String::from).to_vec()];
        for tensor in plan {
            let (becomes, why) = outcome(tensor);
            let bytes = grouped(tensor.action.bytes().into());
            rows.push(vec![tensor.name.clone(), tensor.class.name().into(), tensor.source.to_lowercase(), becomes, bytes, why]);
        }
        let bytes: u64 = plan.iter().map(|tensor| tensor.action.bytes()).sum();
        print(&format!("plan for {format}: {} of tensors\n{}\n", decimal(bytes), table(&rows)));
    }
    Ok(())
}
