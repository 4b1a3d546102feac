//! The keys of a Hugging Face `config.json`, with the defaults that transformers' config classes give to those that are absent.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// A config, and where it came from.
pub(super) struct Config<'a> {
    pub what: &'a str,
    pub keys: &'a Map<String, Value>,
}

/// A number that counts something is no larger than this: products of three stay within 128 bits, sums of tensors within 64.
const LARGEST: u64 = 1 << 24;

impl Config<'_> {
    fn wrong(&self, key: &str, want: &str, have: &Value) -> Error {
        Error::Unsupported {
            what: format!("{}: {key:?}", self.what),
            need: want.into(),
            have: match have {
                Value::String(_) | Value::Array(_) | Value::Object(_) => have.to_string().chars().take(60).collect(),
                other => other.to_string(),
            },
        }
    }

    /// A number; null is as good as absent.
    pub fn optional(&self, key: &str) -> Result<Option<u64>> {
        match self.keys.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) if number <= LARGEST => Ok(Some(number)),
                _ => Err(self.wrong(key, &format!("a whole number from 0 to {LARGEST}"), value)),
            },
        }
    }

    /// A number under one of several names, the first that is there; else the default.
    pub fn any(&self, keys: &[&str], default: u64) -> Result<u64> {
        for key in keys {
            if let Some(number) = self.optional(key)? {
                return Ok(number);
            }
        }
        Ok(default)
    }

    pub fn number(&self, key: &str, default: u64) -> Result<u64> {
        Ok(self.optional(key)?.unwrap_or(default))
    }

    /// A number of which null means that there is none, and absence the default.
    pub fn nullable(&self, key: &str, default: Option<u64>) -> Result<Option<u64>> {
        if self.keys.contains_key(key) { self.optional(key) } else { Ok(default) }
    }

    /// A number that something is divided by.
    pub fn positive(&self, key: &str, default: u64) -> Result<u64> {
        match self.number(key, default)? {
            0 => Err(self.wrong(key, "a whole number above 0", &Value::from(0))),
            number => Ok(number),
        }
    }

    pub fn flag(&self, key: &str, default: bool) -> Result<bool> {
        match self.keys.get(key) {
            None | Some(Value::Null) => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(value) => Err(self.wrong(key, "true or false", value)),
        }
    }

    /// Numbers of a list; none where it is absent.
    pub fn numbers(&self, key: &str) -> Result<Vec<u64>> {
        match self.keys.get(key) {
            None | Some(Value::Null) => Ok(vec![]),
            Some(Value::Array(list)) if list.iter().all(|v| v.as_u64().is_some()) => {
                Ok(list.iter().filter_map(Value::as_u64).collect())
            }
            Some(value) => Err(self.wrong(key, "a list of whole numbers", value)),
        }
    }

    /// Whether each layer's attention slides over a window, where `layer_types` says so.
    pub fn sliding_layers(&self, layers: u64) -> Result<Option<Vec<bool>>> {
        let list = match self.keys.get("layer_types") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(list)) if list.len() as u64 == layers => list,
            Some(value) => return Err(self.wrong("layer_types", &format!("a list of {layers} layers"), value)),
        };
        let slides = |value: &Value| match value.as_str() {
            Some("sliding_attention") => Ok(true),
            Some("full_attention") => Ok(false),
            _ => Err(self.wrong("layer_types", "full_attention or sliding_attention for each layer", value)),
        };
        list.iter().map(slides).collect::<Result<_>>().map(Some)
    }

    /// `a / b` where that is whole.
    pub fn quotient(&self, a: (&str, u64), b: (&str, u64)) -> Result<u64> {
        match a.1.checked_div(b.1) {
            Some(q) if q * b.1 == a.1 => Ok(q),
            _ => Err(Error::Unsupported {
                what: self.what.into(),
                need: format!("{} as a multiple of {}", a.0, b.0),
                have: format!("{} and {}", a.1, b.1),
            }),
        }
    }
}
