//! LoRA and full fine-tuning, and pretraining of small models: data, loop, optimiser, adapters, manifest.
//!
//! [`run`] does one run from a [`RunConfig`], [`resume`] goes on with it; [`evaluate`] measures a model; [`pretrain::init_model`] makes one from nothing.

pub mod adamw;
mod adapter;
pub mod checkpoints;
pub mod config;
pub mod data;
pub mod encode;
pub mod error;
pub mod evaluate;
pub mod hash;
pub mod kernel;
pub mod manifest;
pub mod memory;
pub mod plan;
pub mod pretrain;
pub mod rerun;
pub mod run;
pub mod schedule;
pub mod sequence;
pub mod state;
pub mod trainer;
mod training;

pub use config::{Method, RunConfig, Scheduler};
pub use error::{FinetuneError, Result};
pub use evaluate::{evaluate, Base, Evaluation};
pub use manifest::Manifest;
pub use run::{resume, run, RunReport};
pub use trainer::StepMetrics;
