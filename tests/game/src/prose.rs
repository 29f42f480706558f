//! Texts to contribute: invented pages that compress as written ones do, the same in every run.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const THINGS: &str =
	"harbour lighthouse miller orchard teacher river bridge letter winter garden clock baker forest railway \
	island kitchen notebook weather engine captain village library carpenter market shepherd window violin mountain \
	doctor lantern ferry meadow archive weaver chimney station painter cellar beekeeper valley compass printer tower \
	gardener workshop canal messenger barn theatre pilot quarry glass map kettle ladder anchor ledger seed cart wool \
	candle stone rope sail hedge oven loom drawer coin bell saddle needle barrel fence oar drum plank apron basket";
const KINDS: &str =
	"old quiet narrow patient broken distant careful wooden early foreign heavy clever empty famous gentle \
	hollow honest modest northern pale reluctant rusty salted sudden tall uneven useful warm weary young crowded cheap \
	forgotten ordinary stubborn bright curious damp faithful borrowed";
const DEEDS: &str = "repaired followed remembered measured crossed carried described opened painted counted answered \
	borrowed watched sheltered divided replaced weighed questioned copied defended drained explained furnished guarded \
	inherited joined lifted mended noticed ordered polished reached searched tested visited warned abandoned collected \
	delayed examined";
const MANNERS: &str =
	"slowly|before dawn|without a word|in the rain|against all advice|every other year|by candlelight|\
	for its own sake|on the second attempt|as the law required|with some regret|after the flood|near the border|\
	within an hour|at great cost|until spring|once again|from memory|in plain sight|under protest";
const LINKS: &str = "because while although so that until whenever unless since where after before though";
const SYLLABLES: &str =
	"mar len dor wick hal bren tho ros vel ing ar ken sil ham pell mor cas ton ber gra lin os fen wal";
const OPENINGS: &str =
	"Nobody knew why|It is said that|In the third year|According to the register|Most people agree that|\
	When the work began|By contrast|As a rule|What remains is that|For many years|It took a week until|Later that day";

/// Invented prose of about so many bytes: headings, paragraphs, lists and a table now and then.
pub fn page(seed: u64, bytes: usize) -> String {
	let mut writer = Writer {
		rng: ChaCha8Rng::seed_from_u64(seed),
		page: String::new(),
	};
	writer.heading("#");
	while writer.page.len() < bytes {
		match writer.rng.random_range(0..12) {
			0 => writer.heading("##"),
			1 => writer.list(),
			2 => writer.table(),
			_ => writer.paragraph(),
		}
	}
	writer.page
}

struct Writer {
	rng: ChaCha8Rng,
	page: String,
}

impl Writer {
	fn word(&mut self, words: &str) -> String {
		self.one_of(&words.split_whitespace().collect::<Vec<_>>())
	}

	fn phrase(&mut self, phrases: &str) -> String {
		self.one_of(&phrases.split('|').collect::<Vec<_>>())
	}

	/// The earlier it stands in its list, the more often something is used, as in any language.
	fn one_of(&mut self, list: &[&str]) -> String {
		let place = self.rng.random::<f64>().powf(1.6) * list.len() as f64;
		list[place as usize].to_owned()
	}

	/// Names keep a long text from running out of words.
	fn name(&mut self) -> String {
		let name: String = (0..self.rng.random_range(2..5)).map(|_| self.word(SYLLABLES)).collect();
		name[..1].to_uppercase() + &name[1..]
	}

	fn thing(&mut self) -> String {
		if self.rng.random_bool(0.12) {
			return self.name();
		}
		let article = self.word("the every her their our");
		let thing = self.word(THINGS);
		if self.rng.random_bool(0.5) {
			let kind = self.word(KINDS);
			return format!("{article} {kind} {thing}");
		}
		format!("{article} {thing}")
	}

	fn clause(&mut self) -> String {
		let (subject, deed, object) = (self.thing(), self.word(DEEDS), self.thing());
		match self.rng.random_range(0..4) {
			0 => format!("{subject} {deed} {object} {}", self.phrase(MANNERS)),
			1 => format!("{subject} and {} {deed} {object}", self.thing()),
			2 => format!("{subject} {deed} {} of {object}", self.rng.random_range(2..400)),
			_ => format!("{subject} {deed} {object}"),
		}
	}

	fn sentence(&mut self) -> String {
		let opening = self.phrase(OPENINGS);
		let first = self.clause();
		if self.rng.random_bool(0.6) {
			let link = self.word(LINKS);
			return format!("{opening} {first}, {link} {}. ", self.clause());
		}
		format!("{opening} {first}. ")
	}

	fn paragraph(&mut self) {
		for _ in 0..self.rng.random_range(2..8) {
			let sentence = self.sentence();
			self.page.push_str(&sentence);
		}
		self.page.push_str("\n\n");
	}

	fn heading(&mut self, level: &str) {
		let (subject, object) = (self.thing(), self.thing());
		self.page.push_str(&format!("{level} Of {subject} and {object}\n\n"));
	}

	fn list(&mut self) {
		for _ in 0..self.rng.random_range(3..7) {
			let clause = self.clause();
			self.page.push_str(&format!("- {clause}\n"));
		}
		self.page.push('\n');
	}

	fn table(&mut self) {
		self.page.push_str("| what | year | paid |\n|---|---|---|\n");
		for _ in 0..self.rng.random_range(3..9) {
			let (thing, year, paid) = (
				self.thing(),
				self.rng.random_range(1700..1990),
				self.rng.random_range(1..90_000),
			);
			self.page.push_str(&format!("| {thing} | {year} | {paid} |\n"));
		}
		self.page.push('\n');
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_cli::units::text;

	#[test]
	fn pages_should_compress_as_prose_does() {
		for seed in 0..4 {
			let page = page(seed, 20_000);
			let ratio = f64::from(text(page.as_bytes())) / page.len() as f64;
			assert!((0.4..0.6).contains(&ratio), "seed {seed}: {ratio}");
		}
	}

	#[test]
	fn pages_should_never_change() {
		let page = page(1, 1_000);
		assert_eq!(
			(page.lines().next(), page.len()),
			(Some("# Of the distant chimney and every orchard"), 1_010)
		);
	}
}
