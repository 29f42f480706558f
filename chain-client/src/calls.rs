//! Every call that the project's clients make. Amounts are in plancks.

use codec::{Compact, Encode};
use openledger_primitives::{
	format::{Modality, ModalitySet},
	item::{Text, MAX_DESCRIPTION, MAX_NAME},
	model::{JobResult, ModelFile, Progress, MAX_ENDPOINT, MAX_FILES, MAX_MODEL_NAME},
	payload::Payload,
	training::TrainingSpec,
	traits::Pool,
	vote::Verdict,
	Balance, DatanetId, EpochIndex, FeeId, ItemId, JobId, RoundIndex,
};
use sp_runtime::{traits::ConstU32, BoundedVec};

use crate::{AccountId, Args, Call};

/// Names of all calls in this module, to be compared with a node's metadata.
pub const ALL: &[(&str, &str)] = &[
	("Balances", "transfer_keep_alive"),
	("Datanets", "create_datanet"),
	("Datanets", "submit"),
	("Datanets", "withdraw"),
	("Datanets", "release_hold"),
	("Validation", "register"),
	("Validation", "bond_more"),
	("Validation", "unbond"),
	("Validation", "withdraw_unbonded"),
	("Validation", "set_modalities"),
	("Validation", "commit"),
	("Validation", "reveal"),
	("Validation", "close_round"),
	("Validation", "finalize"),
	("Validation", "settle"),
	("Rewards", "claim"),
	("Rewards", "claim_for"),
	("Rewards", "claim_fee"),
	("Rewards", "sweep"),
	("Models", "register_base_model"),
	("Models", "register_worker"),
	("Models", "update_worker"),
	("Models", "deregister_worker"),
	("Models", "request_job"),
	("Models", "bid"),
	("Models", "heartbeat"),
	("Models", "submit_result"),
	("Models", "accept_result"),
	("Models", "cancel_job"),
	("Models", "report_missed"),
	("Models", "expire_job"),
	("Utility", "batch"),
	("Utility", "batch_all"),
	("Utility", "force_batch"),
	("Proxy", "proxy"),
	("Sudo", "sudo"),
];

/// The variant `Id` of `MultiAddress`.
const ID: u8 = 0;

// Utility, balances, sudo

/// Many calls; stops at the first that fails, and keeps what was done before it.
pub fn batch(calls: Vec<Call>) -> Call {
	Call {
		pallet: "Utility",
		name: "batch",
		args: Args::Calls(calls),
	}
}

/// Many calls, all or none.
pub fn batch_all(calls: Vec<Call>) -> Call {
	Call {
		pallet: "Utility",
		name: "batch_all",
		args: Args::Calls(calls),
	}
}

/// Many calls; one that fails leaves the others alone. See [`crate::Outcome::batch`].
pub fn force_batch(calls: Vec<Call>) -> Call {
	Call {
		pallet: "Utility",
		name: "force_batch",
		args: Args::Calls(calls),
	}
}

/// A call in the name of `real`, which has made the signer its proxy of a type that allows it.
pub fn proxy(real: &AccountId, call: Call) -> Call {
	/// Of whatever type the proxy is.
	const ANY_TYPE: Option<u8> = None;
	Call {
		pallet: "Proxy",
		name: "proxy",
		args: Args::ScaleThenCall((ID, real, ANY_TYPE).encode(), Box::new(call)),
	}
}

/// A call as root, on test networks.
pub fn sudo(call: Call) -> Call {
	Call {
		pallet: "Sudo",
		name: "sudo",
		args: Args::Call(Box::new(call)),
	}
}

/// Sends OPEN; the sender's account stays alive.
pub fn transfer(to: &AccountId, amount: Balance) -> Call {
	Call::new("Balances", "transfer_keep_alive", (ID, to, Compact(amount)))
}

// Datanets

pub fn create_datanet(
	modality: Modality,
	name: Text<MAX_NAME>,
	description: Text<MAX_DESCRIPTION>,
	max_file_bytes: u32,
) -> Call {
	Call::new(
		"Datanets",
		"create_datanet",
		(modality, name, description, max_file_bytes),
	)
}

/// Contributes a file; `possession` is [`openledger_primitives::payload::possession`].
pub fn submit(datanet: DatanetId, payload: Payload, possession: [u8; 32]) -> Call {
	Call::new("Datanets", "submit", (datanet, payload, possession))
}

/// Takes an item back before its first seed is known.
pub fn withdraw(item: ItemId) -> Call {
	Call::new("Datanets", "withdraw", item)
}

/// Takes the contributor's hold back.
pub fn release_hold() -> Call {
	Call::new("Datanets", "release_hold", ())
}

// Validation

/// Becomes a validator.
pub fn register_validator(stake: Balance, modalities: ModalitySet) -> Call {
	Call::new("Validation", "register", (stake, modalities))
}

pub fn bond_more(amount: Balance) -> Call {
	Call::new("Validation", "bond_more", amount)
}

pub fn unbond(amount: Balance) -> Call {
	Call::new("Validation", "unbond", amount)
}

pub fn withdraw_unbonded() -> Call {
	Call::new("Validation", "withdraw_unbonded", ())
}

pub fn set_modalities(modalities: ModalitySet) -> Call {
	Call::new("Validation", "set_modalities", modalities)
}

/// Commits to a verdict; `commitment` is [`openledger_primitives::vote::Ballot::commitment`].
pub fn commit(item: ItemId, round: RoundIndex, commitment: [u8; 32]) -> Call {
	Call::new("Validation", "commit", (item, round, commitment))
}

pub fn reveal(item: ItemId, round: RoundIndex, verdict: Verdict, salt: [u8; 32]) -> Call {
	Call::new("Validation", "reveal", (item, round, verdict, salt))
}

/// Closes an item's open round after its deadline.
pub fn close_round(item: ItemId) -> Call {
	Call::new("Validation", "close_round", item)
}

/// Makes a provisional verdict final after its window.
pub fn finalize(item: ItemId) -> Call {
	Call::new("Validation", "finalize", item)
}

/// Pays or slashes one vote on an item whose outcome is final.
pub fn settle(item: ItemId, round: RoundIndex, voter: &AccountId) -> Call {
	Call::new("Validation", "settle", (item, round, voter))
}

// Rewards

/// Has the caller be paid for its points.
pub fn claim(epoch: EpochIndex, pool: Pool) -> Call {
	Call::new("Rewards", "claim", (epoch, pool))
}

/// Has somebody be paid for its points.
pub fn claim_for(who: &AccountId, epoch: EpochIndex, pool: Pool) -> Call {
	Call::new("Rewards", "claim_for", (who, epoch, pool))
}

/// Has a contributor be paid its share of a fee of use.
pub fn claim_fee(fee: FeeId, who: &AccountId) -> Call {
	Call::new("Rewards", "claim_fee", (fee, who))
}

/// Lets what nobody claimed of an epoch go back to the pot.
pub fn sweep(epoch: EpochIndex) -> Call {
	Call::new("Rewards", "sweep", epoch)
}

// Models

pub fn register_base_model(name: Text<MAX_MODEL_NAME>, files: BoundedVec<ModelFile, ConstU32<MAX_FILES>>) -> Call {
	Call::new("Models", "register_base_model", (name, files))
}

pub fn register_worker(bond: Balance, endpoint: Text<MAX_ENDPOINT>) -> Call {
	Call::new("Models", "register_worker", (Compact(bond), endpoint))
}

/// Changes the endpoint (nothing keeps the old one) and raises the bond.
pub fn update_worker(endpoint: Option<Text<MAX_ENDPOINT>>, more_bond: Balance) -> Call {
	Call::new("Models", "update_worker", (endpoint, Compact(more_bond)))
}

pub fn deregister_worker() -> Call {
	Call::new("Models", "deregister_worker", ())
}

/// Orders a fine-tune; the price is held until it ends.
pub fn request_job(spec: TrainingSpec, price: Balance) -> Call {
	Call::new("Models", "request_job", (spec, Compact(price)))
}

/// Offers to train an open job.
pub fn bid(job: JobId) -> Call {
	Call::new("Models", "bid", job)
}

pub fn heartbeat(job: JobId, progress: Progress) -> Call {
	Call::new("Models", "heartbeat", (job, progress))
}

pub fn submit_result(job: JobId, result: JobResult) -> Call {
	Call::new("Models", "submit_result", (job, result))
}

pub fn accept_result(job: JobId) -> Call {
	Call::new("Models", "accept_result", job)
}

pub fn cancel_job(job: JobId) -> Call {
	Call::new("Models", "cancel_job", job)
}

/// Reports that a worker missed its heartbeat.
pub fn report_missed(job: JobId) -> Call {
	Call::new("Models", "report_missed", job)
}

/// Ends a job that nobody took in time.
pub fn expire_job(job: JobId) -> Call {
	Call::new("Models", "expire_job", job)
}
