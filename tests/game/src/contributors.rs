//! What ways of contributing earn, beside honest contributors with as many files.
//!
//! All files go through the court of a hundred honest validators, with the fees, the hold and the quota of the pallets'
//! defaults.

use openledger_primitives::{
	points::{item_points, POINT},
	quota::DayUse,
	vote::Verdict,
	Balance, OPEN,
};
use pallet_datanets::DatanetParams;
use pallet_rewards::RewardParams;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
	court::{Court, File, Watch},
	files::Texts,
	population::{Mind, Population},
	stats::Ratio,
	validators::{file, review_fee, Run, FILE_BYTES},
};

/// What capital could earn elsewhere in a year.
const YEARLY_RETURN: f64 = 0.1;
/// How many accounts a spammer spreads its files over, each with a hold of its own.
const SPAM_ACCOUNTS: u32 = 50;
/// Share of a spammer's machine-made files that are good after all, and their score.
const SPAM_GOOD: f64 = 0.1;
const SPAM_SCORE: u8 = 40;
/// A day's files: how often a shopper in disguise tries each of its bad files.
const DISGUISES: u32 = 20;
/// Batches of a run, for errors of ratios.
const BATCHES: u64 = 20;

/// How a contributor goes about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
	/// Good files, once each.
	Honest,
	/// The same good files over many accounts: more quota, and a hold for each.
	ManyAccounts,
	/// Bad files, each submitted again until it is accepted or the doubled fee exceeds what it would earn.
	PanelShopper,
	/// Bad files, each changed by a byte and submitted as new until it is accepted or the day's quota is used up: the fee does
	/// not double.
	DisguisedShopper,
	/// Machine-made files over many accounts: one in ten is good, and of low quality.
	QuotaSpammer,
	/// Others' accepted content: half exact copies, which the chain itself knows, half retouched ones, which judges must see
	/// through as they do with any bad file.
	DuplicateFarmer,
}

/// What a contributor has spent and earned.
#[derive(Default)]
struct Books {
	points: u64,
	fees: Balance,
	accounts: u32,
}

impl Books {
	/// OPEN, at the most that a point pays.
	fn net(&self) -> f64 {
		let per_point = RewardParams::default().max_pay_per_point.contributors;
		let params = DatanetParams::default();
		let hold = (params.contributor_hold / OPEN) as f64;
		let capital = hold * f64::from(params.hold_days) / 365. * YEARLY_RETURN * f64::from(self.accounts);
		let paid = self.points as f64 / POINT as f64 * per_point as f64;
		(paid - self.fees as f64) / OPEN as f64 - capital
	}
}

/// A court of honest validators, or one with so many liars, that files are brought to.
pub struct Contributors {
	court: Court,
	rng: ChaCha8Rng,
	files: u64,
}

impl Contributors {
	pub fn new(run: Run, lying: f64) -> Self {
		let population = Population::honest(run.seed).with(Mind::Liar, lying);
		Self {
			court: Court::new(population, Watch::Watcher, run.seed ^ 0xc0),
			rng: ChaCha8Rng::seed_from_u64(run.seed ^ 0xf1),
			files: run.items,
		}
	}

	/// Net pay of this way over an honest contributor's, file by file.
	pub fn pay_of(&mut self, way: Way) -> Ratio {
		let mut batches = vec![];
		for batch in 0..BATCHES {
			let files = self.files * (batch + 1) / BATCHES - self.files * batch / BATCHES;
			batches.push((self.books(way, files).net(), self.books(Way::Honest, files).net()));
		}
		Ratio::of(&batches)
	}

	/// Net pay of texts in parts over the same texts whole, for the way of cutting that pays each text best: every part is a
	/// file with its own fee and its own panel. The texts are what they are, so that there is no error to speak of.
	pub fn pay_of_splitting(&mut self, texts: &Texts) -> Ratio {
		let (mut cut, mut left) = (0., 0.);
		for (index, whole) in texts.whole.iter().enumerate() {
			let parts = texts.parts_of(index).iter().map(|parts| self.submit_all(parts).net());
			cut += parts.fold(f64::NEG_INFINITY, f64::max);
			left += self.submit_all(std::slice::from_ref(whole)).net();
		}
		Ratio {
			value: cut / left,
			error: 0.,
		}
	}

	fn books(&mut self, way: Way, files: u64) -> Books {
		let mut books = Books {
			accounts: accounts_needed(files as u32),
			..Books::default()
		};
		if matches!(way, Way::ManyAccounts | Way::QuotaSpammer) {
			books.accounts = SPAM_ACCOUNTS.max(books.accounts);
		}
		for number in 0..files {
			let good = match way {
				Way::Honest | Way::ManyAccounts => true,
				Way::QuotaSpammer => self.rng.random_bool(SPAM_GOOD),
				_ => false,
			};
			let mut file = file(&mut self.rng, good);
			match way {
				Way::QuotaSpammer => file.score = SPAM_SCORE,
				// The first submission of this content was somebody else's.
				Way::DuplicateFarmer if number % 2 == 0 => {
					books.fees += review_fee(FILE_BYTES, 1);
					continue;
				}
				_ => {}
			}
			self.submit_until(&mut books, file, way);
		}
		books
	}

	/// Submits a file, and again where that is the way.
	fn submit_until(&mut self, books: &mut Books, mut file: File, way: Way) {
		let per_point = RewardParams::default().max_pay_per_point.contributors;
		let worth = Balance::from(item_points(file.score, file.units)) * per_point / Balance::from(POINT);
		for attempt in 0.. {
			file.fee = match way {
				Way::PanelShopper => review_fee(FILE_BYTES, attempt),
				_ => review_fee(FILE_BYTES, 0),
			};
			let again = match way {
				Way::PanelShopper => file.fee < worth,
				Way::DisguisedShopper => u32::from(attempt) < DISGUISES,
				_ => attempt == 0,
			};
			if !again || self.submit(books, &file) {
				return;
			}
		}
	}

	/// Submits a file once; whether it was accepted.
	fn submit(&mut self, books: &mut Books, file: &File) -> bool {
		books.fees += file.fee;
		let verdict = self.court.judge(file).verdict;
		if let Some(Verdict::Accept { score, units }) = verdict {
			books.points += item_points(score, units);
			return true;
		}
		false
	}

	fn submit_all(&mut self, files: &[File]) -> Books {
		let mut books = Books {
			accounts: accounts_needed(files.len() as u32),
			..Books::default()
		};
		for file in files {
			self.submit(&mut books, file);
		}
		books
	}
}

/// Accounts that get so many files of the usual size into the quotas of the days that a hold lasts.
fn accounts_needed(files: u32) -> u32 {
	let params = DatanetParams::default();
	let limits = params.limits;
	let mut day = DayUse::default();
	while let Ok(next) = day.charge(0, FILE_BYTES, limits.account_bytes, limits.account_files) {
		day = next;
	}
	files.div_ceil(day.files * params.hold_days)
}
