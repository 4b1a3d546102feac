//! What `prove` found, as text.

use super::table::{table, title, words};
use crate::footprint::claims::MyVerdict;
use crate::footprint::{Account, Claim, Proof};
use crate::gpu::Calibration;
use crate::units::{binary, decimal, grouped};

/// Characters in a line of prose.
const WIDTH: usize = 118;

pub(super) fn text(proof: &Proof, verbose: bool) -> String {
    let software = if proof.software { ", software on the host's processor" } else { "" };
    let mut out = format!("device: {} ({}){software}\n\n", proof.adapter, proof.driver);
    let mut rows = vec![["row", "claim", ">said", ">measured", "unit", "verdict"].map(String::from).to_vec()];
    for claim in &proof.claims {
        rows.push(vec![
            claim.row.to_string(),
            claim.id.into(),
            figure(claim.expected),
            figure(claim.measured),
            claim.unit.into(),
            claim.verdict.name().into(),
        ]);
    }
    out.push_str(&format!("{}\n{}", table(&rows), title("what was said, and when it holds")));
    for claim in &proof.claims {
        out.push_str(&words(&format!("{:>2}  ", claim.row), &format!("\"{}\": {}", claim.statement, claim.condition), WIDTH));
    }
    out.push_str(&format!("\n{}", account(&proof.account)));
    if verbose {
        out.push_str(&format!("\n{}", calibrations(&proof.calibrations)));
        proof.claims.iter().for_each(|claim| out.push_str(&evidence(claim)));
    } else {
        out.push_str("\n--verbose shows the evidence, --html FILE the plots.\n");
    }
    out
}

/// A figure in few digits.
fn figure(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value.fract() == 0.0 => grouped(value as i128),
        Some(value) if value.abs() >= 1000.0 => grouped(value.round() as i128),
        Some(value) => format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}

/// The levels from the formula to the witness.
fn account(account: &Account) -> String {
    let mut out = title("from a formula to the driver: weights, gradients and moments of an AdamW step in F32");
    let mut rows = vec![["level", "line", ">bytes", ">", ">"].map(String::from).to_vec()];
    for level in &account.levels {
        for line in &level.lines {
            rows.push(vec![String::new(), line.name.clone(), signed(line.bytes), String::new(), String::new()]);
        }
        rows.push(vec![
            level.name.into(),
            String::new(),
            grouped(level.bytes.into()),
            decimal(level.bytes),
            binary(level.bytes),
        ]);
    }
    out.push_str(&table(&rows));
    out.push_str(&match (account.witness, &account.unmeasured) {
        (Some(witness), _) => format!(
            "residual {} bytes beside the witness {witness}: {} its tolerance of {} bytes\n",
            grouped(account.residual.into()),
            if account.holds() { "within" } else { "BEYOND" },
            grouped(account.tolerance.into())
        ),
        (None, Some(reason)) => format!("not measured further: {reason}\n"),
        (None, None) => String::new(),
    });
    for witness in &account.witnesses {
        for doubt in &witness.doubts {
            out.push_str(&words("", &format!("unreliable: {} ({}): {doubt}", witness.name, witness.scope), WIDTH));
        }
    }
    out
}

fn signed(bytes: i64) -> String {
    if bytes < 0 { grouped(bytes.into()) } else { format!("+{}", grouped(bytes.into())) }
}

fn calibrations(all: &[Calibration]) -> String {
    let heading = ["witness", ">slope", ">intercept", ">worst", ">spread", "holds"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    for c in all {
        rows.push(vec![
            c.witness.into(),
            format!("{:.5}", c.slope),
            grouped(c.intercept.round() as i128),
            grouped(c.worst.round() as i128),
            grouped(c.spread.into()),
            if c.holds() { "yes" } else { "no" }.into(),
        ]);
    }
    format!("{}{}", title("witnesses against ballast: bytes seen for a byte that is there"), table(&rows))
}

fn evidence(claim: &Claim) -> String {
    let json = serde_json::to_string_pretty(&claim.evidence).unwrap_or_default();
    format!(
        "\n{}{}{}{json}\n",
        title(&format!("{}. {}", claim.row, claim.id)),
        words("reading   ", claim.reading, WIDTH),
        words("measured  ", claim.method, WIDTH)
    )
}

/// One's own claims.
pub(super) fn own(adapter: &str, verdicts: &[MyVerdict]) -> String {
    let heading = ["claim", ">claimed", ">measured", ">weights", ">cache", ">off", "verdict"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    for v in verdicts {
        let name = if v.claim.name.is_empty() { format!("{} {}", v.claim.model, v.claim.format) } else { v.claim.name.clone() };
        rows.push(vec![
            name,
            grouped(v.claim.claimed_bytes.into()),
            grouped(v.measured.into()),
            grouped(v.weights.into()),
            grouped(v.kv_cache.into()),
            format!("{:+.2} %", v.off * 100.0),
            v.verdict.name().into(),
        ]);
    }
    let inexact: Vec<&str> = verdicts.iter().filter(|v| !v.exact).map(|v| v.claim.model.as_str()).collect();
    let note = match inexact.len() {
        0 => "What was placed on the device, layers by slope where all of them do not fit, is the formula's to the byte.\n"
            .into(),
        _ => format!("Not the formula's to the byte: {}\n", inexact.join(", ")),
    };
    format!("device: {adapter}\n\n{}{note}", table(&rows))
}
