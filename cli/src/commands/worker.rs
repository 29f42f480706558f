use std::process::ExitCode;

use anyhow::Result;
use chain_client::{address, calls, AccountId, Call, ChainExt, Query, Wait};
use clap::{Subcommand, ValueEnum};
use openledger_primitives::{
	capability::{Capability, Device, DtypeSet, MethodSet},
	model::{self, MAX_ENDPOINT},
	training::{Dtype, Method},
};
use serde::Serialize;

use super::{
	bounded,
	order::{DtypeArg, MethodArg},
};
use crate::{amount::Amount, context::Context, failure::Failure, output};

#[derive(Subcommand)]
pub enum Command {
	/// Become a worker, with a bond
	Register {
		/// In OPEN; it bounds the jobs held at once
		#[arg(long, value_name = "OPEN")]
		bond: Amount,
		/// Where metrics and chat are served, if anywhere
		#[arg(long, value_name = "URL", default_value = "")]
		endpoint: String,
		/// What it computes on
		#[arg(long, value_enum, default_value = "cpu")]
		device: DeviceArg,
		/// The device's memory
		#[arg(long, value_name = "MIB")]
		memory_mib: u32,
		/// What it trains
		#[arg(long, value_enum, value_delimiter = ',', default_value = "lora,full")]
		methods: Vec<MethodArg>,
		/// What it computes in
		#[arg(long, value_enum, value_delimiter = ',', default_value = "f32")]
		dtypes: Vec<DtypeArg>,
	},
	/// Change the endpoint or what it can train, raise the bond, or all of that
	Update {
		/// The new endpoint
		#[arg(long, value_name = "URL")]
		endpoint: Option<String>,
		/// To be added to the bond, in OPEN
		#[arg(long, value_name = "OPEN", default_value = "0")]
		add_bond: Amount,
		/// What it computes on now
		#[arg(long, value_enum)]
		device: Option<DeviceArg>,
		/// The device's memory now
		#[arg(long, value_name = "MIB")]
		memory_mib: Option<u32>,
		/// What it trains now
		#[arg(long, value_enum, value_delimiter = ',')]
		methods: Option<Vec<MethodArg>>,
		/// What it computes in now
		#[arg(long, value_enum, value_delimiter = ',')]
		dtypes: Option<Vec<DtypeArg>>,
	},
	/// Be no worker any more and get the bond back
	Deregister,
	/// List all workers
	List,
	/// Show a worker
	Show {
		/// An address, or //Alice; by default the key's own account
		account: Option<String>,
	},
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum DeviceArg {
	Cpu,
	Cuda,
	Metal,
}

impl From<DeviceArg> for Device {
	fn from(device: DeviceArg) -> Self {
		match device {
			DeviceArg::Cpu => Device::Cpu,
			DeviceArg::Cuda => Device::Cuda,
			DeviceArg::Metal => Device::Metal,
		}
	}
}

fn method_set(methods: &[MethodArg]) -> MethodSet {
	let methods: Vec<Method> = methods.iter().map(|method| (*method).into()).collect();
	MethodSet::of(&methods)
}

fn dtype_set(dtypes: &[DtypeArg]) -> DtypeSet {
	let dtypes: Vec<Dtype> = dtypes.iter().map(|dtype| (*dtype).into()).collect();
	DtypeSet::of(&dtypes)
}

#[derive(Serialize)]
struct Shown {
	#[serde(serialize_with = "output::account")]
	account: AccountId,
	bond: Amount,
	endpoint: String,
	device: Device,
	memory_mib: u32,
	methods: Vec<Method>,
	dtypes: Vec<Dtype>,
	/// Jobs held and bid on, and disputes judged.
	active_jobs: u32,
}

impl Shown {
	fn new(account: AccountId, record: model::Worker) -> Self {
		Self {
			account,
			bond: Amount(record.bond),
			endpoint: output::text(&record.endpoint),
			device: record.capability.device,
			memory_mib: record.capability.memory_mib,
			methods: Method::ALL
				.into_iter()
				.filter(|method| record.capability.methods.contains(*method))
				.collect(),
			dtypes: Dtype::ALL
				.into_iter()
				.filter(|dtype| record.capability.dtypes.contains(*dtype))
				.collect(),
			active_jobs: record.active_jobs,
		}
	}
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Register {
			bond,
			endpoint,
			device,
			memory_mib,
			methods,
			dtypes,
		} => {
			let endpoint = bounded::<MAX_ENDPOINT>("endpoint", &endpoint)?;
			let capability = Capability {
				device: device.into(),
				memory_mib,
				methods: method_set(&methods),
				dtypes: dtype_set(&dtypes),
			};
			submit(context, calls::register_worker(bond.0, endpoint, capability)).await
		}
		Command::Update {
			endpoint,
			add_bond,
			device,
			memory_mib,
			methods,
			dtypes,
		} => {
			let endpoint = endpoint
				.map(|endpoint| bounded::<MAX_ENDPOINT>("endpoint", &endpoint))
				.transpose()?;
			let changed = device.is_some() || memory_mib.is_some() || methods.is_some() || dtypes.is_some();
			let capability = if changed {
				let now = registered(context).await?.capability;
				Some(Capability {
					device: device.map_or(now.device, Device::from),
					memory_mib: memory_mib.unwrap_or(now.memory_mib),
					methods: methods.map_or(now.methods, |methods| method_set(&methods)),
					dtypes: dtypes.map_or(now.dtypes, |dtypes| dtype_set(&dtypes)),
				})
			} else {
				None
			};
			submit(context, calls::update_worker(endpoint, capability, add_bond.0)).await
		}
		Command::Deregister => submit(context, calls::deregister_worker()).await,
		Command::List => {
			let chain = context.chain().await?;
			let workers = Query::new(&chain).workers().await?.into_iter();
			let shown: Vec<_> = workers.map(|(account, record)| Shown::new(account, record)).collect();
			context.print(&shown, |shown| {
				let row = |worker: &Shown| {
					vec![
						address(&worker.account),
						worker.bond.to_string(),
						worker.active_jobs.to_string(),
						worker.endpoint.clone(),
					]
				};
				output::table(
					&["worker", "bond", "jobs", "endpoint"],
					&shown.iter().map(row).collect::<Vec<_>>(),
				)
			})?;
			Ok(ExitCode::SUCCESS)
		}
		Command::Show { account } => {
			let account = context.account(account.as_deref())?;
			let chain = context.chain().await?;
			let record = Query::new(&chain).worker(&account).await?;
			let record = record.ok_or_else(|| no_worker(&account))?;
			context.print(&Shown::new(account, record), describe)?;
			Ok(ExitCode::SUCCESS)
		}
	}
}

/// The record of the key's own account.
async fn registered(context: &Context) -> Result<model::Worker> {
	let account = context.account(None)?;
	let chain = context.chain().await?;
	let record = Query::new(&chain).worker(&account).await?;
	Ok(record.ok_or_else(|| no_worker(&account))?)
}

fn no_worker(account: &AccountId) -> Failure {
	Failure::new(format!("{} is not a worker", address(account)))
		.hint("`openledger worker register --bond OPEN --memory-mib MIB` makes it one")
}

async fn submit(context: &Context, call: Call) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	let record = Query::new(&chain).worker(signer.account()).await?;
	let shown = record.map(|record| Shown::new(signer.account().clone(), record));
	let done = serde_json::json!({ "block": outcome.block, "worker": shown });
	context.print(&done, |_| match &shown {
		Some(shown) => format!("done in block {}\n{}", outcome.block, describe(shown)),
		None => format!("done in block {}; this account is no worker any more", outcome.block),
	})?;
	Ok(ExitCode::SUCCESS)
}

fn describe(shown: &Shown) -> String {
	output::fields(&[
		("worker", address(&shown.account)),
		("bond", format!("{} OPEN", shown.bond)),
		(
			"trains on",
			format!("{}, {} MiB", json_name(shown.device), shown.memory_mib),
		),
		("methods", json_names(&shown.methods)),
		("dtypes", json_names(&shown.dtypes)),
		("jobs, bids, seats", shown.active_jobs.to_string()),
		("endpoint", shown.endpoint.clone()),
	])
}

/// A value as JSON names it.
fn json_name(value: impl Serialize) -> String {
	let json = serde_json::to_value(value).unwrap_or_default();
	json.as_str().unwrap_or_default().to_owned()
}

fn json_names<T: Serialize>(values: &[T]) -> String {
	values.iter().map(json_name).collect::<Vec<_>>().join(", ")
}
