use crate::{mock::*, Error, Event, TotalStake, Validators};
use frame_support::{assert_noop, assert_ok, traits::fungible::hold::Inspect};
use openledger_primitives::format::{Modality, ModalitySet};

#[test]
fn register_should_count_the_stake_two_sessions_later() {
	ExtBuilder::default().build_and_execute(|| {
		Session::set(5);
		assert_ok!(Validation::register(signed(10), 2_000, text_and_audio()));
		System::assert_last_event(
			Event::Registered {
				who: 10,
				stake: 2_000,
				modalities: text_and_audio(),
			}
			.into(),
		);
		let validator = Validators::<Test>::get(10).expect("registered");
		assert_eq!(validator.schedule.at(6), Some((0, ModalitySet::default())));
		assert_eq!(validator.schedule.at(7), Some((2_000, text_and_audio())));
		let total = |modality, session| TotalStake::<Test>::get(modality).at(session);
		assert_eq!(
			[6, 7].map(|s| total(Modality::Text, s)),
			[Some(7 * STAKE), Some(7 * STAKE + 2_000)]
		);
		assert_eq!([6, 7].map(|s| total(Modality::Audio, s)), [Some(0), Some(2_000)]);
		assert_eq!(Balances::total_balance_on_hold(&10), 2_000);
	});
}

#[test]
fn register_should_fail_when_already_registered() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::register(signed(1), 2_000, text()),
			Error::<Test>::AlreadyRegistered
		);
	});
}

#[test]
fn register_should_fail_when_modalities_are_invalid() {
	ExtBuilder::default().build_and_execute(|| {
		for set in [ModalitySet(0), ModalitySet(8)] {
			assert_noop!(
				Validation::register(signed(10), 2_000, set),
				Error::<Test>::InvalidModalities
			);
		}
	});
}

#[test]
fn register_should_fail_when_stake_is_below_the_least() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::register(signed(10), 999, text()),
			Error::<Test>::BelowMinStake
		);
	});
}

#[test]
fn register_should_fail_when_balance_is_insufficient() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::register(signed(10), RICH, text()),
			Error::<Test>::InsufficientBalance
		);
	});
}

#[test]
#[should_panic(expected = "parameters are out of range")]
fn genesis_should_fail_when_parameters_are_invalid() {
	ExtBuilder::default()
		.with_params(crate::CourtParams {
			commit_blocks: 0,
			..params()
		})
		.build();
}

#[test]
#[should_panic(expected = "named twice")]
fn genesis_should_fail_when_a_validator_is_named_twice() {
	ExtBuilder::default()
		.with_validators(vec![(1, STAKE, text()), (1, STAKE, text())])
		.build();
}

#[test]
fn genesis_stakes_should_count_from_session_zero() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(TotalStake::<Test>::get(Modality::Text).at(0), Some(7 * STAKE));
		assert_eq!(
			Validators::<Test>::get(1).and_then(|v| v.schedule.at(0)),
			Some((STAKE, text()))
		);
	});
}
