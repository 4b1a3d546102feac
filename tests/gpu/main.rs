//! What runs on a device: it fails, and does not skip, where there is none.

mod data;
mod door;
mod errors;
mod golden;
mod limits;
mod memory;
mod policy;
mod twins;
mod weigh;
