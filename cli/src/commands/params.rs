//! Parameters of the pallets. They are shown and written as the chain stores them, amounts in plancks.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, Result};
use chain_client::{calls, Call, Chain, Query};
use clap::{Subcommand, ValueEnum};
use codec::Encode;
use openledger_primitives::params::{AuthorityParams, CourtParams, DatanetParams, ModelParams, RewardParams};
use serde::{de::DeserializeOwned, Serialize};
use serde_json::{Map, Value};

use super::council::{administer, Administrator, Part};
use crate::{amount::Amount, context::Context, failure::Failure, output};

#[derive(Subcommand)]
pub enum Command {
	/// Show a pallet's parameters, or everyone's
	Show {
		/// Only its own
		#[arg(value_enum)]
		pallet: Option<Pallet>,
	},
	/// Change some of a pallet's parameters; they count for what starts from then on
	Set {
		/// Whose
		#[arg(value_enum)]
		pallet: Pallet,
		/// NAME=VALUE, such as reveal_blocks=50, shares.owners=12 or "min_stake=500 OPEN"; or a file with a JSON object
		#[arg(required = true, value_name = "CHANGE")]
		changes: Vec<String>,
		#[command(flatten)]
		administrator: Administrator,
	},
}

/// A pallet that can be tuned.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Pallet {
	Authorities,
	Datanets,
	Validation,
	Rewards,
	Models,
}

impl Pallet {
	/// As the runtime calls it.
	fn name(self) -> &'static str {
		match self {
			Self::Authorities => "Authorities",
			Self::Datanets => "Datanets",
			Self::Validation => "Validation",
			Self::Rewards => "Rewards",
			Self::Models => "Models",
		}
	}

	async fn read<C: Chain + ?Sized>(self, chain: &C) -> Result<Value> {
		let query = Query::new(chain);
		Ok(match self {
			Self::Authorities => serde_json::to_value(query.authority_params().await?)?,
			Self::Datanets => serde_json::to_value(query.datanet_params().await?)?,
			Self::Validation => serde_json::to_value(query.court_params().await?)?,
			Self::Rewards => serde_json::to_value(query.reward_params().await?)?,
			Self::Models => serde_json::to_value(query.model_params().await?)?,
		})
	}

	/// The call that sets these, all of them.
	fn call(self, params: Value) -> Result<Call> {
		match self {
			Self::Authorities => set::<AuthorityParams>(self, params),
			Self::Datanets => set::<DatanetParams>(self, params),
			Self::Validation => set::<CourtParams>(self, params),
			Self::Rewards => set::<RewardParams>(self, params),
			Self::Models => set::<ModelParams>(self, params),
		}
	}
}

fn set<P: DeserializeOwned + Encode>(pallet: Pallet, params: Value) -> Result<Call> {
	let params: P = serde_json::from_value(params).map_err(|error| {
		Failure::usage(format!("not the parameters of {}: {error}", pallet.name()))
			.hint("`openledger params show` lists names and values")
	})?;
	Ok(calls::set_params(pallet.name(), params))
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Show { pallet } => {
			let chain = context.chain().await?;
			let mut shown = Map::new();
			for each in Pallet::value_variants() {
				if pallet.is_none_or(|only| only == *each) {
					shown.insert(each.name().to_lowercase(), each.read(&chain).await?);
				}
			}
			context.print(&shown, describe)?;
		}
		Command::Set {
			pallet,
			changes,
			administrator,
		} => {
			let signer = context.signer()?;
			let chain = context.chain().await?;
			let (params, call) = changed(&chain, pallet, &changes).await?;
			let done = administer(&chain, &signer, call, administrator, Part::TwoThirds).await?;
			/// What the parameters are, or will be if the council agrees.
			#[derive(Serialize)]
			struct Set<'a> {
				params: Value,
				#[serde(flatten)]
				done: &'a super::council::Done,
			}
			context.print(&Set { params, done: &done }, |set| set.done.describe())?;
		}
	}
	Ok(ExitCode::SUCCESS)
}

/// The chain's parameters with these changes, and the call that sets them.
async fn changed<C: Chain + ?Sized>(chain: &C, pallet: Pallet, changes: &[String]) -> Result<(Value, Call)> {
	let mut params = pallet.read(chain).await?;
	for change in changes {
		match change.split_once('=') {
			Some((name, value)) => *place(&mut params, name)? = read(value)?,
			None => merge(&mut params, from_file(Path::new(change))?),
		}
	}
	let call = pallet.call(params.clone())?;
	Ok((params, call))
}

/// The value under a name such as `shares.owners`.
fn place<'a>(params: &'a mut Value, name: &str) -> Result<&'a mut Value> {
	let mut value = params;
	for part in name.trim().split('.') {
		let Some(fields) = value.as_object_mut() else {
			return Err(Failure::usage(format!("{name}: only one value is there")).into());
		};
		let names: Vec<_> = fields.keys().cloned().collect();
		value = fields.get_mut(part).ok_or_else(|| {
			Failure::usage(format!("there is no parameter {name}")).hint(format!("there is {}", names.join(", ")))
		})?;
	}
	Ok(value)
}

/// An amount of OPEN as plancks, or a value in JSON.
fn read(text: &str) -> Result<Value> {
	let text = text.trim();
	if text.ends_with("OPEN") {
		let amount: Amount = text
			.parse()
			.map_err(|error| Failure::usage(format!("{text}: {error}")))?;
		return Ok(serde_json::to_value(amount.0)?);
	}
	serde_json::from_str(text).map_err(|_| {
		Failure::usage(format!("{text} is no value"))
			.hint("a value is a number of what the chain stores, an amount such as \"12 OPEN\", or JSON")
			.into()
	})
}

fn from_file(path: &Path) -> Result<Value> {
	let text = std::fs::read_to_string(path)
		.map_err(|error| Failure::usage(format!("{} is neither NAME=VALUE nor a file: {error}", path.display())))?;
	let value: Value = serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
	if !value.is_object() {
		return Err(Failure::usage(format!("{} holds no JSON object", path.display())).into());
	}
	Ok(value)
}

/// Puts the fields of one object into another, also those of objects within.
fn merge(into: &mut Value, from: Value) {
	match (into, from) {
		(Value::Object(into), Value::Object(from)) => {
			for (name, value) in from {
				merge(into.entry(name).or_insert(Value::Null), value);
			}
		}
		(into, from) => *into = from,
	}
}

fn describe(shown: &Map<String, Value>) -> String {
	let pallet = |(name, params): (&String, &Value)| {
		let mut rows = Vec::new();
		flatten("", params, &mut rows);
		let rows: Vec<_> = rows
			.iter()
			.map(|(name, value)| (name.as_str(), value.clone()))
			.collect();
		format!("{name}\n{}", output::fields(&rows))
	};
	shown.iter().map(pallet).collect::<Vec<_>>().join("\n\n")
}

/// Names as [`place`] reads them, with their values.
fn flatten(name: &str, value: &Value, rows: &mut Vec<(String, String)>) {
	let Value::Object(fields) = value else {
		rows.push((name.to_owned(), value.to_string()));
		return;
	};
	for (field, value) in fields {
		let name = if name.is_empty() {
			field.clone()
		} else {
			format!("{name}.{field}")
		};
		flatten(&name, value, rows);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use chain_client::{keys, Memory};
	use openledger_primitives::{params::PerKind, OPEN};

	fn rewards() -> RewardParams {
		let each = |value| PerKind {
			contributors: value,
			validators: value,
			owners: value,
		};
		RewardParams {
			epoch_millis: 1_000,
			// More than JSON's own integers hold.
			max_pay_per_point: each(100_000_000 * OPEN),
			..RewardParams::default()
		}
	}

	fn chain() -> Memory {
		let chain = Memory::new();
		chain.set(keys::entry("Rewards", "Params"), rewards());
		chain
	}

	async fn change(changes: &[&str]) -> Result<Call> {
		let changes: Vec<_> = changes.iter().map(|change| change.to_string()).collect();
		Ok(changed(&chain(), Pallet::Rewards, &changes).await?.1)
	}

	#[tokio::test]
	async fn what_is_not_named_should_stay_exactly_as_it_is() {
		let call = change(&["expire_epochs=7", "shares.owners=12", "min_sponsorship=1.5 OPEN"]).await;
		let mut expected = rewards();
		expected.expire_epochs = 7;
		expected.shares.owners = 12;
		expected.min_sponsorship = 3 * OPEN / 2;
		assert_eq!(call.unwrap(), calls::set_params("Rewards", expected));
	}

	#[tokio::test]
	async fn a_file_should_name_some_of_them_too() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("params.json");
		std::fs::write(&path, r#"{ "budget_ppm": 600, "shares": { "validators": 15 } }"#).unwrap();
		let mut expected = rewards();
		expected.budget_ppm = 600;
		expected.shares.validators = 15;
		let call = change(&[path.to_str().unwrap()]).await.unwrap();
		assert_eq!(call, calls::set_params("Rewards", expected));
		std::fs::write(&path, r#"{ "budget": 600 }"#).unwrap();
		let error = change(&[path.to_str().unwrap()]).await.unwrap_err();
		assert!(error.to_string().contains("unknown field `budget`"), "{error}");
		std::fs::write(&path, "[1]").unwrap();
		assert!(change(&[path.to_str().unwrap()]).await.is_err());
	}

	#[tokio::test]
	async fn a_change_that_fits_nothing_should_say_what_would() {
		for (wrong, said) in [
			("expire=7", "no parameter expire"),
			("expire_epochs.days=7", "only one value"),
			("expire_epochs=soon", "no value"),
			("expire_epochs=-1", "not the parameters of Rewards"),
			("min_sponsorship=x OPEN", "an amount is a number"),
			("no-such-file", "neither NAME=VALUE nor a file"),
		] {
			let error = change(&[wrong]).await.unwrap_err();
			assert!(error.to_string().contains(said), "{wrong}: {error}");
			assert_eq!(
				crate::failure::classify(&error).0,
				crate::failure::Kind::Usage,
				"{wrong}"
			);
		}
	}

	#[tokio::test]
	async fn names_should_be_shown_as_they_are_written() {
		let mut shown = Map::new();
		shown.insert("rewards".into(), Pallet::Rewards.read(&chain()).await.unwrap());
		let text = describe(&shown);
		assert!(
			text.contains("shares.owners") && text.contains("100000000000000000000"),
			"{text}"
		);
	}
}
