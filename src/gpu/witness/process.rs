//! What the system says of this process: pages that are there, and what DRM drivers count for it.

use std::collections::BTreeMap;

use super::Witness;

/// Those that this system has.
pub(super) fn witnesses() -> Vec<Witness> {
    let mut all = Vec::new();
    if let Ok(rollup) = std::fs::read_to_string("/proc/self/smaps_rollup") {
        let field = |name: &str| rollup.lines().find_map(|line| line.strip_prefix(name)).and_then(kibibytes);
        let anonymous = field("Pss_Anon:").zip(field("Pss_Shmem:")).map(|(anon, shared)| anon + shared);
        // Pages of files come and go as the system likes; those that a software device hands out are not among the first.
        for (name, used, scope) in [
            ("process_anon", anonymous, "pages of this process that are in memory and of no file"),
            ("process_rss", field("Rss:"), "pages of this process that are in memory, those of files and shared ones too"),
            ("process_pss", field("Pss:"), "the same, a shared page divided by those who share it"),
        ] {
            all.extend(used.map(|used| Witness::new(name, scope, used, None)));
        }
    }
    all.extend(fdinfo());
    all
}

fn kibibytes(text: &str) -> Option<u64> {
    let (number, unit) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    let factor = match unit.trim() {
        // The kernel's documentation: bytes where there is no unit.
        "" => 1,
        "kB" | "KiB" => 1024,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    Some(number.parse::<u64>().ok()? * factor)
}

/// The kernel's count of what DRM drivers (amdgpu, i915, xe and others) hold for this process: documentation/gpu/drm-usage-stats.
fn fdinfo() -> Option<Witness> {
    let entries = std::fs::read_dir("/proc/self/fdinfo").ok()?;
    let texts = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path()).ok());
    let used = drm_bytes(texts)?;
    Some(Witness::new("drm_fdinfo", "memory that the DRM driver holds for this process", used, None))
}

/// The sum over clients; a client that has several descriptors counts once.
fn drm_bytes(texts: impl Iterator<Item = String>) -> Option<u64> {
    let mut clients = BTreeMap::new();
    for text in texts {
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
        let Some(client) = value("drm-client-id:") else { continue };
        // `drm-total-<region>` since Linux 6.5; `drm-memory-<region>` before.
        let sum = |prefix: &str| -> Option<u64> {
            let of = |line: &str| line.strip_prefix(prefix)?.split_once(':').and_then(|(_, rest)| kibibytes(rest));
            let all: Vec<u64> = text.lines().filter_map(of).collect();
            (!all.is_empty()).then(|| all.iter().sum())
        };
        if let Some(bytes) = sum("drm-total-").or_else(|| sum("drm-memory-")) {
            clients.insert(client.trim().to_owned(), bytes);
        }
    }
    (!clients.is_empty()).then(|| clients.values().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_counts_once_and_regions_add_up() {
        let text = |client: u32, vram: u32| {
            format!(
                "pos:\t0\ndrm-driver:\tamdgpu\ndrm-client-id:\t{client}\ndrm-total-vram:\t{vram} KiB\ndrm-total-gtt:\t4 KiB\n"
            )
        };
        let old = "drm-client-id:\t9\ndrm-memory-vram:\t2 MiB\ndrm-memory-gtt:\t4096\n".to_owned();
        let all = [text(7, 100), text(7, 100), text(8, 1), "pos:\t0\n".into(), old];
        assert_eq!(drm_bytes(all.into_iter()), Some((104 + 5 + 2048 + 4) * 1024));
        assert_eq!(drm_bytes(["pos:\t0\n".to_owned()].into_iter()), None);
    }
}
