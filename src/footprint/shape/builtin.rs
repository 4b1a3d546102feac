//! Models that are known by name: their published configs, without weights.

use std::sync::OnceLock;

use serde_json::{Map, Value};

/// Names and configs, in the order of the file.
fn models() -> &'static Map<String, Value> {
    static MODELS: OnceLock<Map<String, Value>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let parsed: Value = serde_json::from_str(include_str!("models.json")).unwrap_or_default();
        parsed.as_object().cloned().unwrap_or_default()
    })
}

/// Every built-in name.
#[must_use]
pub fn names() -> Vec<&'static str> {
    models().keys().map(String::as_str).collect()
}

/// The config of a built-in name; case and a few usual spellings do not matter.
pub(super) fn config(name: &str) -> Option<(&'static str, &'static Map<String, Value>)> {
    let plain = |name: &str| name.to_lowercase().replace(['_', ' ', '/'], "-");
    let wanted = plain(name);
    let wanted = match wanted.as_str() {
        "gpt-2" => "gpt2",
        "gpt-3" | "gpt3" | "gpt-3-175b" => "gpt3-175b",
        "grok" | "grok1" | "grok-1-314b" => "grok-1",
        "deepseek" | "deepseek-v3-671b" => "deepseek-v3",
        other => other,
    };
    models().iter().find(|(known, _)| *known == wanted).and_then(|(known, config)| Some((known.as_str(), config.as_object()?)))
}
