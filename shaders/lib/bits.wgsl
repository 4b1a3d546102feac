// A field of bits in a row of bytes.
struct Bits {
    byte: u32,
    shift: u32,
    width: u32,
    value: u32,
}
