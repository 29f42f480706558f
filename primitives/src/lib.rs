//! Types and pure rules shared by the pallets and by every client.
//!
//! Nothing here reads a clock, draws randomness or touches storage: time, seeds and parameters come in as
//! arguments, so that the same rule runs in the runtime, in a client and in a simulation.
//!
//! | module | what it decides |
//! |---|---|
//! | [`payload`] | what names a file: sha2-256, CID, proof of possession |
//! | [`format`] | which files there are, and what their first bytes say they are |
//! | [`quota`] | how much an account may contribute in a UTC day |
//! | [`item`] | a contribution and what became of it; the review fee |
//! | [`vote`] | verdicts, their commitments and salts |
//! | [`sortition`] | who judges an item, with what weight |
//! | [`tally`] | what a round of votes decides |
//! | [`challenge`] | what challenging a verdict costs, decides and punishes |
//! | [`merkle`] | the root that many hashes are stated by |
//! | [`plant`] | known-answer items: their commitment and their trial |
//! | [`validator`] | stake, and what of it is at risk or leaving |
//! | [`schedule`] | values that change two sessions later |
//! | [`points`] | what an item and a vote earn |
//! | [`rank`] | an account's standing in a Datanet |
//! | [`epoch`] | a day's budget and what its pools pay |
//! | [`fee`] | how a price is split, and fees of use |
//! | [`hold`] | what is on hold for contributing, for Datanets and for access |
//! | [`training`] | what a training job is ordered to do |
//! | [`capability`] | which orders a worker's machine can train |
//! | [`bid`] | which worker gets a job |
//! | [`model`] | base models, jobs, results, evaluations |
//! | [`evaluation`] | what a result is evaluated on |
//! | [`dispute`] | how other workers judge a result |
//! | [`params`] | what the pallets can be tuned by |
//! | [`traits`] | what the pallets ask of one another |

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
pub mod bid;
mod bits;
pub mod capability;
pub mod challenge;
pub mod dispute;
pub mod epoch;
pub mod evaluation;
pub mod fee;
pub mod format;
pub mod hold;
pub mod item;
pub mod merkle;
pub mod model;
pub mod params;
pub mod payload;
pub mod plant;
pub mod points;
pub mod quota;
pub mod rank;
pub mod schedule;
pub mod sortition;
pub mod tally;
pub mod training;
pub mod traits;
pub mod validator;
pub mod vote;

/// A count of plancks: 10^12 of them are one OPEN.
pub type Balance = u128;
/// One OPEN in plancks.
pub const OPEN: Balance = 1_000_000_000_000;
/// Issued at genesis, and ever after: total issuance never moves.
pub const TOTAL_ISSUANCE: Balance = 1_000_000_000 * OPEN;

/// A block number counted in *active* blocks: it stands still while the chain is paused, so that no window
/// runs out while nobody can act.
pub type ActiveBlock = u32;
pub type SessionIndex = u32;
pub type EpochIndex = u32;
pub type DatanetId = u32;
/// Ids are never reused.
pub type ItemId = u64;
/// Rounds of one item count from zero.
pub type RoundIndex = u8;
pub type BaseModelId = u32;
pub type ModelId = u32;
pub type JobId = u32;
pub type FeeId = u64;
/// A root of known-answer items. Ids are never reused.
pub type BatchId = u32;
