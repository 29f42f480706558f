//! The worker against a chain in memory and stores in a temporary folder, with a real base model and real training.

mod bidding;
mod evaluation;
mod fitting;
mod job;
mod judging;
mod mapping;
mod methods;
mod pausing;
mod refusals;
mod restarts;
mod serving;
mod watching;
mod world;
