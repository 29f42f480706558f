//! Validators: what they stake, and how each of them makes up its mind.

use std::ops::Range;

use openledger_primitives::{sortition::Draw, tally::WIDTHS, Balance, OPEN};
use rand::{seq::SliceRandom, Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Independent holders of stake.
pub const PARTIES: usize = 100;
/// The largest stake; the n-th is this by n^0.6, so the largest holds 7 % and the smallest 0.4 %.
const LARGEST: f64 = 32_000.;
/// Parts of a split stake; the smallest party's parts would be below the least stake with more.
const PARTS: Range<usize> = 2..9;
/// Keys that a grinder tries, and known draws of the past that it tries them on.
const KEYS_TRIED: usize = 64;
const DRAWS_KNOWN: u64 = 50;

/// How a party votes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mind {
	/// Looks, errs in one item of twenty, says what it saw.
	Honest,
	/// Knows the truth; all liars say the opposite as one.
	Liar,
	/// Accepts whatever comes, with the usual score, and never looks.
	Lazy,
	/// Never looks, says what can be seen: the side that led in the item's earlier rounds, else the usual verdict. Commitments
	/// of others are of no use to it: each is bound to its voter.
	Copier,
	/// Looks and commits as an honest one, and never reveals.
	NeverRevealer,
	/// Looks and commits as an honest one, waits for all other reveals, and reveals only on the side that leads.
	LastRevealer,
	/// Waits as well, and holds back only where the points that a reveal would lose are worth more than the reserve.
	Withholder,
	/// Never looks: accepts with one account, rejects with another, and reveals the one on the side that leads.
	Hedger,
}

impl Mind {
	/// Whether it decides on revealing after everybody else.
	pub fn waits(self) -> bool {
		matches!(self, Mind::LastRevealer | Mind::Withholder | Mind::Hedger)
	}
}

/// A registered validator.
#[derive(Clone, Debug)]
pub struct Account {
	pub key: [u8; 32],
	pub stake: Balance,
	pub party: usize,
	/// Which of its party's accounts it is.
	pub nth: usize,
}

/// One holder of stake, over however many accounts.
#[derive(Clone, Copy, Debug)]
pub struct Party {
	pub mind: Mind,
	pub stake: Balance,
	/// Whether its pay is what is measured; the others are what it is measured by.
	pub tricky: bool,
}

/// All validators.
#[derive(Clone, Debug)]
pub struct Population {
	pub parties: Vec<Party>,
	pub accounts: Vec<Account>,
	pub total: Balance,
	rng: ChaCha8Rng,
}

impl Population {
	/// A hundred honest parties of unequal stakes, an account each.
	pub fn honest(seed: u64) -> Self {
		let mut rng = ChaCha8Rng::seed_from_u64(seed);
		let stake = |n: usize| (LARGEST / (n as f64 + 1.).powf(0.6)) as Balance * OPEN;
		let parties: Vec<Party> = (0..PARTIES)
			.map(|n| Party {
				mind: Mind::Honest,
				stake: stake(n),
				tricky: false,
			})
			.collect();
		let mut population = Self {
			parties,
			accounts: vec![],
			total: 0,
			rng: ChaCha8Rng::seed_from_u64(rng.next_u64()),
		};
		population.register(|_, _| 1);
		population
	}

	/// Parties picked by chance are of another mind; their stakes are scaled so that exactly `share` of all is theirs.
	pub fn with(mut self, mind: Mind, share: f64) -> Self {
		let mut order: Vec<usize> = (0..PARTIES).collect();
		order.shuffle(&mut self.rng);
		let total: Balance = self.parties.iter().map(|party| party.stake).sum();
		let mut theirs: Balance = 0;
		for index in order {
			let party = &mut self.parties[index];
			if ((theirs + party.stake) as f64) <= share * total as f64 {
				theirs += party.stake;
				(party.mind, party.tricky) = (mind, true);
			}
		}
		if theirs > 0 {
			let scale = share / (1. - share) * (total - theirs) as f64 / theirs as f64;
			for party in self.parties.iter_mut().filter(|party| party.tricky) {
				party.stake = (party.stake as f64 * scale) as Balance;
			}
		}
		let accounts = if mind == Mind::Hedger { 2 } else { 1 };
		self.register(|party, _| if party.tricky { accounts } else { 1 });
		self
	}

	/// Every second party splits its stake over several accounts.
	pub fn with_splitters(mut self) -> Self {
		self.every_second_is_tricky();
		self.register(|party, rng| if party.tricky { rng.random_range(PARTS) } else { 1 });
		self
	}

	/// Every second party tries many keys before it registers, and takes the one that was drawn most in what is known by then.
	/// Stakes count two sessions later and seeds come after that, so the draws it will live by are not among them.
	pub fn with_grinders(mut self, known: impl Fn(u64) -> [u8; 32]) -> Self {
		self.every_second_is_tricky();
		let total = self.total;
		for index in 0..self.accounts.len() {
			let Account { stake, party, .. } = self.accounts[index];
			if self.parties[party].tricky {
				let keys = (0..KEYS_TRIED).map(|_| self.rng.random());
				let drawn = |key: &[u8; 32]| -> u32 {
					(0..DRAWS_KNOWN)
						.map(|item| first_draw(item, known(item), total).weight(key, stake))
						.sum()
				};
				self.accounts[index].key = keys.max_by_key(drawn).unwrap_or_default();
			}
		}
		self
	}

	fn every_second_is_tricky(&mut self) {
		for party in self.parties.iter_mut().step_by(2) {
			party.tricky = true;
		}
	}

	/// Registers every party's accounts, with even parts of its stake.
	fn register(&mut self, count: impl Fn(&Party, &mut ChaCha8Rng) -> usize) {
		self.accounts.clear();
		for (index, party) in self.parties.iter().enumerate() {
			let count = count(party, &mut self.rng);
			for nth in 0..count {
				let left = party.stake % count as Balance;
				self.accounts.push(Account {
					key: self.rng.random(),
					stake: party.stake / count as Balance + if nth == 0 { left } else { 0 },
					party: index,
					nth,
				});
			}
		}
		self.total = self.accounts.iter().map(|account| account.stake).sum();
	}

	/// Stake of the measured parties, and of those they are measured by, in plancks.
	pub fn stakes(&self) -> (f64, f64) {
		let sum = |tricky| {
			let stakes = self.parties.iter().filter(|party| party.tricky == tricky);
			stakes.map(|party| party.stake as f64).sum()
		};
		(sum(true), sum(false))
	}
}

/// The draw of an item's first round.
pub fn first_draw(item: u64, seed: [u8; 32], total_stake: Balance) -> Draw {
	Draw {
		genesis: crate::court::GENESIS,
		item,
		round: 0,
		seed,
		total_stake,
		panel: WIDTHS[0].panel,
	}
}
