//! Bytes as people write them.

/// Bytes with an optional decimal or binary unit.
pub(super) fn bytes(text: &str) -> std::result::Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let units = [
        ("", 1),
        ("B", 1),
        ("kB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("TB", 1_000_000_000_000_u64),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("TiB", 1 << 40),
    ];
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim())).map(|(_, factor)| *factor);
    match (number.parse::<f64>(), factor) {
        (Ok(number), Some(factor)) => Ok((number * factor as f64) as u64),
        _ => Err("expected bytes such as 1000000, 24GB or 512MiB (B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)".into()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_with_units() {
        assert_eq!(super::bytes("24GB"), Ok(24_000_000_000));
        assert_eq!(super::bytes("1.5MiB"), Ok(1_572_864));
        assert_eq!(super::bytes("17"), Ok(17));
        assert!(super::bytes("many").is_err());
    }
}
