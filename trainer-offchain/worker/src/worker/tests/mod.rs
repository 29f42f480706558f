//! The worker against a chain in memory and stores in a temporary folder, with a real base model and real training.

mod bidding;
mod evaluation;
mod job;
mod judging;
mod mapping;
mod refusals;
mod watching;
mod world;
