//! The numbered invariants of the crate's documentation under random sequences of calls.

use crate::{mock::*, Accesses, DatanetParams, Datanets, Items, NextDatanet, NextItem, Offers};
use openledger_primitives::{
	format::{FormatSet, Modality},
	item::{ExclusionReason, Policy},
	quota::{Limits, DAY_MILLIS},
	traits::Docket,
	vote::{Reason, Verdict},
};
use proptest::prelude::*;
use sp_io::storage::root as storage_root;
use sp_runtime::StateVersion;

#[derive(Clone, Copy, Debug)]
enum Step {
	Create {
		who: AccountId,
	},
	/// Few contents and large files, so that lines form and quotas are met.
	Submit {
		who: AccountId,
		datanet: u32,
		content: u8,
		size: u32,
	},
	Withdraw {
		who: AccountId,
		back: u64,
	},
	Release {
		who: AccountId,
	},
	/// Concludes one of the newest items, `back` before the last.
	Conclude {
		back: u64,
		verdict: Option<Verdict>,
	},
	/// The court is done with one of the newest items, whatever became of it.
	Settle {
		back: u64,
	},
	Prune {
		back: u64,
	},
	/// Concludes one of the newest items as a plant.
	Plant {
		back: u64,
	},
	SetMetadata {
		who: AccountId,
		datanet: u32,
	},
	SetPolicy {
		datanet: u32,
		min: u32,
		max: u32,
		formats: u16,
		restricted: bool,
	},
	Request {
		who: AccountId,
		datanet: u32,
	},
	Grant {
		datanet: u32,
		who: AccountId,
		until: u32,
	},
	Revoke {
		caller: AccountId,
		datanet: u32,
		who: AccountId,
	},
	Exclude {
		who: Option<AccountId>,
		datanet: u32,
		version: u32,
	},
	Transfer {
		datanet: u32,
		to: AccountId,
	},
	AcceptTransfer {
		who: AccountId,
		datanet: u32,
	},
	/// Closes the newest Datanet: the first ones grow old.
	Close,
	SetParams {
		percent: u32,
	},
	Pass {
		millis: u64,
		blocks: u32,
	},
	Seed {
		is_known: bool,
	},
}

fn verdicts() -> impl Strategy<Value = Option<Verdict>> {
	prop_oneof![
		4 => (0u8..=100, 0u32..100_000).prop_map(|(score, units)| Some(Verdict::Accept { score, units })),
		3 => (0..Reason::COUNT).prop_map(|at| Some(Verdict::Reject { reason: Reason::ALL[at] })),
		1 => Just(None),
	]
}

fn steps() -> impl Strategy<Value = Step> {
	let who = || prop::sample::select(ACCOUNTS.to_vec());
	let net = || 0u32..4;
	prop_oneof![
		1 => who().prop_map(|who| Step::Create { who }),
		24 => (who(), net(), any::<u8>(), prop_oneof![1u32..2_000, 1u32..11_000_000])
			.prop_map(|(who, datanet, content, size)| Step::Submit { who, datanet, content: content % 48, size }),
		3 => (who(), 0u64..8).prop_map(|(who, back)| Step::Withdraw { who, back }),
		1 => who().prop_map(|who| Step::Release { who }),
		8 => (0u64..12, verdicts()).prop_map(|(back, verdict)| Step::Conclude { back, verdict }),
		4 => (0u64..24).prop_map(|back| Step::Settle { back }),
		3 => (0u64..24).prop_map(|back| Step::Prune { back }),
		1 => (0u64..12).prop_map(|back| Step::Plant { back }),
		1 => (who(), net()).prop_map(|(who, datanet)| Step::SetMetadata { who, datanet }),
		2 => (net(), 0u32..100, 1u32..12_000_000, 0u16..20, any::<bool>()).prop_map(
			|(datanet, min, max, formats, restricted)| Step::SetPolicy { datanet, min, max, formats: formats | 1, restricted }
		),
		2 => (who(), net()).prop_map(|(who, datanet)| Step::Request { who, datanet }),
		2 => (net(), who(), 0u32..200).prop_map(|(datanet, who, until)| Step::Grant { datanet, who, until }),
		2 => (who(), net(), who()).prop_map(|(caller, datanet, who)| Step::Revoke { caller, datanet, who }),
		2 => (prop::option::of(who()), net(), 0u32..10)
			.prop_map(|(who, datanet, version)| Step::Exclude { who, datanet, version }),
		1 => (net(), who()).prop_map(|(datanet, to)| Step::Transfer { datanet, to }),
		1 => (who(), net()).prop_map(|(who, datanet)| Step::AcceptTransfer { who, datanet }),
		1 => Just(Step::Close),
		1 => prop_oneof![1 => 0u32..60, 3 => 60u32..200].prop_map(|percent| Step::SetParams { percent }),
		2 => (prop_oneof![0..DAY_MILLIS, 20 * DAY_MILLIS..40 * DAY_MILLIS], 0u32..20)
			.prop_map(|(millis, blocks)| Step::Pass { millis, blocks }),
		1 => any::<bool>().prop_map(|is_known| Step::Seed { is_known }),
	]
}

/// One of the first two Datanets, which are never closed, or one of the two newest.
fn net(choice: u32) -> u32 {
	match choice {
		0 | 1 => choice,
		_ => NextDatanet::<Test>::get().saturating_sub(choice - 1),
	}
}

/// The origin of a Datanet's owner, or of Alice where there is none.
fn owner_of(datanet: u32) -> RuntimeOrigin {
	RuntimeOrigin::signed(Datanets::<Test>::get(datanet).map_or(ALICE, |datanet| datanet.owner))
}

/// Takes a step; whether the call succeeded.
fn take(step: Step) -> bool {
	let newest = |back: u64| NextItem::<Test>::get().saturating_sub(1 + back);
	let signed = RuntimeOrigin::signed;
	match step {
		Step::Create { who } => {
			let policy = Policy::open(Modality::Text, 1_000);
			Net::create_datanet(signed(who), Modality::Text, text("Random"), text(""), policy).is_ok()
		}
		Step::Submit {
			who,
			datanet,
			content,
			size,
		} => submit(who, net(datanet), content, size).is_ok(),
		Step::Withdraw { who, back } => {
			// The caller is the contributor more often than not.
			let item = newest(back);
			let who = Items::<Test>::get(item)
				.filter(|_| back % 4 > 0)
				.map_or(who, |item| item.contributor);
			Net::withdraw(signed(who), item).is_ok()
		}
		Step::Release { who } => Net::release_hold(signed(who)).is_ok(),
		// The court's case goes on: its votes are settled later.
		Step::Conclude { back, verdict } => Net::conclude(newest(back), verdict, 3).is_ok(),
		Step::Settle { back } => {
			let item = newest(back);
			let is_decided = Items::<Test>::get(item).is_some_and(|item| item.possession.is_none());
			if is_decided {
				Cases::mutate(|cases| cases.remove(&item));
			}
			is_decided
		}
		Step::Prune { back } => Net::prune(signed(POOR), newest(back)).is_ok(),
		Step::Plant { back } => Net::conclude_planted(newest(back)).is_ok(),
		Step::SetMetadata { who, datanet } => {
			Net::set_metadata(signed(who), net(datanet), text("Other"), text("# Other")).is_ok()
		}
		Step::SetPolicy {
			datanet,
			min,
			max,
			formats,
			restricted,
		} => {
			let policy = Policy {
				min_file_bytes: min,
				formats: FormatSet(formats),
				restricted,
				..Policy::open(Modality::Text, max)
			};
			Net::set_policy(owner_of(net(datanet)), net(datanet), policy).is_ok()
		}
		Step::Request { who, datanet } => Net::request_access(signed(who), net(datanet)).is_ok(),
		Step::Grant { datanet, who, until } => Net::grant(owner_of(net(datanet)), net(datanet), who, until).is_ok(),
		Step::Revoke { caller, datanet, who } => {
			// Something that is there, more often than not.
			let standing = Accesses::<Test>::iter_keys().nth(datanet as usize);
			let (datanet, who) = standing.unwrap_or((net(datanet), who));
			Net::revoke(signed(caller), datanet, who).is_ok()
		}
		Step::Exclude { who, datanet, version } => {
			let origin = who.map_or_else(RuntimeOrigin::root, signed);
			Net::exclude(origin, net(datanet), version, ExclusionReason::Licence).is_ok()
		}
		Step::Transfer { datanet, to } => Net::transfer(owner_of(net(datanet)), net(datanet), to).is_ok(),
		Step::AcceptTransfer { who, datanet } => {
			let who = Offers::<Test>::get(net(datanet)).unwrap_or(who);
			Net::accept_transfer(signed(who), net(datanet)).is_ok()
		}
		Step::Close => {
			let datanet = net(2).max(2);
			Net::close(owner_of(datanet), datanet).is_ok()
		}
		Step::SetParams { percent } => {
			let limits = Limits::default();
			let params = DatanetParams {
				limits: Limits {
					account_bytes: limits.account_bytes / 100 * percent,
					account_files: limits.account_files * percent / 100,
					..limits
				},
				contributor_hold: u128::from(percent),
				datanet_deposit: u128::from(percent),
				..DatanetParams::default()
			};
			Net::set_params(RuntimeOrigin::root(), params).is_ok()
		}
		Step::Pass { millis, blocks } => {
			advance_millis(millis);
			Now::mutate(|now| *now += blocks);
			true
		}
		Step::Seed { is_known } => {
			SeedIsKnown::set(is_known);
			true
		}
	}
}

/// Ten runs of 1,000 calls, or as many runs as PROPTEST_CASES says.
fn config() -> ProptestConfig {
	let cases = std::env::var("PROPTEST_CASES")
		.ok()
		.and_then(|cases| cases.parse().ok());
	ProptestConfig {
		cases: cases.unwrap_or(10),
		..ProptestConfig::default()
	}
}

proptest! {
	#![proptest_config(config())]

	#[test]
	fn invariants_should_hold_after_every_call(steps in prop::collection::vec(steps(), 1_000)) {
		ExtBuilder::default().with_datanet(Modality::Text).with_datanet(Modality::Text).build().execute_with(|| {
			let issuance = pallet_balances::TotalIssuance::<Test>::get();
			let mut succeeded = 0;
			for step in steps {
				let root = storage_root(StateVersion::V1);
				if take(step) {
					succeeded += 1;
				} else {
					prop_assert_eq!(storage_root(StateVersion::V1), root, "a call that failed changed something");
				}
				check(issuance);
			}
			prop_assert!(succeeded > 250, "only {} calls succeeded: the steps do not test much", succeeded);
			Ok(())
		})?;
	}
}
