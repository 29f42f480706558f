//! What the job found, for people and for programs.

use std::collections::BTreeMap;

use serde::Serialize;

/// The last line of the job's output, as JSON.
#[derive(Debug, Default, Serialize)]
pub struct Report {
	pub items_submitted: usize,
	pub items_accepted: usize,
	pub items_rejected: usize,
	/// Contributions that the chain itself refused.
	pub refused_at_submit: usize,
	/// Those by the chain's name of the error.
	pub refusals: BTreeMap<String, usize>,
	/// Rejected items by the panel's reason.
	pub rejections: BTreeMap<String, usize>,
	pub votes_revealed: usize,
	/// Paid from the pots of rewards, in OPEN.
	pub rewards_paid_open: f64,
	pub job_status: String,
	/// Its folder.
	pub base_model: String,
	/// Entropy of the base model's corpus by single tokens, nats per token.
	pub unigram_loss: f64,
	/// Training loss of the base model at its end, nats per token.
	pub base_train_loss: f64,
	/// Loss on items that neither model has seen, nats per token.
	pub base_eval_loss: f64,
	pub tuned_eval_loss: f64,
	/// Loss of the tuned model that the worker reported to the chain, nats per token.
	pub reported_eval_loss: f64,
	/// Whether it is that on items drawn after the submission, or on those that the training left out.
	pub evaluated_on_later_items: bool,
	pub evaluated_items: usize,
	/// Whether it is the same when it is computed again.
	pub evaluation_confirmed: bool,
	pub adapter_sha256: String,
	pub adapter_cid: String,
	pub issuance_unchanged: bool,
	/// Payloads fetched again by CID and hashed again.
	pub payloads_verified: usize,
	pub roots_verified: bool,
	pub blocks: u32,
	/// From the start of the network to the end of the job, seconds.
	pub wall_s: f64,
	pub prompt: String,
	pub base_answer: String,
	pub chat_answer: String,
	/// Address of the server of models.
	pub served_at: String,
	/// The trained model's name there.
	pub served_model: String,
	/// What the server answers from the chain's registry; whether that is what it answers from the adapter's folder and not what the
	/// base answers.
	pub served_answer: String,
	pub served_alike: bool,
	/// What did not come out as it should; empty when all is well.
	pub problems: Vec<String>,
}

impl Report {
	pub fn print(&self) {
		let list = |counts: &BTreeMap<String, usize>| {
			counts
				.iter()
				.map(|(name, count)| format!("{name} {count}"))
				.collect::<Vec<_>>()
				.join(", ")
		};
		let gain = 100.0 * (1.0 - self.tuned_eval_loss / self.base_eval_loss);
		println!();
		row(
			"items",
			format!(
				"{} submitted, {} accepted, {} rejected",
				self.items_submitted, self.items_accepted, self.items_rejected
			),
		);
		row("rejected as", list(&self.rejections));
		row(
			"refused by the chain",
			format!("{} ({})", self.refused_at_submit, list(&self.refusals)),
		);
		row("votes revealed", self.votes_revealed.to_string());
		row("rewards paid", format!("{:.4} OPEN", self.rewards_paid_open));
		row("training job", self.job_status.clone());
		row(
			"base model",
			format!(
				"loss {:.3} after pretraining, {:.3} for single tokens (nats)",
				self.base_train_loss, self.unigram_loss
			),
		);
		row(
			"loss on unseen items",
			format!(
				"base {:.4}, tuned {:.4}: {gain:.1} % lower",
				self.base_eval_loss, self.tuned_eval_loss
			),
		);
		row(
			"evaluation on chain",
			format!(
				"{:.4} on {} items {}, {} outside",
				self.reported_eval_loss,
				self.evaluated_items,
				if self.evaluated_on_later_items {
					"drawn of later ones"
				} else {
					"held out"
				},
				if self.evaluation_confirmed {
					"confirmed"
				} else {
					"NOT CONFIRMED"
				},
			),
		);
		row(
			"adapter",
			format!("{} (sha256 {})", self.adapter_cid, self.adapter_sha256),
		);
		row(
			"verified from outside",
			format!(
				"{} payloads, roots {}, issuance {}",
				self.payloads_verified,
				if self.roots_verified { "equal" } else { "DIFFER" },
				if self.issuance_unchanged {
					"unchanged"
				} else {
					"CHANGED"
				},
			),
		);
		row("chain", format!("{} blocks in {:.0} s", self.blocks, self.wall_s));
		row("prompt", one_line(&self.prompt));
		row("base says", one_line(&self.base_answer));
		row("tuned says", one_line(&self.chat_answer));
		row("served says", one_line(&self.served_answer));
		for problem in &self.problems {
			row("PROBLEM", problem.clone());
		}
	}
}

fn row(name: &str, value: String) {
	println!("  {name:<22} {value}");
}

fn one_line(text: &str) -> String {
	text.split_whitespace().collect::<Vec<_>>().join(" ")
}
