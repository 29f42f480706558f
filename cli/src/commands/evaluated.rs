use openledger_primitives::{
	evaluation::{draw, EvaluatedOn, EvaluationOfResult, LaterItem},
	training::DatasetRef,
	DatanetId, JobId,
};
use serde::Serialize;

/// A result's evaluation for output.
#[derive(Serialize)]
pub struct EvaluatedShown {
	/// `later` or `split`.
	on: &'static str,
	/// The later items that were drawn; those of a split follow from the job's number.
	items: Vec<ItemShown>,
	/// What drew them, hexadecimal.
	seed: Option<String>,
	/// Nats per token; null where nothing could be read.
	loss: Option<f64>,
	tokens: u64,
}

#[derive(Serialize)]
struct ItemShown {
	datanet: DatanetId,
	version: u32,
}

impl From<LaterItem> for ItemShown {
	fn from(item: LaterItem) -> Self {
		Self {
			datanet: item.datanet,
			version: item.version,
		}
	}
}

impl EvaluatedShown {
	pub fn new(job: JobId, ordered: &[DatasetRef], evaluation: &EvaluationOfResult) -> Self {
		let (on, items, seed) = match &evaluation.on {
			EvaluatedOn::Later { seed, until } => {
				let drawn = draw(seed, job, ordered, until).unwrap_or_default();
				("later", drawn, Some(hex::encode(seed)))
			}
			EvaluatedOn::Split => ("split", Vec::new(), None),
		};
		Self {
			on,
			items: items.into_iter().map(ItemShown::from).collect(),
			seed,
			loss: (evaluation.tokens > 0).then_some(evaluation.loss_micro as f64 / 1e6),
			tokens: evaluation.tokens,
		}
	}

	/// A row for people.
	pub fn row(&self) -> (&'static str, String) {
		let on = match self.on {
			"later" => format!("{} items that came later", self.items.len()),
			_ => "items held out of the training".into(),
		};
		let found = match self.loss {
			Some(loss) => format!("loss {loss:.4} on {} tokens of {on}", self.tokens),
			None => format!("nothing to read in {on}"),
		};
		("evaluation", found)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn dataset(version: u32) -> DatasetRef {
		DatasetRef {
			datanet: 3,
			version,
			exclusions: 0,
		}
	}

	fn shown(on: EvaluatedOn, loss_micro: u64, tokens: u64) -> EvaluatedShown {
		let evaluation = EvaluationOfResult { on, loss_micro, tokens };
		EvaluatedShown::new(0, &[dataset(4)], &evaluation)
	}

	#[test]
	fn an_evaluation_should_name_the_drawn_items_and_the_loss() {
		let on = EvaluatedOn::Later {
			seed: [1; 32],
			until: vec![dataset(12)].try_into().unwrap(),
		};
		let later = shown(on, 2_500_000, 70);
		let versions: Vec<_> = later.items.iter().map(|item| item.version).collect();
		assert_eq!(versions, (5..=12).collect::<Vec<_>>());
		assert_eq!(later.row().1, "loss 2.5000 on 70 tokens of 8 items that came later");
		let json = serde_json::to_value(shown(EvaluatedOn::Split, 0, 0)).unwrap();
		let expected = serde_json::json!({ "on": "split", "items": [], "seed": null, "loss": null, "tokens": 0 });
		assert_eq!(json, expected);
	}
}
