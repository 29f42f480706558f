//! One item's way: rounds, challenge, settlement, as `pallet_validation` walks it, in memory.

use openledger_primitives::{
	challenge::{penalty, rule, trial_width, Penalty, Ruling, Trial},
	fee::share,
	plant::confirm,
	points::{unrevealed_points, vote_points, AcceptShare, POINT},
	sortition::Draw,
	tally::{Decision, Tally, Width},
	vote::{Reason, Verdict, MAX_SCORE},
	Balance, RoundIndex, OPEN,
};
use pallet_rewards::RewardParams;
use pallet_validation::CourtParams;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::population::{Account, Mind, Population};

/// Stands for the chain's genesis hash.
pub const GENESIS: [u8; 32] = [7; 32];
/// Share of items in which an honest judge, or the watcher, sees the opposite of what is there.
pub const ERROR: f64 = 0.05;
/// A score that says nothing: what is usual.
const USUAL_SCORE: u8 = 75;

/// What is judged.
#[derive(Clone, Copy, Debug)]
pub struct File {
	/// Whether accepting it is right.
	pub good: bool,
	/// Its quality; for a bad one, what it looks like to a judge who errs.
	pub score: u8,
	/// By how much honest judges' scores differ from it; none where programs judge.
	pub noise: u8,
	pub units: u32,
	/// Its size, by which votes on it risk more.
	pub bytes: u32,
	/// The review fee, plancks.
	pub fee: Balance,
}

/// Who challenges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watch {
	Nobody,
	/// One party, once an item, where the verdict is not what it saw; it errs as honest judges do.
	Watcher,
	/// That one, and liars against every right verdict.
	WatcherAndLiars,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judged {
	/// `None`: no round decided.
	pub verdict: Option<Verdict>,
	/// Revealed weight of the rounds before the first provisional verdict.
	pub weight: u32,
	/// Votes revealed in them, one for each account.
	pub votes: u32,
	/// Revealed weight of challenges.
	pub challenge_weight: u32,
	/// What accounts lost for wrong votes, plancks.
	pub slashed: Balance,
}

/// What an account has earned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Purse {
	/// A deficit carried to the next votes.
	credit: i64,
	points: u128,
	fees: Balance,
	slashed: Balance,
}

impl Purse {
	/// Fees and paid points less slashes, in OPEN, with `per_point` plancks for a whole point.
	pub fn net(&self, per_point: Balance) -> f64 {
		let points = self.points as f64 / POINT as f64 * per_point as f64;
		(points + self.fees as f64 - self.slashed as f64) / OPEN as f64
	}

	/// As the pallet's `award`: a deficit is paid off before anything is earned.
	fn award(&mut self, points: i64) {
		let sum = self.credit.saturating_add(points);
		self.credit = sum.min(0);
		self.points += u128::from(sum.max(0).unsigned_abs());
	}
}

/// A committed vote.
struct Ballot {
	account: usize,
	weight: u32,
	verdict: Verdict,
	revealed: bool,
}

/// A round that is over.
struct Closed {
	tally: Tally,
	ballots: Vec<Ballot>,
	/// What its revealed weight shares, plancks.
	fee: Balance,
}

/// The validators, what they have earned, and the Datanet's recent outcomes.
pub struct Court {
	pub population: Population,
	pub purses: Vec<Purse>,
	params: CourtParams,
	/// What a validator's whole point is worth, plancks.
	pub per_point: Balance,
	watch: Watch,
	recent: AcceptShare,
	next_item: u64,
	rng: ChaCha8Rng,
}

impl Court {
	pub fn new(population: Population, watch: Watch, seed: u64) -> Self {
		Self {
			purses: vec![Purse::default(); population.accounts.len()],
			population,
			params: CourtParams::default(),
			per_point: RewardParams::default().max_pay_per_point.validators,
			watch,
			recent: AcceptShare::default(),
			next_item: 1 << 32,
			rng: ChaCha8Rng::seed_from_u64(seed),
		}
	}

	/// What the measured parties and the others have earned so far, OPEN.
	pub fn pay(&self) -> (f64, f64) {
		let mut pay = (0., 0.);
		for (account, purse) in self.population.accounts.iter().zip(&self.purses) {
			let net = purse.net(self.per_point);
			if self.population.parties[account.party].tricky {
				pay.0 += net;
			} else {
				pay.1 += net;
			}
		}
		pay
	}

	/// Walks a file through the court and settles every vote on it.
	pub fn judge(&mut self, file: &File) -> Judged {
		let item = Item {
			id: self.next_item,
			luck: self.rng.random(),
			file,
		};
		self.next_item += 1;
		let mut rounds = vec![];
		let mut left = file.fee;
		let mut verdict = None;
		let widths = self.params.widths.clone();
		for (index, width) in widths.iter().enumerate() {
			let leader = rounds.last().and_then(|round: &Closed| leader(&round.tally));
			let mut round = self.vote(&item, rounds.len(), *width, leader);
			let decision = round.tally.decide(*width);
			let is_last = index + 1 == widths.len() || decision != Decision::Undecided;
			// As the pallet's `earn_fee`.
			if round.tally.revealed() > 0 {
				round.fee = if is_last { left } else { left / 2 };
				left -= round.fee;
			}
			rounds.push(round);
			if let Decision::Decided(decided) = decision {
				verdict = Some(decided);
				break;
			}
		}
		let mut judged = Judged::default();
		for round in &rounds {
			judged.weight += round.tally.revealed();
			judged.votes += round.ballots.iter().filter(|ballot| ballot.revealed).count() as u32;
		}
		let mut punished = None;
		if let Some(standing) = verdict {
			let (standing, hit) = self.challenges(&item, standing, &mut rounds, &mut judged);
			(verdict, punished) = (Some(standing), hit);
		}
		judged.verdict = verdict;
		judged.slashed = self.settle(&rounds, file, verdict, punished);
		if let Some(verdict) = verdict {
			self.recent = self.recent.after(verdict.is_accept());
		}
		judged
	}

	/// Challenges until nobody objects any more; each party that may does so once. Returns what stands, and who is punished.
	fn challenges(
		&mut self,
		item: &Item,
		mut standing: Verdict,
		rounds: &mut Vec<Closed>,
		judged: &mut Judged,
	) -> (Verdict, Option<Penalty<()>>) {
		let watcher_sees = item.file.good != item.luck(usize::MAX, ERROR);
		let mut watcher = self.watch != Watch::Nobody;
		let mut liars = self.watch == Watch::WatcherAndLiars;
		let mut punished = None;
		for earlier in 0..self.params.max_challenges {
			let right = standing.is_accept() == item.file.good;
			if watcher && standing.is_accept() != watcher_sees {
				watcher = false;
			} else if liars && right {
				liars = false;
			} else {
				break;
			}
			let width = trial_width(self.params.challenge_width, earlier);
			let before = rounds.len();
			let mut round = self.vote(item, before, width, Some(standing));
			judged.challenge_weight += round.tally.revealed();
			let ruling = rule(&round.tally, width, &standing);
			let ruled = match ruling {
				Ruling::Upheld => {
					round.fee = self.params.bond(item.file.bytes, earlier);
					standing
				}
				Ruling::Corrected { verdict } | Ruling::Overturned { verdict, .. } => verdict,
			};
			let clear = confirm(&round.tally, width, ruled.is_accept()).is_some();
			let trial = Trial {
				challenger: (),
				percent: self.params.challenger_percent,
				round: before as RoundIndex,
				is_last: earlier + 1 == self.params.max_challenges,
			};
			punished = penalty(punished, trial, &standing, ruling, clear);
			standing = ruled;
			rounds.push(round);
		}
		(standing, punished)
	}

	/// One round: who is drawn commits, and who wants to reveals. `seen` is what the item's earlier rounds show.
	fn vote(&mut self, item: &Item, index: usize, width: Width, seen: Option<Verdict>) -> Closed {
		let draw = Draw {
			genesis: GENESIS,
			item: item.id,
			round: index as RoundIndex,
			seed: self.rng.random(),
			total_stake: self.population.total,
			panel: width.panel,
		};
		let mut tally = Tally::default();
		let mut ballots = vec![];
		for (index, account) in self.population.accounts.iter().enumerate() {
			let weight = draw.weight(&account.key, account.stake);
			if weight == 0 {
				continue;
			}
			let mind = self.population.parties[account.party].mind;
			let verdict = self.verdict(item, account, mind, seen);
			tally.commit(weight);
			let revealed = !mind.waits() && mind != Mind::NeverRevealer;
			if revealed {
				tally.reveal(&verdict, weight);
			}
			ballots.push(Ballot {
				account: index,
				weight,
				verdict,
				revealed,
			});
		}
		self.reveal_last(item.file, &mut ballots, &mut tally);
		Closed { tally, ballots, fee: 0 }
	}

	/// Who waited sees all other reveals.
	fn reveal_last(&self, file: &File, ballots: &mut [Ballot], tally: &mut Tally) {
		let Some(leads) = leader(tally) else { return };
		for ballot in ballots.iter_mut().filter(|ballot| !ballot.revealed) {
			let party = self.population.accounts[ballot.account].party;
			let loses = ballot.verdict.is_accept() != leads.is_accept();
			let reveals = match self.population.parties[party].mind {
				Mind::LastRevealer | Mind::Hedger => !loses,
				Mind::Withholder => !loses || !self.pays_to_hold_back(file, &ballot.verdict, &leads),
				_ => false,
			};
			if reveals {
				ballot.revealed = true;
				tally.reveal(&ballot.verdict, ballot.weight);
			}
		}
	}

	/// Whether the points that a losing vote costs are worth more than what an unrevealed one costs.
	fn pays_to_hold_back(&self, file: &File, verdict: &Verdict, leads: &Verdict) -> bool {
		let worth = |points: i64| points as f64 / POINT as f64 * self.per_point as f64;
		let hidden = unrevealed_points(1);
		worth(vote_points(verdict, leads, 1, self.recent)) < worth(hidden) - self.params.risk(file.bytes) as f64
	}

	fn verdict(&self, item: &Item, account: &Account, mind: Mind, seen: Option<Verdict>) -> Verdict {
		let file = item.file;
		let accept = |score| Verdict::Accept {
			score,
			units: file.units,
		};
		let reject = Verdict::Reject {
			reason: Reason::LowQuality,
		};
		let sees = |good: bool| {
			let noise = (item.draw(account.party) >> 32) % (2 * u64::from(file.noise) + 1);
			let score = (file.score + noise as u8).saturating_sub(file.noise);
			if good {
				accept(score.min(MAX_SCORE))
			} else {
				reject
			}
		};
		match mind {
			Mind::Honest | Mind::NeverRevealer | Mind::LastRevealer | Mind::Withholder => {
				sees(file.good != item.luck(account.party, ERROR))
			}
			Mind::Liar if file.good => reject,
			Mind::Liar => accept(MAX_SCORE),
			Mind::Lazy => accept(USUAL_SCORE),
			Mind::Copier => seen.unwrap_or(if self.recent.0 >= 500_000 {
				accept(USUAL_SCORE)
			} else {
				reject
			}),
			Mind::Hedger if account.nth == 0 => accept(USUAL_SCORE),
			Mind::Hedger => reject,
		}
	}

	/// As the pallet's `settle`, for every vote. Returns what wrong votes lost.
	fn settle(
		&mut self,
		rounds: &[Closed],
		file: &File,
		outcome: Option<Verdict>,
		penalty: Option<Penalty<()>>,
	) -> Balance {
		let risk = self.params.risk(file.bytes);
		let mut lost = 0;
		for (index, round) in rounds.iter().enumerate() {
			let revealed = round.tally.revealed();
			for ballot in &round.ballots {
				let purse = &mut self.purses[ballot.account];
				let reserve = risk * Balance::from(ballot.weight);
				if !ballot.revealed {
					purse.slashed += reserve;
					purse.award(unrevealed_points(ballot.weight));
					continue;
				}
				let hit = penalty
					.as_ref()
					.is_some_and(|penalty| penalty.hits(index as RoundIndex, &ballot.verdict));
				if hit {
					purse.slashed += reserve;
					lost += reserve;
				} else {
					purse.fees += share(round.fee, ballot.weight.into(), revealed.into());
				}
				if let Some(outcome) = outcome {
					purse.award(vote_points(&ballot.verdict, &outcome, ballot.weight, self.recent));
				}
			}
		}
		lost
	}
}

/// What leads among the revealed votes, with the numbers that a copier can copy.
fn leader(tally: &Tally) -> Option<Verdict> {
	if tally.accept == tally.reject {
		return None;
	}
	Some(if tally.accept > tally.reject {
		Verdict::Accept {
			score: tally.score.median().unwrap_or_default() as u8,
			units: tally.units.median().unwrap_or_default(),
		}
	} else {
		Verdict::Reject {
			reason: Reason::LowQuality,
		}
	})
}

/// An item, and the chance that decides who errs in it: each party errs the same way in all rounds on it.
struct Item<'a> {
	id: u64,
	luck: u64,
	file: &'a File,
}

impl Item<'_> {
	/// Random bits of one party (splitmix64).
	fn draw(&self, party: usize) -> u64 {
		let mut x = self.luck ^ (party as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
		x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		x ^ (x >> 31)
	}

	fn luck(&self, party: usize, chance: f64) -> bool {
		((self.draw(party) & 0xffff_ffff) as f64) < chance * f64::from(u32::MAX)
	}
}
