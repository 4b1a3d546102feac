//! The claims of `prove` as one page of HTML: no script, no network, light or dark as the reader's system is.

use super::html::{STYLE, escape, table};
use super::prove_charts as charts;
use crate::footprint::{Account, Claim, Proof, Verdict};
use crate::units::{decimal, grouped};

const TITLE: &str = "The article's claims, measured";

/// The page.
pub(super) fn page(proof: &Proof) -> String {
    let mut out = String::new();
    out.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str(&format!("<title>{TITLE}</title>\n<style>{STYLE}{MORE}</style>\n</head>\n<body>\n<main>\n<h1>{TITLE}</h1>\n"));
    out.push_str(&facts(proof));
    out.push_str("<h2>Claims</h2>\n");
    out.push_str(&claims(&proof.claims));
    out.push_str("<h2>When each holds</h2>\n");
    proof.claims.iter().for_each(|claim| out.push_str(&details(claim)));
    out.push_str("<h2>Charts</h2>\n");
    for chart in [charts::storage, charts::training_state, charts::activations, charts::inference] {
        out.push_str(&chart(proof));
    }
    out.push_str("<h2>From the formula to the driver</h2>\n");
    out.push_str(&charts::account(&proof.account));
    out.push_str(&residual(&proof.account));
    out.push_str("<h2>Witnesses held against ballast</h2>\n");
    out.push_str(&calibrations(proof));
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn facts(proof: &Proof) -> String {
    let software = if proof.software { "yes: the host's processor does the work" } else { "no" };
    list(&[
        ("Device", proof.adapter.as_str()),
        ("Driver", proof.driver.as_str()),
        ("Software", software),
        ("Memory hints", proof.memory_hints),
        ("Made by", concat!("weighbridge ", env!("CARGO_PKG_VERSION"))),
    ])
}

fn list(entries: &[(&str, &str)]) -> String {
    let entry = |(term, fact): &(&str, &str)| format!("<div><dt>{term}</dt><dd>{}</dd></div>\n", escape(fact));
    format!("<dl>\n{}</dl>\n", entries.iter().map(entry).collect::<String>())
}

/// A table of its own, since a verdict has a color and statements are long.
fn claims(claims: &[Claim]) -> String {
    let mut out = String::from("<div class=\"wide\"><table class=\"claims\">\n<caption>All claims</caption>\n<thead><tr>");
    for (title, class) in
        [("row", ""), ("claim", ""), ("expected", " class=\"n\""), ("measured", " class=\"n\""), ("unit", ""), ("verdict", "")]
    {
        out.push_str(&format!("<th scope=\"col\"{class}>{title}</th>"));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for claim in claims {
        out.push_str(&format!(
            "<tr><td>{}</td><th scope=\"row\">{}</th><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>\n",
            claim.row,
            escape(claim.statement),
            amount(claim.expected),
            amount(claim.measured),
            escape(claim.unit),
            verdict(claim.verdict)
        ));
    }
    out + "</tbody></table></div>\n"
}

fn verdict(verdict: Verdict) -> String {
    let name = verdict.name();
    format!("<b class=\"verdict-{name}\">{name}</b>")
}

/// Whole numbers in groups of three, others with four digits behind the point, or as powers of ten where that is too few.
fn amount(value: Option<f64>) -> String {
    match value.filter(|v| v.is_finite()) {
        None => "-".into(),
        Some(v) if v.fract() == 0.0 => grouped(v as i128),
        Some(v) if v.abs() < 1e-3 => format!("{v:.3e}"),
        Some(v) => format!("{v:.4}"),
    }
}

fn details(claim: &Claim) -> String {
    let summary = format!("Row {}: {}", claim.row, claim.statement);
    let words = list(&[("Reading", claim.reading), ("Method", claim.method)]);
    format!(
        "<p>{} ({}). {}</p>\n<details><summary>How it was measured</summary>\n{words}{}</details>\n",
        escape(&summary),
        verdict(claim.verdict),
        escape(&claim.condition),
        evidence(claim)
    )
}

fn evidence(claim: &Claim) -> String {
    let empty = claim.evidence.is_null() || claim.evidence.as_object().is_some_and(serde_json::Map::is_empty);
    if empty {
        return "<p>No measurements.</p>\n".into();
    }
    let json = serde_json::to_string_pretty(&claim.evidence).unwrap_or_default();
    // Line by line: in names, ends of lines are no text, and would be taken out.
    let lines: Vec<String> = json.lines().map(escape).collect();
    format!("<pre tabindex=\"0\">{}</pre>\n", lines.join("\n"))
}

/// Whether what no line explains is within its tolerance.
fn residual(account: &Account) -> String {
    let missing = account
        .unmeasured
        .as_deref()
        .map_or(String::new(), |reason| format!("<p>Not all was measured: {}.</p>\n", escape(reason)));
    let Some(witness) = account.witness else {
        return format!("<p>No residual: there is no witness to hold the ledger against.</p>\n{missing}");
    };
    let (class, word) = if account.holds() { ("true", "within") } else { ("false", "beyond") };
    format!(
        "<p>Residual to {}: {} ({} bytes), <b class=\"verdict-{class}\">{word}</b> its tolerance of {} ({} bytes).</p>\n{missing}",
        escape(witness),
        charts::signed(account.residual),
        grouped(account.residual.into()),
        decimal(account.tolerance),
        grouped(account.tolerance.into())
    )
}

fn calibrations(proof: &Proof) -> String {
    if proof.calibrations.is_empty() {
        return "<p>No witness was held against ballast.</p>\n".into();
    }
    // A cast of what is not finite would print bytes that nobody measured.
    let bytes = |value: f64| if value.is_finite() { charts::signed(value as i64) } else { "-".into() };
    let rows: Vec<_> = (proof.calibrations.iter())
        .map(|c| {
            let holds = if c.holds() { "yes" } else { "no" };
            let worst = bytes(c.worst).trim_start_matches('+').to_owned();
            vec![
                c.witness.to_owned(),
                format!("{:.5}", c.slope),
                bytes(c.intercept),
                worst,
                decimal(c.spread),
                holds.to_owned(),
            ]
        })
        .collect();
    let heading = ["witness", ">slope", ">intercept", ">worst distance", ">spread of readings", "slope is 1 within 0.1 %"];
    table("Used = intercept + slope x ballast", &heading, &rows)
}

/// What this page needs beyond the style of every report.
const MORE: &str = "
.claims th, .claims td { white-space: normal; vertical-align: top; } .claims .n, .claims td:last-child { white-space: nowrap; }
.verdict-true { color: var(--c2); } .verdict-false { color: var(--c5); } .verdict-conditional { color: var(--c1); }
.verdict-unmeasured { color: var(--faint); }
details dl { margin-left: 1rem; } pre { overflow: auto; max-height: 24rem; margin: 1rem; font-size: .8125rem; }
.chart { overflow-x: auto; margin: 2rem 0; } .chart svg { min-width: 34rem; margin-top: .5rem; }
";
