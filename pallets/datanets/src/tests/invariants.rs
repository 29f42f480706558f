//! The numbered invariants of the crate's documentation under random sequences of calls.

use crate::{mock::*, Items, NextItem};
use openledger_primitives::{
	format::Modality,
	quota::DAY_MILLIS,
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
		item: u64,
	},
	Release {
		who: AccountId,
	},
	/// Concludes one of the newest items, `back` before the last.
	Conclude {
		back: u64,
		verdict: Option<Verdict>,
	},
	Pass {
		millis: u64,
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
	prop_oneof![
		1 => who().prop_map(|who| Step::Create { who }),
		12 => (who(), 0u32..4, any::<u8>(), prop_oneof![1u32..2_000, 1u32..11_000_000])
			.prop_map(|(who, datanet, content, size)| Step::Submit { who, datanet, content: content % 48, size }),
		2 => (who(), 0u64..64).prop_map(|(who, item)| Step::Withdraw { who, item }),
		1 => who().prop_map(|who| Step::Release { who }),
		8 => (0u64..12, verdicts()).prop_map(|(back, verdict)| Step::Conclude { back, verdict }),
		2 => prop_oneof![0..DAY_MILLIS, 20 * DAY_MILLIS..40 * DAY_MILLIS].prop_map(|millis| Step::Pass { millis }),
		1 => any::<bool>().prop_map(|is_known| Step::Seed { is_known }),
	]
}

/// Takes a step; whether the call succeeded.
fn take(step: Step) -> bool {
	match step {
		Step::Create { who } => {
			let origin = RuntimeOrigin::signed(who);
			Net::create_datanet(origin, Modality::Text, text("Random"), text(""), 10_000_000).is_ok()
		}
		Step::Submit {
			who,
			datanet,
			content,
			size,
		} => submit(who, datanet, content, size).is_ok(),
		Step::Withdraw { who, item } => {
			// The caller is the contributor more often than not.
			let who = Items::<Test>::get(item)
				.filter(|_| item % 4 > 0)
				.map_or(who, |item| item.contributor);
			Net::withdraw(RuntimeOrigin::signed(who), item).is_ok()
		}
		Step::Release { who } => Net::release_hold(RuntimeOrigin::signed(who)).is_ok(),
		Step::Conclude { back, verdict } => {
			let item = NextItem::<Test>::get().saturating_sub(1 + back);
			let concluded = Net::conclude(item, verdict, 3).is_ok();
			if concluded {
				Cases::mutate(|cases| cases.remove(&item));
			}
			concluded
		}
		Step::Pass { millis } => {
			advance_millis(millis);
			true
		}
		Step::Seed { is_known } => {
			SeedIsKnown::set(is_known);
			true
		}
	}
}

proptest! {
	// 4 x 1,000 calls, each followed by all checks.
	#![proptest_config(ProptestConfig { cases: 4, ..ProptestConfig::default() })]

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
			prop_assert!(succeeded > 300, "only {} calls succeeded: the steps do not test much", succeeded);
			Ok(())
		})?;
	}
}
