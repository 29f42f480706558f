use crate::{mock::*, Cases, Error, Event, HoldReason, Rounds, TrialBond, TrialBonds, Validators};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold};
use openledger_primitives::{
	challenge::{Penalty, Ruling},
	item::Phase,
	vote::Verdict,
	Balance, ItemId,
};

fn on_hold(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::Challenge.into(), &who)
}

/// Brings the item to a provisional verdict of all seven.
fn provisional(item: ItemId, verdict: Verdict) {
	open(item);
	vote(item, &all(7, verdict));
}

/// Validators up to `n` say one thing, the others up to seven another.
fn split(n: AccountId, one: Verdict, other: Verdict) -> Vec<(AccountId, Verdict)> {
	(1..=7).map(|who| (who, if who <= n { one } else { other })).collect()
}

fn verdict(item: ItemId) -> Verdict {
	let Phase::Provisional { verdict, .. } = case(item).phase else {
		panic!("the item has no provisional verdict");
	};
	verdict
}

#[test]
fn challenge_should_take_the_bond_and_open_a_wide_round() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		assert_eq!(Validation::challenge_bond_due(1), Some(CHALLENGE_BOND));
		challenge(1);
		System::assert_has_event(
			Event::Challenged {
				item: 1,
				challenger: STRANGER,
				bond: CHALLENGE_BOND,
			}
			.into(),
		);
		assert_eq!(on_hold(STRANGER), CHALLENGE_BOND);
		let expected = TrialBond {
			who: STRANGER,
			amount: CHALLENGE_BOND,
			percent: 50,
		};
		assert_eq!(TrialBonds::<Test>::get(1), Some(expected));
		let now = Now::get();
		let (case, round) = (case(1), round(1));
		assert_eq!(
			(case.phase, case.round, case.challenges),
			(Phase::Challenged { verdict: ACCEPT }, 1, 1)
		);
		assert_eq!((round.opened_at, round.seed_at), (now, now + 2));
		assert_eq!(round.width, params().challenge_width);
		run_to(round.seed_at + 1);
		assert_eq!(Validation::weight_of(1, 1), Some(10));
	});
}

#[test]
fn challenge_should_double_bond_and_panel_when_it_is_the_second() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		close(1);
		assert_eq!(Validation::challenge_bond_due(1), Some(2 * CHALLENGE_BOND));
		challenge(1);
		assert_eq!(on_hold(STRANGER), 2 * CHALLENGE_BOND);
		assert_eq!(round(1).width.panel, 140);
		close(1);
		assert_eq!(Validation::challenge_bond_due(1), None);
		assert_noop!(
			Validation::challenge(signed(STRANGER), 1),
			Error::<Test>::MaxChallengesExceeded
		);
	});
}

#[test]
fn challenge_should_return_the_bond_and_punish_nobody_when_a_majority_overturns() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		vote(1, &split(4, REJECT, ACCEPT));
		let ruling = Ruling::Overturned {
			verdict: REJECT,
			by_two_thirds: false,
		};
		System::assert_has_event(
			Event::ChallengeDecided {
				item: 1,
				round: 1,
				ruling,
				bond: CHALLENGE_BOND,
			}
			.into(),
		);
		assert_eq!((on_hold(STRANGER), Balances::free_balance(STRANGER)), (0, RICH));
		assert_eq!((verdict(1), case(1).penalty), (REJECT, None));
		finalize(1);
		assert_eq!(Concluded::get()[0].1, Some(REJECT));
		// Judged by the final outcome, as in every round.
		settle(1, 0, 1);
		assert_eq!(
			Validators::<Test>::get(1).map(|v| (v.stake, v.credit)),
			Some((STAKE, -500_000))
		);
	});
}

#[test]
fn challenge_should_slash_the_losing_side_for_challenger_and_pot_when_two_thirds_overturn() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &split(6, ACCEPT, REJECT));
		challenge(1);
		vote(1, &split(2, ACCEPT, REJECT));
		assert_eq!(
			case(1).penalty,
			Some(Penalty {
				accept: true,
				before: 1,
				informant: Some(STRANGER),
				percent: 50,
			})
		);
		finalize(1);
		let (pot, challenger) = (Balances::free_balance(POT), Balances::free_balance(STRANGER));
		settle(1, 0, 1);
		System::assert_last_event(
			Event::VoteSettled {
				item: 1,
				round: 0,
				voter: 1,
				fee: 0,
				points: -500_000,
				slashed: 10,
				rewarded: 5,
			}
			.into(),
		);
		assert_eq!(Balances::free_balance(POT), pot + 5);
		assert_eq!(Balances::free_balance(STRANGER), challenger + 5);
		assert_eq!(
			Validators::<Test>::get(1).map(|v| (v.stake, v.at_risk)),
			Some((STAKE - 10, 100))
		);
		// Who was right then, and who dissented in the challenge, lose nothing.
		settle(1, 0, 7);
		settle(1, 1, 1);
		settle(1, 1, 7);
		assert_eq!(Validators::<Test>::get(1).map(|v| v.stake), Some(STAKE - 10));
		assert_eq!(Validators::<Test>::get(7).map(|v| v.stake), Some(STAKE));
	});
}

#[test]
fn challenge_should_overturn_a_rejection_when_its_contributor_challenges() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, REJECT);
		assert_ok!(Validation::challenge(signed(CONTRIBUTOR), 1));
		vote(1, &all(7, ACCEPT));
		assert_eq!((verdict(1), on_hold(CONTRIBUTOR)), (ACCEPT, 0));
		assert!(matches!(case(1).penalty, Some(Penalty { accept: false, .. })));
		finalize(1);
		(1..=7).for_each(|who| settle(1, 0, who));
		assert_eq!(
			Balances::free_balance(CONTRIBUTOR),
			RICH - FEE + 7 * 5,
			"the slashes' half goes to who showed it"
		);
	});
}

#[test]
fn challenge_should_pay_the_panel_when_it_is_upheld() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		commit_all(1, &split(6, ACCEPT, REJECT));
		reveal_all(1, &split(6, ACCEPT, REJECT));
		let deadline = round(1).reveal_until;
		close(1);
		System::assert_has_event(
			Event::ChallengeDecided {
				item: 1,
				round: 1,
				ruling: Ruling::Upheld,
				bond: CHALLENGE_BOND,
			}
			.into(),
		);
		assert_eq!(
			(on_hold(STRANGER), Balances::free_balance(STRANGER)),
			(0, RICH - CHALLENGE_BOND)
		);
		let until = deadline + params().provisional_blocks;
		assert_eq!(case(1).phase, Phase::Provisional { verdict: ACCEPT, until });
		finalize(1);
		// Dissent is paid as well.
		for voter in [1, 7] {
			let before = Balances::free_balance(voter);
			settle(1, 1, voter);
			assert_eq!(Balances::free_balance(voter), before + CHALLENGE_BOND / 7);
		}
	});
}

#[test]
fn challenge_should_be_upheld_when_it_is_undecided() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		// Three of seven are under half of the panel.
		vote(1, &all(3, REJECT));
		assert_eq!((verdict(1), round(1).fee), (ACCEPT, CHALLENGE_BOND));
	});
}

#[test]
fn challenge_should_pay_the_pot_when_nobody_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		let pot = Balances::free_balance(POT);
		challenge(1);
		close(1);
		assert_eq!(Balances::free_balance(POT), pot + CHALLENGE_BOND);
		assert_eq!(verdict(1), ACCEPT);
		assert!(!Rounds::<Test>::contains_key((1, 1)));
	});
}

#[test]
fn challenge_should_correct_units_when_they_were_far_off() {
	ExtBuilder::default().build_and_execute(|| {
		let inflated = Verdict::Accept {
			score: 80,
			units: u32::MAX,
		};
		provisional(1, inflated);
		challenge(1);
		vote(1, &all(7, ACCEPT));
		System::assert_has_event(
			Event::ChallengeDecided {
				item: 1,
				round: 1,
				ruling: Ruling::Corrected { verdict: ACCEPT },
				bond: CHALLENGE_BOND,
			}
			.into(),
		);
		assert_eq!((verdict(1), case(1).penalty), (ACCEPT, None));
		assert_eq!(Balances::free_balance(STRANGER), RICH);
	});
}

#[test]
fn challenge_should_lift_the_penalty_when_a_second_one_turns_it_back() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		vote(1, &all(7, REJECT));
		assert!(case(1).penalty.is_some());
		assert_ok!(Validation::challenge(signed(OWNER), 1));
		vote(1, &split(4, ACCEPT, REJECT));
		assert_eq!((verdict(1), case(1).penalty), (ACCEPT, None));
		finalize(1);
		(1..=7).for_each(|who| (0..=2).for_each(|round| settle(1, round, who)));
		assert!(Validators::<Test>::iter_values().all(|validator| validator.stake == STAKE));
		assert!(!Cases::<Test>::contains_key(1));
	});
}

#[test]
fn challenge_should_turn_the_penalty_when_two_thirds_turn_the_verdict_back() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		vote(1, &all(7, REJECT));
		assert_ok!(Validation::challenge(signed(OWNER), 1));
		vote(1, &all(7, ACCEPT));
		assert_eq!(
			case(1).penalty,
			Some(Penalty {
				accept: false,
				before: 3,
				informant: Some(OWNER),
				percent: 50,
			})
		);
		finalize(1);
		(0..=2).for_each(|round| settle(1, round, 1));
		// Ten of weight in the first challenge, and nothing else.
		assert_eq!(Validators::<Test>::get(1).map(|v| v.stake), Some(STAKE - 100));
	});
}

#[test]
fn challenge_should_slash_its_own_losing_side_when_it_is_the_last_and_overturns() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, REJECT);
		challenge(1);
		vote(1, &split(2, ACCEPT, REJECT));
		assert_eq!(case(1).penalty, None);
		challenge(1);
		vote(1, &split(5, ACCEPT, REJECT));
		assert_eq!(verdict(1), ACCEPT);
		finalize(1);
		(1..=7).for_each(|who| (0..=2).for_each(|round| settle(1, round, who)));
		let left = |who| Validators::<Test>::get(who).map(|validator| STAKE - validator.stake);
		// Rejections of weight 1, 10 and 20, at 10 each; the first two had none in the challenges.
		assert_eq!([1, 3, 6].map(left), [Some(10), Some(110), Some(310)]);
	});
}

#[test]
fn challenge_should_slash_its_own_losing_side_when_it_is_the_last_and_fails() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		vote(1, &all(7, REJECT));
		challenge(1);
		vote(1, &split(2, ACCEPT, REJECT));
		let expected = Penalty {
			accept: true,
			before: 3,
			informant: Some(STRANGER),
			percent: 50,
		};
		assert_eq!((verdict(1), case(1).penalty), (REJECT, Some(expected)));
		finalize(1);
		(1..=7).for_each(|who| (0..=2).for_each(|round| settle(1, round, who)));
		let left = |who| Validators::<Test>::get(who).map(|validator| STAKE - validator.stake);
		assert_eq!([1, 3].map(left), [Some(210), Some(10)]);
	});
}

#[test]
fn challenge_should_punish_nobody_when_less_than_two_thirds_decide_the_last() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		vote(1, &all(7, ACCEPT));
		challenge(1);
		vote(1, &split(4, ACCEPT, REJECT));
		assert_eq!((verdict(1), case(1).penalty), (ACCEPT, None));
	});
}

#[test]
fn challenge_should_reward_nobody_for_their_own_slash() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		assert_ok!(Validation::challenge(signed(1), 1));
		vote(1, &(2..=7).map(|who| (who, REJECT)).collect::<Vec<_>>());
		finalize(1);
		let (pot, before) = (Balances::free_balance(POT), Balances::free_balance(1));
		settle(1, 0, 1);
		assert_eq!(
			(Balances::free_balance(POT), Balances::free_balance(1)),
			(pot + 10, before)
		);
		settle(1, 0, 2);
		assert_eq!(Balances::free_balance(1), before + 5);
	});
}

#[test]
fn challenge_should_reward_the_pot_when_the_challenger_is_gone() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		vote(1, &all(7, REJECT));
		finalize(1);
		assert_ok!(Balances::transfer_all(signed(STRANGER), OWNER, false));
		let pot = Balances::free_balance(POT);
		assert_ok!(Validation::settle(signed(OWNER), 1, 0, 1));
		assert_eq!(Balances::free_balance(POT), pot + 10);
		assert_eq!(Balances::free_balance(STRANGER), 0);
	});
}

#[test]
fn challenge_should_keep_stake_at_risk_until_it_is_slashed() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		challenge(1);
		vote(1, &all(7, REJECT));
		finalize(1);
		let at_risk = 10 + 100;
		assert_noop!(
			Validation::unbond(signed(1), STAKE),
			Error::<Test>::InsufficientFreeStake
		);
		assert_ok!(Validation::unbond(signed(1), STAKE - 1_000));
		settle(1, 0, 1);
		assert_eq!(
			Validators::<Test>::get(1).map(|v| (v.stake, v.at_risk)),
			Some((990, at_risk - 10))
		);
	});
}

#[test]
fn challenge_should_fail_when_there_is_no_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::challenge(signed(1), 1), Error::<Test>::CaseNotFound);
	});
}

#[test]
fn challenge_should_fail_when_there_is_no_provisional_verdict() {
	ExtBuilder::default().build_and_execute(|| {
		let fails = || {
			assert_noop!(Validation::challenge(signed(1), 1), Error::<Test>::NotProvisional);
		};
		open(1);
		fails();
		vote(1, &all(7, ACCEPT));
		challenge(1);
		fails();
		close(1);
		finalize(1);
		fails();
	});
}

#[test]
fn challenge_should_work_in_the_last_block_of_the_window_and_fail_after_it() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		provisional(2, ACCEPT);
		let Phase::Provisional { until, .. } = case(2).phase else {
			panic!("not provisional")
		};
		run_to(until);
		assert_ok!(Validation::challenge(signed(STRANGER), 2));
		assert_eq!(Validation::challenge_bond_due(1), None);
		assert_noop!(
			Validation::challenge(signed(STRANGER), 1),
			Error::<Test>::NoLongerProvisional
		);
	});
}

#[test]
fn challenge_should_fail_when_the_bond_is_not_there() {
	ExtBuilder::default().build_and_execute(|| {
		provisional(1, ACCEPT);
		assert_noop!(
			Validation::challenge(signed(1_000), 1),
			Error::<Test>::InsufficientBalance
		);
	});
}
