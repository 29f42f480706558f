//! LoRA and full fine-tuning, and pretraining of small models: data, loop, optimiser, adapters, manifest.
//!
//! [`run`] does one run from a [`RunConfig`]; [`evaluate`] measures a model; [`pretrain::init_model`] makes one from nothing.

pub mod adamw;
pub mod config;
pub mod data;
pub mod error;
pub mod evaluate;
pub mod hash;
pub mod manifest;
pub mod plan;
pub mod pretrain;
pub mod run;
pub mod schedule;
pub mod trainer;

pub use config::{Method, RunConfig, Scheduler};
pub use error::{FinetuneError, Result};
pub use evaluate::{evaluate, Evaluation};
pub use manifest::Manifest;
pub use run::{run, RunReport};
pub use trainer::StepMetrics;
