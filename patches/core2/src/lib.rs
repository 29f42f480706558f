//! What core2 was with its `std` feature: the standard library under another name.
pub use std::{error, io};
