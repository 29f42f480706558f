use crate::{mock::*, Cases, Error, Event, Rounds};
use frame_support::{assert_noop, assert_ok};
use openledger_primitives::{
	item::Phase,
	tally::WIDTHS,
	vote::{Reason, Verdict},
};

/// Four against three: not clear enough for any round but the last.
fn divided() -> Vec<(AccountId, Verdict)> {
	(1..=7)
		.map(|who| (who, if who <= 4 { ACCEPT } else { REJECT }))
		.collect()
}

#[test]
fn close_round_should_reach_a_verdict_when_the_panel_agrees() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &all(7, ACCEPT));
		reveal_all(1, &all(7, ACCEPT));
		let deadline = round(1).reveal_until;
		// Called late, the window still counts from the deadline.
		run_to(deadline + 3);
		assert_ok!(Validation::close_round(signed(STRANGER), 1));
		let until = deadline + params().provisional_blocks;
		System::assert_last_event(
			Event::VerdictReached {
				item: 1,
				round: 0,
				verdict: ACCEPT,
				until,
			}
			.into(),
		);
		assert_eq!(case(1).phase, Phase::Provisional { verdict: ACCEPT, until });
		assert_eq!((case(1).fee, round(1).fee), (0, FEE));
	});
}

#[test]
fn close_round_should_give_the_heaviest_reason_when_the_panel_rejects() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		let off_topic = Verdict::Reject {
			reason: Reason::OffTopic,
		};
		vote(
			1,
			&[(1, off_topic), (2, off_topic), (3, off_topic), (4, REJECT), (5, REJECT)],
		);
		assert!(matches!(case(1).phase, Phase::Provisional { verdict, .. } if verdict == off_topic));
	});
}

#[test]
fn close_round_should_open_a_wider_round_when_the_panel_is_divided() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		let deadline = round(1).reveal_until;
		vote(1, &divided());
		System::assert_has_event(Event::RoundUndecided { item: 1, round: 0 }.into());
		let (case, round) = (case(1), round(1));
		assert_eq!((case.round, case.phase), (1, Phase::Voting));
		assert_eq!(
			(round.opened_at, round.seed_at, round.width),
			(deadline, deadline + 2, WIDTHS[1])
		);
		assert_eq!(round.commit_until, deadline + 2 + 3);
		assert_eq!(round.reveal_until, deadline + 2 + 3 + 3);
		// Half of the fee is earned, half is left for what comes.
		assert_eq!(
			(case.fee, Rounds::<Test>::get((1, 0)).map(|round| round.fee)),
			(FEE / 2, Some(FEE / 2))
		);
		run_to(round.seed_at + 1);
		assert_eq!(Validation::weight_of(1, 1), Some(3));
	});
}

#[test]
fn close_round_should_keep_the_seed_of_the_deadline_when_called_late() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		let deadline = round(1).reveal_until;
		run_to(deadline + 20);
		assert_ok!(Validation::close_round(signed(STRANGER), 1));
		assert_eq!((round(1).opened_at, round(1).seed_at), (deadline, deadline + 2));
		assert_eq!(round(1).commit_until, deadline + 20 + 3);
		assert_eq!(Validation::weight_of(1, 1), Some(3));
	});
}

#[test]
fn close_round_should_take_a_new_seed_when_stakes_could_have_moved_since() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).reveal_until + 20);
		Session::set(2);
		assert_ok!(Validation::close_round(signed(STRANGER), 1));
		assert_eq!((round(1).seed_at, round(1).session), (Now::get() + 2, 2));
		assert_eq!(Validation::weight_of(1, 1), None);
	});
}

#[test]
fn close_round_should_take_a_new_seed_when_the_deadlines_is_forgotten() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).reveal_until + crate::RING_BLOCKS);
		assert_ok!(Validation::close_round(signed(STRANGER), 1));
		assert_eq!(round(1).seed_at, Now::get() + 2);
	});
}

#[test]
fn close_round_should_go_on_when_less_than_half_of_the_panel_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		commit_all(1, &all(7, ACCEPT));
		reveal_all(1, &all(3, ACCEPT));
		close(1);
		assert_eq!((case(1).round, case(1).phase), (1, Phase::Voting));
	});
}

#[test]
fn close_round_should_expire_the_item_when_nobody_ever_votes() {
	ExtBuilder::default().build_and_execute(|| {
		let pot = Balances::free_balance(POT);
		open(1);
		(0..3).for_each(|_| close(1));
		let deadline = round(1).reveal_until;
		close(1);
		System::assert_last_event(Event::CaseConcluded { item: 1, outcome: None }.into());
		assert_eq!(Concluded::get(), [(1, None, deadline)]);
		assert!(!Cases::<Test>::contains_key(1));
		assert_eq!(Rounds::<Test>::iter().count(), 0);
		assert_eq!(Balances::free_balance(POT), pot + FEE);
	});
}

#[test]
fn close_round_should_expire_and_keep_votes_when_the_last_round_is_undecided() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		(0..3).for_each(|_| close(1));
		vote(1, &[(1, ACCEPT), (2, REJECT)]);
		assert!(matches!(case(1).phase, Phase::Final { outcome: None, .. }));
		// The last round earns all that is left, though it decided nothing.
		assert_eq!((case(1).fee, round(1).fee, case(1).unsettled), (0, FEE, 2));
	});
}

#[test]
fn close_round_should_fail_when_there_is_no_case() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(Validation::close_round(signed(1), 1), Error::<Test>::CaseNotFound);
	});
}

#[test]
fn close_round_should_fail_when_reveals_can_come() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		run_to(round(1).reveal_until);
		assert_noop!(Validation::close_round(signed(1), 1), Error::<Test>::RoundNotOver);
	});
}

#[test]
fn close_round_should_fail_when_it_is_closed() {
	ExtBuilder::default().build_and_execute(|| {
		open(1);
		vote(1, &all(7, ACCEPT));
		assert_noop!(Validation::close_round(signed(1), 1), Error::<Test>::RoundNotOpen);
	});
}
