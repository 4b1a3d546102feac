//! The laws of the house that are absences.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if entry.is_dir() {
                walk(&entry, extension, found);
            } else if entry.extension().is_some_and(|e| e == extension) {
                found.push(entry);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), extension, &mut found);
    assert!(!found.is_empty(), "no .{extension} files under {folder}");
    let name = |path: &Path| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    found.into_iter().map(|path| (name(&path), std::fs::read_to_string(&path).unwrap())).collect()
}

/// Code without the comments, in which names may be spoken of.
fn code(text: &str) -> String {
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn only_gpu_names_wgpu() {
    for (name, text) in files("src", "rs").into_iter().filter(|(name, _)| !name.starts_with("src/gpu/")) {
        assert!(!code(&text).contains("wgpu::"), "{name} names wgpu");
    }
}

#[test]
fn imports_point_down() {
    // A module, and what it must not use.
    let rules: &[(&str, &[&str])] = &[
        ("src/gpu/", &["format", "io", "tensor", "quantize", "sample", "footprint", "cli"]),
        ("src/format/", &["gpu", "io", "tensor", "quantize", "footprint", "cli"]),
        ("src/io/", &["gpu", "tensor", "quantize", "footprint", "cli"]),
        ("src/footprint/lines.rs", &["gpu", "io", "tensor", "quantize", "cli"]),
        ("src/footprint/class.rs", &["gpu", "io", "tensor", "quantize", "cli"]),
        ("src/tensor.rs", &["io", "quantize", "footprint", "cli"]),
        ("src/quantize/", &["io", "sample", "footprint", "cli"]),
        ("src/footprint/", &["cli"]),
        // Formulas ask no device.
        ("src/footprint/estimate/", &["gpu", "io", "tensor", "quantize", "cli"]),
        ("src/footprint/shape/", &["gpu", "tensor", "quantize", "cli"]),
        ("src/train/", &["io", "tensor", "quantize", "footprint", "cli"]),
        ("src/train/optimizer.rs", &["gpu"]),
        ("src/train/twin.rs", &["gpu"]),
        ("src/block/", &["io", "quantize", "sample", "footprint", "cli"]),
        ("src/block/plan.rs", &["gpu", "tensor"]),
        ("src/block/twin.rs", &["gpu", "tensor"]),
        ("src/sample/", &["io", "tensor", "quantize", "footprint", "cli"]),
        // What a draw means, and its twin, know no device.
        ("src/sample/twin.rs", &["gpu"]),
        ("src/sample/filters.rs", &["gpu"]),
        ("src/sample/chain.rs", &["gpu"]),
        ("src/sample/params.rs", &["gpu"]),
        ("src/sample/fixed.rs", &["gpu"]),
        ("src/sample/gumbel.rs", &["gpu"]),
        ("src/error.rs", &["gpu", "format", "io", "tensor", "quantize", "footprint", "cli"]),
        ("src/units.rs", &["gpu", "format", "io", "tensor", "quantize", "footprint", "cli"]),
    ];
    for (name, text) in files("src", "rs") {
        for (_, forbidden) in rules.iter().filter(|(place, _)| name.starts_with(place)) {
            for module in *forbidden {
                assert!(!code(&text).contains(&format!("crate::{module}")), "{name} uses crate::{module}");
            }
        }
    }
}

#[test]
fn shaders_have_no_conditionals_and_rust_has_no_shaders() {
    for (name, text) in files("shaders", "wgsl") {
        for line in text.lines().filter(|l| l.trim_start().starts_with('#')) {
            assert!(line.starts_with("#import "), "{name}: {line}");
        }
    }
    for (name, text) in files("src", "rs") {
        assert!(!text.contains("@compute") && !text.contains("var<storage"), "{name} holds WGSL");
    }
}

#[test]
fn every_shader_file_is_listed() {
    let listed: Vec<&str> = weighbridge::gpu::SHADERS.iter().map(|(name, _)| *name).collect();
    for (name, _) in files("shaders", "wgsl") {
        let name = name.trim_start_matches("shaders/").trim_end_matches(".wgsl");
        assert!(listed.contains(&name), "{name} is not in SHADERS");
    }
}

#[test]
fn files_are_short() {
    let all = ["src", "tests", "benches", "examples"]
        .into_iter()
        .flat_map(|folder| files(folder, "rs"))
        .chain(files("shaders", "wgsl"));
    let mut lengths: Vec<usize> = Vec::new();
    for (name, text) in all {
        let lines = text.lines().count();
        assert!(lines <= 400, "{name} has {lines} lines");
        lengths.push(lines);
    }
    lengths.sort_unstable();
    assert!(lengths[lengths.len() / 2] <= 150, "the median file has {} lines", lengths[lengths.len() / 2]);
    let architecture = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    assert!(architecture.lines().count() <= 150);
}

#[test]
fn examples_read_top_to_bottom() {
    for (name, text) in files("examples", "rs") {
        assert!(text.lines().count() < 60, "{name}");
    }
}

#[test]
fn the_quick_start_is_two_commands() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let section = readme.split("## Quick start").nth(1).unwrap().split("\n## ").next().unwrap();
    let fenced: Vec<&str> = section.split("```").collect();
    assert_eq!(fenced.len(), 3, "one fenced block");
    let commands: Vec<&str> = fenced[1].lines().skip(1).filter(|l| !l.trim().is_empty()).collect();
    assert_eq!(commands, ["cargo run --release", "scripts/test.sh"]);
    let ci = std::fs::read_to_string(root().join(".ci/run")).unwrap();
    assert!(ci.contains(commands[1]));
}

#[test]
fn the_package_is_small_enough_to_publish() {
    // crates.io takes 10 MB, compressed: the package itself is made and weighed. Weights do not compress; they alone are less.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let arguments = ["package", "--quiet", "--no-verify", "--allow-dirty", "--offline", "--target-dir"];
    let made = std::process::Command::new(cargo).args(arguments).arg(&folder).current_dir(root()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let name = concat!("package/weighbridge-", env!("CARGO_PKG_VERSION"), ".crate");
    let bytes = folder.join(name).metadata().unwrap().len();
    assert!((5_000_000..9_000_000).contains(&bytes), "{bytes} bytes");
    let data: u64 = walk_sizes(&root().join("data")).iter().sum();
    assert!(data < 8_000_000, "{data} bytes of data");
}

fn walk_sizes(folder: &Path) -> Vec<u64> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    entries.flat_map(|e| if e.path().is_dir() { walk_sizes(&e.path()) } else { vec![e.metadata().unwrap().len()] }).collect()
}

#[test]
fn the_stated_rust_is_enough_for_every_dependency() {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let host = std::process::Command::new("rustc").arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let arguments = ["metadata", "--format-version", "1", "--offline", "--filter-platform", &host];
    let output = std::process::Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let version = |text: &str| text.split('.').map(|n| n.parse::<u32>().unwrap()).collect::<Vec<_>>();
    let packages = metadata["packages"].as_array().unwrap();
    let of = |package: &serde_json::Value| package["rust_version"].as_str().map(version);
    let ours = packages.iter().find(|p| p["name"] == "weighbridge").and_then(of).unwrap();
    assert!(packages.len() > 50, "{} packages", packages.len());
    for package in packages {
        if let Some(needed) = of(package) {
            assert!(needed[..2] <= ours[..2], "{} needs Rust {needed:?}", package["name"]);
        }
    }
}
