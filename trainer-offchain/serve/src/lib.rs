//! Generation and chat: one text ([`generate()`]), or many at once over one base model and any number of adapters, by
//! OpenAI's API ([`http`]).

mod adapters;
mod api;
mod engine;
mod generate;
pub mod http;
mod sequence;
mod text;

pub use adapters::{AdapterError, AdapterSource, Adapters};
pub use api::ApiError;
pub use engine::{Counts, Ending, Engine, EngineLimits, Event, Refusal, Request};
pub use generate::{generate, prompt_ids, Generation};
pub use http::{serve, Server};
pub use sequence::{FinishReason, GenerationOptions};
