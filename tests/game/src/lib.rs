//! The game: the chain's own rules, played by populations of agents.
//!
//! Every rule that decides anything is called, not written again: sortition, tally, challenges, points, fees and quotas are
//! those of `openledger_primitives`, the numbers are the pallets' defaults, and texts are measured by the validator's checks.
//! What is modelled is people: who errs, who lies, and what each trick tries.
//!
//! | module | what it holds |
//! |---|---|
//! | [`bribe`] | what a wrong acceptance costs, and what it can earn |
//! | [`population`] | validators: stakes, keys, and how each of them votes |
//! | [`court`] | one item's way through rounds, challenge and settlement |
//! | [`validators`] | runs of many items: lies, and what a way of voting earns |
//! | [`contributors`] | what a way of contributing earns |
//! | [`prose`] | the texts that are contributed |
//! | [`files`] | splitting, padding and inflating of their bytes |
//! | [`report`] | everything together, as a table and as JSON |

pub mod bribe;
pub mod contributors;
pub mod court;
pub mod files;
pub mod population;
pub mod prose;
pub mod report;
pub mod stats;
pub mod validators;
