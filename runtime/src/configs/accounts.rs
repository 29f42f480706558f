//! How accounts act together or for one another: batches, multisigs, proxies.

use super::parameters::Deposit;
use crate::*;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::{ConstU32, InstanceFilter};
use scale_info::TypeInfo;

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

impl pallet_multisig::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	/// An entry of a call's hash, its time and its first approval.
	type DepositBase = Deposit<1, 88>;
	/// An approval more.
	type DepositFactor = Deposit<0, 32>;
	type MaxSignatories = ConstU32<64>;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
}

/// What one account lets another do for it.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Default,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum ProxyType {
	/// Everything.
	#[default]
	Any,
	/// Everything that brings no OPEN to an account of the proxy's choice.
	NonTransfer,
	/// Judging items with the stake of the account: a cold key stakes, a hot key votes.
	Voting,
	/// Contributing files.
	Contributing,
	/// Training for others.
	Working,
	/// Collecting what the account has earned.
	Claiming,
}

/// Judging with a stake that is there already.
fn is_voting(call: &RuntimeCall) -> bool {
	use pallet_validation::Call;
	matches!(
		call,
		RuntimeCall::Validation(
			Call::commit { .. }
				| Call::reveal { .. }
				| Call::close_round { .. }
				| Call::finalize { .. }
				| Call::settle { .. }
				| Call::report_preimage { .. }
		)
	)
}

fn is_contributing(call: &RuntimeCall) -> bool {
	use pallet_datanets::Call;
	matches!(
		call,
		RuntimeCall::Datanets(
			Call::submit { .. } | Call::withdraw { .. } | Call::release_hold { .. } | Call::prune { .. }
		)
	)
}

/// Working with a bond that is there already.
fn is_working(call: &RuntimeCall) -> bool {
	use pallet_models::Call;
	matches!(
		call,
		RuntimeCall::Models(
			Call::update_worker { .. }
				| Call::bid { .. }
				| Call::heartbeat { .. }
				| Call::submit_result { .. }
				| Call::report_evaluation { .. }
				| Call::accept_result { .. }
				| Call::report_missed { .. }
				| Call::expire_job { .. }
				| Call::draw { .. }
				| Call::judge_commit { .. }
				| Call::judge_reveal { .. }
				| Call::close_dispute { .. }
				| Call::prune_job { .. }
		)
	)
}

fn is_claiming(call: &RuntimeCall) -> bool {
	use pallet_rewards::Call;
	matches!(
		call,
		RuntimeCall::Rewards(
			Call::claim { .. }
				| Call::claim_for { .. }
				| Call::claim_fee { .. }
				| Call::sweep { .. }
				| Call::sweep_datanet { .. }
				| Call::sweep_fee { .. }
				| Call::prune_share { .. }
				| Call::prune_fee_claim { .. }
				| Call::release_sponsorship { .. }
		)
	)
}

/// What moves OPEN only onto hold of the account itself, or from there back. Ordering a job is not among it, since its worker may
/// be the proxy; nor are bonds that a panel may earn, and what gives a Datanet away.
fn is_without_transfer(call: &RuntimeCall) -> bool {
	use pallet_authorities::Call as Authorities;
	use pallet_datanets::Call as Datanets;
	use pallet_models::Call as Models;
	use pallet_validation::Call as Validation;
	matches!(
		call,
		RuntimeCall::Datanets(
			Datanets::create_datanet { .. }
				| Datanets::set_metadata { .. }
				| Datanets::set_policy { .. }
				| Datanets::request_access { .. }
				| Datanets::grant { .. }
				| Datanets::revoke { .. }
				| Datanets::exclude { .. }
				| Datanets::close { .. }
				| Datanets::accept_transfer { .. }
		) | RuntimeCall::Validation(
			Validation::register { .. }
				| Validation::bond_more { .. }
				| Validation::unbond { .. }
				| Validation::withdraw_unbonded { .. }
				| Validation::set_modalities { .. }
				| Validation::close_plant { .. }
		) | RuntimeCall::Models(
			Models::register_base_model { .. }
				| Models::register_worker { .. }
				| Models::deregister_worker { .. }
				| Models::cancel_job { .. }
				| Models::pause { .. }
				| Models::resume { .. }
				| Models::retract_evaluation { .. }
				| Models::deregister_base_model { .. }
		) | RuntimeCall::Authorities(Authorities::enact_upgrade { .. })
			| RuntimeCall::Session(pallet_session::Call::set_keys { .. })
			| RuntimeCall::Council(
				pallet_collective::Call::propose { .. }
					| pallet_collective::Call::vote { .. }
					| pallet_collective::Call::close { .. }
			)
	)
}

/// Calls that carry others, each of which is looked at by itself.
fn is_batch(call: &RuntimeCall) -> bool {
	use pallet_utility::Call;
	matches!(
		call,
		RuntimeCall::Utility(Call::batch { .. } | Call::batch_all { .. } | Call::force_batch { .. })
	)
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	/// Calls are named, so that a new one is outside until somebody has thought about it.
	fn filter(&self, call: &RuntimeCall) -> bool {
		match self {
			Self::Any => true,
			Self::NonTransfer => {
				is_without_transfer(call)
					|| is_voting(call)
					|| is_contributing(call)
					|| is_working(call)
					|| is_claiming(call)
					|| is_batch(call)
			}
			Self::Voting => is_voting(call) || is_batch(call),
			Self::Contributing => is_contributing(call) || is_batch(call),
			Self::Working => is_working(call) || is_batch(call),
			Self::Claiming => is_claiming(call) || is_batch(call),
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		match (self, other) {
			(this, other) if this == other => true,
			(Self::Any, _) => true,
			(Self::NonTransfer, other) => *other != Self::Any,
			_ => false,
		}
	}
}

impl pallet_proxy::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type ProxyType = ProxyType;
	/// An entry with its deposit.
	type ProxyDepositBase = Deposit<1, 16>;
	/// An account, a type and a delay.
	type ProxyDepositFactor = Deposit<0, 37>;
	type MaxProxies = ConstU32<32>;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
	type MaxPending = ConstU32<32>;
	type CallHasher = sp_runtime::traits::BlakeTwo256;
	type AnnouncementDepositBase = Deposit<1, 16>;
	/// An account, a call's hash and a block.
	type AnnouncementDepositFactor = Deposit<0, 68>;
	type BlockNumberProvider = System;
}
