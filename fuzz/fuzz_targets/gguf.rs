//! GGUF from any bytes: `cargo fuzz run gguf` (on a stable toolchain with RUSTC_BOOTSTRAP=1).
#![no_main]

mod walk;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    walk::walk([b"GGUF", bytes].concat());
});
