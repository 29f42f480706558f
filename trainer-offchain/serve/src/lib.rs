//! Generation and chat.

mod generate;

pub use generate::{generate, FinishReason, Generation, GenerationOptions};
