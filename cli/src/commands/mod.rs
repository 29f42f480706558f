//! A module for each group of commands: its arguments, its work, its output.

pub mod account;
pub mod contribute;
pub mod datanet;
mod evaluated;
pub mod item;
pub mod job;
mod job_shown;
pub mod model;
pub mod order;
pub mod preflight;
pub mod rewards;
pub mod stake;
pub mod validate;
pub mod vote;
pub mod worker;

use anyhow::Result;
use openledger_primitives::item::Text;

use crate::failure::Failure;

/// Text for the chain, or an error that names what is too long and by how much.
pub(crate) fn bounded<const N: u32>(what: &str, text: &str) -> Result<Text<N>> {
	Text::<N>::try_from(text.as_bytes().to_vec()).map_err(|_| {
		Failure::usage(format!(
			"the {what} has {} bytes; at most {N} fit on the chain",
			text.len()
		))
		.into()
	})
}

/// An error for something that the chain does not have.
pub(crate) fn not_found(what: &str, id: impl std::fmt::Display, hint: &str) -> anyhow::Error {
	Failure::new(format!("there is no {what} {id}")).hint(hint).into()
}
