//! What runs on a device: it fails, and does not skip, where there is none.

mod data;
mod twins;
