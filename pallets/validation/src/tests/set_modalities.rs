use crate::{mock::*, Error, Event, TotalStake, Validators};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::format::{Modality, ModalitySet};

#[test]
fn set_modalities_should_move_the_stake_two_sessions_later() {
	ExtBuilder::default().build_and_execute(|| {
		let audio = ModalitySet::of(&[Modality::Audio]);
		assert_ok!(Validation::set_modalities(signed(1), audio));
		System::assert_last_event(
			Event::ModalitiesSet {
				who: 1,
				modalities: audio,
			}
			.into(),
		);
		let total = |modality, session| TotalStake::<Test>::get(modality).at(session);
		assert_eq!(
			[1, 2].map(|s| total(Modality::Text, s)),
			[Some(7 * STAKE), Some(6 * STAKE)]
		);
		assert_eq!([1, 2].map(|s| total(Modality::Audio, s)), [Some(0), Some(STAKE)]);
		assert_eq!(
			Validators::<Test>::get(1).and_then(|v| v.schedule.at(1)),
			Some((STAKE, text()))
		);
	});
}

#[test]
fn set_modalities_should_fail_when_the_set_is_invalid() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::set_modalities(signed(1), ModalitySet(0)),
			Error::<Test>::InvalidModalities
		);
	});
}

#[test]
fn set_modalities_should_fail_when_not_a_validator() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(
			Validation::set_modalities(signed(STRANGER), text()),
			Error::<Test>::NotValidator
		);
	});
}
