//! `params!`: the Rust side of a kernel's `struct Params`, which remembers its fields so that they can be checked.

/// A kernel's parameters: plain words, and where each field lies.
pub trait Params: bytemuck::Pod {
    /// Field names and byte offsets, in order.
    const FIELDS: &'static [(&'static str, usize)];
}

/// Declares a parameter struct of 32-bit fields; [`crate::gpu::Program`] compares it with the `struct Params` of the WGSL.
#[macro_export]
#[doc(hidden)]
macro_rules! params {
    ($(#[$meta:meta])* $name:ident { $($field:ident),* $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name { $(#[allow(missing_docs)] pub $field: u32),* }

        impl $crate::gpu::Params for $name {
            const FIELDS: &'static [(&'static str, usize)] =
                &[$((stringify!($field), std::mem::offset_of!($name, $field))),*];
        }
    };
}
