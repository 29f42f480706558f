//! The numbered invariants of the crate's documentation under random sequences of calls.

use super::*;
use crate::Authorities as List;
use proptest::{collection::vec, test_runner::TestRunner};

#[test]
fn random_calls_should_keep_the_invariants() {
	TestRunner::default()
		.run(&vec((0u8..8, 1u64..8, 0u128..2 * MIN_BOND), 40..60), |calls| {
			with_authorities(&[1], || {
				for (call, who, amount) in calls {
					let (root, signed) = (RuntimeOrigin::root(), RuntimeOrigin::signed(who));
					let bond = held(who);
					// Whether it succeeds or not, nothing may break.
					let _ = match call {
						0 => Authorities::add_authority(root, who),
						1 => Authorities::remove_authority(root, who),
						2 => Authorities::bond(signed, amount),
						3 => Authorities::withdraw_bond(signed),
						4 => Authorities::leave(signed),
						5 => {
							Authorities::punish(&who, Perbill::from_rational(amount, 2 * MIN_BOND));
							Ok(())
						}
						6 => {
							Authorities::offenders_in(CurrentSession::get());
							Ok(())
						}
						_ => {
							CurrentSession::mutate(|session| *session += 1);
							Ok(())
						}
					};
					let len = List::<Test>::get().len();
					assert!((1..=4).contains(&len), "1 to 4 authorities, not {len}");
					if held(who) < bond {
						assert!(matches!(call, 3 | 5), "only withdrawing and slashes lower a bond");
						assert!(
							call == 5 || !List::<Test>::get().contains(&who),
							"an authority's bond stays"
						);
					}
					Authorities::check_state().expect("the state holds after every call");
				}
			});
			Ok(())
		})
		.expect("the invariants hold");
}
