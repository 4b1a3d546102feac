//! The types of tensors that GGUF files hold, with their blocks.

/// A ggml type: its number in the file, its name, values in a block, bytes of a block, whether it is floating point.
pub(super) struct GgmlType {
    pub number: u32,
    pub name: &'static str,
    pub block_len: u64,
    pub block_bytes: u64,
    pub is_float: bool,
}

const fn float(number: u32, name: &'static str, block_len: u64, block_bytes: u64) -> GgmlType {
    GgmlType { number, name, block_len, block_bytes, is_float: true }
}

const fn integer(number: u32, name: &'static str, block_bytes: u64) -> GgmlType {
    GgmlType { number, name, block_len: 1, block_bytes, is_float: false }
}

/// Every type of ggml that a file may hold. Source: PyPI gguf 0.19, `GGMLQuantizationType` and `GGML_QUANT_SIZES`; Q8_1 as ggml's
/// `block_q8_1` has it, with two f16.
pub(super) const TYPES: &[GgmlType] = &[
    float(0, "F32", 1, 4),
    float(1, "F16", 1, 2),
    float(2, "Q4_0", 32, 18),
    float(3, "Q4_1", 32, 20),
    float(6, "Q5_0", 32, 22),
    float(7, "Q5_1", 32, 24),
    float(8, "Q8_0", 32, 34),
    float(9, "Q8_1", 32, 36),
    float(10, "Q2_K", 256, 84),
    float(11, "Q3_K", 256, 110),
    float(12, "Q4_K", 256, 144),
    float(13, "Q5_K", 256, 176),
    float(14, "Q6_K", 256, 210),
    float(15, "Q8_K", 256, 292),
    float(16, "IQ2_XXS", 256, 66),
    float(17, "IQ2_XS", 256, 74),
    float(18, "IQ3_XXS", 256, 98),
    float(19, "IQ1_S", 256, 50),
    float(20, "IQ4_NL", 32, 18),
    float(21, "IQ3_S", 256, 110),
    float(22, "IQ2_S", 256, 82),
    float(23, "IQ4_XS", 256, 136),
    integer(24, "I8", 1),
    integer(25, "I16", 2),
    integer(26, "I32", 4),
    integer(27, "I64", 8),
    float(28, "F64", 1, 8),
    float(29, "IQ1_M", 256, 56),
    float(30, "BF16", 1, 2),
    float(34, "TQ1_0", 256, 54),
    float(35, "TQ2_0", 256, 66),
    float(39, "MXFP4", 32, 17),
    float(40, "NVFP4", 64, 36),
    float(41, "Q1_0", 128, 18),
];

/// The type of this number.
pub(super) fn of(number: u32) -> Option<&'static GgmlType> {
    TYPES.iter().find(|t| t.number == number)
}
