//! The report of `weigh` as text.

use super::table::{table, title, wrapped};
use crate::footprint::{Precision, Report};
use crate::units::{binary, decimal, grouped};

/// Characters in a line of prose.
const WIDTH: usize = 118;

/// The device, in a line.
pub(super) fn device_line(report: &Report) -> String {
    match (&report.driver, report.software) {
        (None, _) => "device: none; the CPU twins did the work, on the host's processor".into(),
        (Some(driver), true) => format!("device: {} ({driver}), software on the host's processor", report.adapter),
        (Some(driver), false) => format!("device: {} ({driver})", report.adapter),
    }
}

/// One row a precision, then the differences.
pub(super) fn precisions(report: &Report) -> String {
    let heading = ["precision", ">formula bytes", ">", ">", ">measured bytes", ">", ">", ">relative RMSE"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    let label = report.precisions.iter().map(|p| p.format.chars().count()).max().unwrap_or(0).max("precision".len());
    let mut differences = title("the difference, by name");
    for precision in &report.precisions {
        let mut lines: Vec<_> = precision.lines.iter().filter(|l| l.bytes != 0 || l.name == "residual").collect();
        lines.sort_by_key(|l| (l.name == "residual", std::cmp::Reverse(l.bytes.abs())));
        let sign = |bytes: i64| if bytes < 0 { "-" } else { "+" };
        let named: Vec<String> =
            lines.iter().map(|l| format!("{} {}{}", l.name, sign(l.bytes), decimal(l.bytes.unsigned_abs()))).collect();
        differences.push_str(&wrapped(&format!("{:<label$}  ", precision.format), &named, WIDTH));
        let (said, measured) = (precision.estimated_bytes, precision.measured_bytes());
        rows.push(vec![
            precision.format.clone(),
            grouped(said.into()),
            decimal(said),
            binary(said),
            grouped(measured.into()),
            decimal(measured),
            binary(measured),
            precision.relative_rmse.map_or("-".into(), |e| format!("{e:.5}")),
        ]);
    }
    format!("{}\n{differences}", table(&rows))
}

/// The whole report.
pub(super) fn text(report: &Report) -> String {
    let mut out =
        format!("{}\nparameters: {}\n\n{}", device_line(report), grouped(report.parameters.into()), precisions(report));
    for precision in &report.precisions {
        out.push_str(&format!("\n{}", title(&format!("{} by class ({})", precision.format, note(precision)))));
        let mut rows = vec![["class", ">formula bytes", ">measured bytes"].map(String::from).to_vec()];
        for class in &precision.classes {
            rows.push(vec![class.class.into(), grouped(class.estimated.into()), grouped(class.measured.into())]);
        }
        out.push_str(&table(&rows));
        let mut worst: Vec<_> = precision.tensors.iter().filter(|t| t.relative_rmse.is_some()).collect();
        worst.sort_by(|a, b| b.relative_rmse.partial_cmp(&a.relative_rmse).unwrap_or(std::cmp::Ordering::Equal));
        let mut rows = vec![["worst tensors", ">relative RMSE", ">max error", ">SQNR dB"].map(String::from).to_vec()];
        for tensor in worst.iter().take(5) {
            let figure = |value: Option<f64>, digits: usize| value.map_or("-".into(), |v| format!("{v:.digits$}"));
            let figures = [figure(tensor.relative_rmse, 5), figure(tensor.max_abs_error, 6), figure(tensor.sqnr_db, 2)];
            rows.push(std::iter::once(tensor.name.clone()).chain(figures).collect());
        }
        out.push_str(&format!("\n{}", table(&rows)));
        out.push_str(&dequantized(precision));
        out.push_str(&kept(precision));
    }
    out
}

fn note(precision: &Precision) -> String {
    match (precision.unmeasured, precision.mode) {
        (Some(reason), mode) => format!("{mode}; measured is what was asked for: {reason}"),
        (None, mode) => mode.into(),
    }
}

/// Which types of the file were dequantized first.
fn dequantized(precision: &Precision) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for tensor in precision.tensors.iter().filter(|t| t.dequantized_first) {
        *counts.entry(&tensor.source).or_default() += 1;
    }
    if counts.is_empty() {
        return String::new();
    }
    let counts: Vec<String> = counts.iter().map(|(source, count)| format!("{count} from {source}")).collect();
    format!("dequantized first, so that errors are those against the file's values: {}\n", counts.join(", "))
}

/// The tensors that were to be quantized and could not, and how many stay as they are by rule.
fn kept(precision: &Precision) -> String {
    let mut reasons = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for tensor in &precision.tensors {
        if let Some(reason) = tensor.kept {
            reasons.entry(reason).or_default().push(&tensor.name);
        }
    }
    let mut out = String::new();
    for (reason, names) in reasons {
        let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let more = if names.len() > 3 { ", ..." } else { "" };
        out.push_str(&format!("kept as stored, {reason}: {} ({shown}{more})\n", names.len()));
    }
    out
}
