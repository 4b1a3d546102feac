//! safetensors from any bytes: `cargo fuzz run safetensors` (on a stable toolchain with RUSTC_BOOTSTRAP=1). The length of the header
//! is set right, or almost every input would end there.
#![no_main]

mod walk;

libfuzzer_sys::fuzz_target!(|input: (&[u8], &[u8])| {
    let (header, data) = input;
    walk::walk([&(header.len() as u64).to_le_bytes(), header, data].concat());
});
