//! One differentiable decoder, its families and checkpoints.
//!
//! A family is a configuration reader and a map of tensor names ([`family`]); the decoder ([`Decoder`]) is one, for
//! training and serving alike; LoRA wraps any of its linear layers ([`lora`]). Weights are computed in f32.

pub mod chat_template;
pub mod checkpoint;
pub mod config;
pub mod cuda;
pub mod decoder;
pub mod dora;
pub mod error;
pub mod family;
pub mod files;
pub mod kernels;
pub mod linear;
pub mod lora;
pub mod mat;
pub mod merge;
pub mod nf4;
pub mod nf4_tensor;
pub mod ops;
pub mod peft;
pub mod quantise;
pub mod source;
pub mod tokenizer;

pub use chat_template::{ChatTemplate, Message};
pub use config::{DecoderConfig, RawConfig};
pub use decoder::{Decoder, KvCache, Segment};
pub use error::{ModelError, Result};
pub use linear::AdapterSet;
pub use lora::LoraSettings;
pub use tokenizer::ModelTokenizer;
