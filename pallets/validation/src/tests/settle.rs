use crate::{mock::*, Cases, Error, Event, Rounds, TotalStake, Validators, Votes};
use frame_support::assert_noop;
use openledger_primitives::{format::Modality, item::Phase, points::vote_points, points::AcceptShare};

#[test]
fn settle_should_pay_fee_and_points_and_free_the_reserve() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		finalize(1);
		let Phase::Final { at, .. } = case(1).phase else {
			panic!("not final")
		};
		let before = Balances::free_balance(1);
		settle(1, 0, 1);
		let points = vote_points(&ACCEPT, &ACCEPT, 1, AcceptShare::default());
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 0,
				voter: 1,
				fee: FEE / 7,
				points,
				slashed: 0,
				rewarded: 0,
			}
			.into(),
		);
		assert_eq!(Balances::free_balance(1), before + FEE / 7);
		assert_eq!(Awards::get(), [(1, points as u128, at)]);
		assert_eq!(
			Validators::<Test>::get(1).map(|v| (v.at_risk, v.stake)),
			Some((0, STAKE))
		);
		assert!(!Votes::<Test>::contains_key((1, 0), 1));
	});
}

#[test]
fn settle_should_remove_round_and_case_with_the_last_vote_and_sweep_the_dust() {
	ExtBuilder::default().build_and_execute(|| {
		let pot = Balances::free_balance(POT);
		open(1);
		vote(1, &all(7, ACCEPT));
		finalize(1);
		(1..=6).for_each(|who| settle(1, 0, who));
		assert_eq!((case(1).unsettled, round(1).unsettled), (1, 1));
		settle(1, 0, 7);
		assert!(!Cases::<Test>::contains_key(1) && !Rounds::<Test>::contains_key((1, 0)));
		assert_eq!(Balances::free_balance(POT), pot + FEE % 7);
		assert_eq!(
			Balances::free_balance(Validation::fee_account_id()),
			EXISTENTIAL_DEPOSIT
		);
	});
}

#[test]
fn settle_should_slash_the_whole_reserve_and_cost_a_point_when_not_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		let pot = Balances::free_balance(POT);
		open(1);
		commit_all(1, &all(7, ACCEPT));
		reveal_all(1, &all(6, ACCEPT));
		close(1);
		finalize(1);
		settle(1, 0, 7);
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 0,
				voter: 7,
				fee: 0,
				points: -1_000_000,
				slashed: 10,
				rewarded: 0,
			}
			.into(),
		);
		assert_eq!(Balances::free_balance(POT), pot + 10);
		let validator = Validators::<Test>::get(7).expect("still a validator");
		assert_eq!(
			(validator.stake, validator.at_risk, validator.slashed, validator.credit),
			(STAKE - 10, 0, 10, -1_000_000)
		);
		assert_eq!(TotalStake::<Test>::get(Modality::Text).latest(), 7 * STAKE - 10);
		// Its share goes to who revealed.
		settle(1, 0, 1);
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 0,
				voter: 1,
				fee: FEE / 6,
				points: 500_000,
				slashed: 0,
				rewarded: 0,
			}
			.into(),
		);
	});
}

#[test]
fn settle_should_carry_a_deficit_and_cost_no_stake_when_the_vote_was_wrong() {
	ExtBuilder::default().build_and_execute(|| {
		let votes: Vec<_> = (1..=7)
			.map(|who| (who, if who == 7 { REJECT } else { ACCEPT }))
			.collect();
		open(1);
		vote(1, &votes);
		finalize(1);
		settle(1, 0, 7);
		let validator = Validators::<Test>::get(7).expect("still a validator");
		assert_eq!((validator.stake, validator.credit), (STAKE, -500_000));
		assert!(Awards::get().is_empty());

		// The next right vote pays the deficit first.
		open(2);
		vote(2, &all(7, ACCEPT));
		finalize(2);
		settle(2, 0, 7);
		let points = vote_points(&ACCEPT, &ACCEPT, 1, AcceptShare::default().after(true));
		let left = Validators::<Test>::get(7).map(|v| v.credit);
		assert_eq!((left, Awards::get().len()), (Some(points - 500_000), 0));
		settle(1, 0, 1);
		assert_eq!(Awards::get().len(), 1);
	});
}

#[test]
fn settle_should_judge_every_round_by_the_final_outcome() {
	ExtBuilder::default().build_and_execute(|| {
		let divided: Vec<_> = (1..=7)
			.map(|who| (who, if who <= 4 { ACCEPT } else { REJECT }))
			.collect();
		open(1);
		vote(1, &divided);
		vote(1, &all(7, REJECT));
		finalize(1);
		settle(1, 0, 1);
		assert_eq!(Validators::<Test>::get(1).map(|v| v.credit), Some(-500_000));
		settle(1, 0, 5);
		// Half of the fee over seven in the first round, the rest over 21 in the second.
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 0,
				voter: 5,
				fee: FEE / 2 / 7,
				points: 500_000,
				slashed: 0,
				rewarded: 0,
			}
			.into(),
		);
		settle(1, 1, 5);
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 1,
				voter: 5,
				fee: FEE / 2 * 3 / 21,
				points: 1_500_000,
				slashed: 0,
				rewarded: 0,
			}
			.into(),
		);
	});
}

#[test]
fn settle_should_give_no_points_when_no_round_decided() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &[(1, ACCEPT)]);
		(0..3).for_each(|_| close(1));
		settle(1, 0, 1);
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 0,
				voter: 1,
				fee: FEE / 2,
				points: 0,
				slashed: 0,
				rewarded: 0,
			}
			.into(),
		);
		assert!(Awards::get().is_empty() && !Cases::<Test>::contains_key(1));
	});
}

#[test]
fn settle_should_fail_when_there_is_no_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::settle(signed(1), 1, 0, 1), Error::<Test>::CaseNotFound);
	});
}

#[test]
fn settle_should_fail_when_the_outcome_is_not_final() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		assert_noop!(Validation::settle(signed(1), 1, 0, 1), Error::<Test>::NotFinal);
	});
}

#[test]
fn settle_should_fail_when_there_is_no_vote_or_it_is_settled() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(6, ACCEPT));
		finalize(1);
		assert_noop!(Validation::settle(signed(1), 1, 0, 7), Error::<Test>::VoteNotFound);
		assert_noop!(Validation::settle(signed(1), 1, 1, 1), Error::<Test>::VoteNotFound);
		settle(1, 0, 1);
		assert_noop!(Validation::settle(signed(1), 1, 0, 1), Error::<Test>::VoteNotFound);
	});
}
