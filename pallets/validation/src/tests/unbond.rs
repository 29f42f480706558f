use crate::{mock::*, CourtParams, Error, Event, TotalStake, Unbonding, Validators, MAX_UNBONDING};
use frame_support::{assert_noop, assert_ok, traits::fungible::hold::Inspect};
use openledger_primitives::format::Modality;

#[test]
fn unbond_should_stop_counting_two_sessions_later_and_stay_on_hold() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(Validation::unbond(signed(1), 4_000));
		System::assert_last_event(
			Event::Unbonded {
				who: 1,
				amount: 4_000,
				from_session: 4,
			}
			.into(),
		);
		let validator = Validators::<Test>::get(1).expect("still a validator");
		assert_eq!(
			validator.unbonding.to_vec(),
			[Unbonding {
				amount: 4_000,
				from_session: 4
			}]
		);
		assert_eq!(
			[1, 2].map(|s| validator.schedule.at(s).map(|v| v.0)),
			[Some(STAKE), Some(STAKE - 4_000)]
		);
		assert_eq!(TotalStake::<Test>::get(Modality::Text).at(2), Some(7 * STAKE - 4_000));
		assert_eq!(Balances::total_balance_on_hold(&1), STAKE);
	});
}

#[test]
fn unbond_should_fail_when_amount_is_zero() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::unbond(signed(1), 0), Error::<Test>::ZeroAmount);
	});
}

#[test]
fn unbond_should_fail_when_not_a_validator() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::unbond(signed(STRANGER), 1), Error::<Test>::NotValidator);
	});
}

#[test]
fn unbond_should_fail_when_stake_is_at_risk() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &[(1, ACCEPT)]);
		assert_noop!(
			Validation::unbond(signed(1), STAKE),
			Error::<Test>::InsufficientFreeStake
		);
		assert_noop!(
			Validation::unbond(signed(1), STAKE - 9),
			Error::<Test>::InsufficientFreeStake
		);
		assert_ok!(Validation::unbond(signed(1), STAKE - 1_000));
	});
}

#[test]
fn unbond_should_fail_when_the_rest_is_below_the_least_stake() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::unbond(signed(1), STAKE - 999), Error::<Test>::BelowMinStake);
		assert_ok!(Validation::unbond(signed(1), STAKE));
	});
}

#[test]
fn unbond_should_fail_when_as_many_chunks_wait_as_can() {
	let params = CourtParams {
		unbonding_sessions: 100,
		..params()
	};
	ExtBuilder::default().with_params(params).build_and_execute(|| {
		for session in 0..MAX_UNBONDING {
			Session::set(session);
			assert_ok!(Validation::unbond(signed(1), 10));
			assert_ok!(Validation::unbond(signed(1), 10));
		}
		Session::set(MAX_UNBONDING);
		assert_noop!(Validation::unbond(signed(1), 10), Error::<Test>::MaxUnbondingExceeded);
	});
}
