//! Every call that the project's clients make. Amounts are in plancks.

use codec::{Compact, Encode};
use openledger_primitives::{
	capability::Capability,
	dispute::{Claim, Finding},
	format::{Modality, ModalitySet},
	item::{ExclusionReason, Policy, Text, MAX_DESCRIPTION, MAX_NAME},
	model::{Artifact, JobResult, ModelFile, Progress, MAX_ENDPOINT, MAX_FILES, MAX_MODEL_NAME},
	payload::Payload,
	training::{DatasetRef, TrainingSpec},
	traits::Pool,
	vote::Verdict,
	ActiveBlock, Balance, BaseModelId, DatanetId, EpochIndex, FeeId, ItemId, JobId, ModelId, RoundIndex,
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
	("Datanets", "set_metadata"),
	("Datanets", "set_policy"),
	("Datanets", "request_access"),
	("Datanets", "grant"),
	("Datanets", "revoke"),
	("Datanets", "exclude"),
	("Datanets", "transfer"),
	("Datanets", "close"),
	("Datanets", "prune"),
	("Datanets", "accept_transfer"),
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
	("Validation", "challenge"),
	("Validation", "report_preimage"),
	("Rewards", "claim"),
	("Rewards", "claim_for"),
	("Rewards", "claim_fee"),
	("Rewards", "sweep"),
	("Rewards", "sponsor"),
	("Rewards", "sweep_datanet"),
	("Rewards", "sweep_fee"),
	("Rewards", "release_sponsorship"),
	("Models", "register_base_model"),
	("Models", "register_worker"),
	("Models", "update_worker"),
	("Models", "deregister_worker"),
	("Models", "request_job"),
	("Models", "bid"),
	("Models", "heartbeat"),
	("Models", "submit_result"),
	("Models", "report_evaluation"),
	("Models", "accept_result"),
	("Models", "cancel_job"),
	("Models", "report_missed"),
	("Models", "expire_job"),
	("Models", "dispute"),
	("Models", "judge_commit"),
	("Models", "judge_reveal"),
	("Models", "pause"),
	("Models", "resume"),
	("Models", "post_evaluation"),
	("Models", "draw"),
	("Models", "close_dispute"),
	("Models", "prune_job"),
	("Models", "retract_evaluation"),
	("Models", "deregister_base_model"),
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
	policy: Policy,
) -> Call {
	Call::new("Datanets", "create_datanet", (modality, name, description, policy))
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

pub fn set_metadata(datanet: DatanetId, name: Text<MAX_NAME>, description: Text<MAX_DESCRIPTION>) -> Call {
	Call::new("Datanets", "set_metadata", (datanet, name, description))
}

/// Changes what a Datanet takes from now on.
pub fn set_policy(datanet: DatanetId, policy: Policy) -> Call {
	Call::new("Datanets", "set_policy", (datanet, policy))
}

/// Asks to train on a restricted Datanet.
pub fn request_access(datanet: DatanetId) -> Call {
	Call::new("Datanets", "request_access", datanet)
}

/// Lets an account train on a restricted Datanet, up to and with the active block `until`.
pub fn grant(datanet: DatanetId, who: &AccountId, until: ActiveBlock) -> Call {
	Call::new("Datanets", "grant", (datanet, who, until))
}

/// Ends a request or a grant.
pub fn revoke(datanet: DatanetId, who: &AccountId) -> Call {
	Call::new("Datanets", "revoke", (datanet, who))
}

/// Takes the item down that made a version.
pub fn exclude(datanet: DatanetId, version: u32, reason: ExclusionReason) -> Call {
	Call::new("Datanets", "exclude", (datanet, version, reason))
}

/// Offers a Datanet to another account; to oneself, takes the offer back.
pub fn transfer_datanet(datanet: DatanetId, to: &AccountId) -> Call {
	Call::new("Datanets", "transfer", (datanet, to))
}

/// Becomes the owner of a Datanet that is offered.
pub fn accept_datanet(datanet: DatanetId) -> Call {
	Call::new("Datanets", "accept_transfer", datanet)
}

/// Closes a Datanet for good.
pub fn close_datanet(datanet: DatanetId) -> Call {
	Call::new("Datanets", "close", datanet)
}

/// Removes the record of an item that is in no version.
pub fn prune(item: ItemId) -> Call {
	Call::new("Datanets", "prune", item)
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

/// Challenges a provisional verdict, with a bond.
pub fn challenge(item: ItemId) -> Call {
	Call::new("Validation", "challenge", item)
}

/// Shows what somebody committed to while commitments are still taken.
pub fn report_preimage(item: ItemId, round: RoundIndex, voter: &AccountId, verdict: Verdict, salt: [u8; 32]) -> Call {
	Call::new("Validation", "report_preimage", (item, round, voter, verdict, salt))
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

/// Gives OPEN for the contributors of a Datanet.
pub fn sponsor(datanet: DatanetId, amount: Balance) -> Call {
	Call::new("Rewards", "sponsor", (datanet, amount))
}

/// Lets what nobody claimed of a Datanet's own pool go back to its sponsorship.
pub fn sweep_datanet(epoch: EpochIndex, datanet: DatanetId) -> Call {
	Call::new("Rewards", "sweep_datanet", (epoch, datanet))
}

/// Lets what nobody claimed of a fee of use go to the pot.
pub fn sweep_fee(fee: FeeId) -> Call {
	Call::new("Rewards", "sweep_fee", fee)
}

/// Lets a sponsorship for which no item came go to the pot.
pub fn release_sponsorship(datanet: DatanetId) -> Call {
	Call::new("Rewards", "release_sponsorship", datanet)
}

// Models

pub fn register_base_model(name: Text<MAX_MODEL_NAME>, files: BoundedVec<ModelFile, ConstU32<MAX_FILES>>) -> Call {
	Call::new("Models", "register_base_model", (name, files))
}

/// Removes a base model that nothing is built on.
pub fn deregister_base_model(id: BaseModelId) -> Call {
	Call::new("Models", "deregister_base_model", id)
}

pub fn register_worker(bond: Balance, endpoint: Text<MAX_ENDPOINT>, capability: Capability) -> Call {
	Call::new("Models", "register_worker", (Compact(bond), endpoint, capability))
}

/// Changes endpoint and capability (nothing keeps the old ones) and raises the bond.
pub fn update_worker(endpoint: Option<Text<MAX_ENDPOINT>>, capability: Option<Capability>, more_bond: Balance) -> Call {
	Call::new("Models", "update_worker", (endpoint, capability, Compact(more_bond)))
}

pub fn deregister_worker() -> Call {
	Call::new("Models", "deregister_worker", ())
}

/// Orders a fine-tune; the price is held until it ends.
pub fn request_job(spec: TrainingSpec, price: Balance) -> Call {
	Call::new("Models", "request_job", (spec, Compact(price)))
}

/// Offers to train an open job: a bid for the draw, or once the bidding is over without any, the claim itself.
pub fn bid(job: JobId) -> Call {
	Call::new("Models", "bid", job)
}

/// Gives a job to one of its bidders.
pub fn draw(job: JobId) -> Call {
	Call::new("Models", "draw", job)
}

/// Stops a claimed job's clock.
pub fn pause(job: JobId) -> Call {
	Call::new("Models", "pause", job)
}

/// Lets a paused job's clock run again.
pub fn resume(job: JobId) -> Call {
	Call::new("Models", "resume", job)
}

pub fn heartbeat(job: JobId, progress: Progress) -> Call {
	Call::new("Models", "heartbeat", (job, progress))
}

pub fn submit_result(job: JobId, result: JobResult) -> Call {
	Call::new("Models", "submit_result", (job, result))
}

/// Says what a submitted result's loss is on what it is evaluated on.
pub fn report_evaluation(job: JobId, loss_micro: u64, tokens: u64) -> Call {
	Call::new("Models", "report_evaluation", (job, loss_micro, tokens))
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

/// Removes the record of a job that ended without a model.
pub fn prune_job(job: JobId) -> Call {
	Call::new("Models", "prune_job", job)
}

/// Says that a result is wrong, with a bond.
pub fn dispute(job: JobId, claim: Claim) -> Call {
	Call::new("Models", "dispute", (job, claim))
}

/// Commits to a finding; `commitment` is [`openledger_primitives::dispute::JudgeBallot::commitment`].
pub fn judge_commit(job: JobId, commitment: [u8; 32]) -> Call {
	Call::new("Models", "judge_commit", (job, commitment))
}

pub fn judge_reveal(job: JobId, finding: Finding, salt: [u8; 32]) -> Call {
	Call::new("Models", "judge_reveal", (job, finding, salt))
}

/// Closes a dispute after its reveals, and again where there was no ruling.
pub fn close_dispute(job: JobId) -> Call {
	Call::new("Models", "close_dispute", job)
}

/// Says what a model's loss is on a dataset, with a bond.
pub fn post_evaluation(model: ModelId, dataset: DatasetRef, loss_micro: u64, tokens: u64, manifest: Artifact) -> Call {
	Call::new(
		"Models",
		"post_evaluation",
		(model, dataset, loss_micro, tokens, manifest),
	)
}

/// Takes an evaluation back, and its bond.
pub fn retract_evaluation(model: ModelId) -> Call {
	Call::new("Models", "retract_evaluation", model)
}
