//! run.toml: the keys of a run, their defaults and their limits.

use crate::error::{FinetuneError, Result};
use candle_core::DType;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
	/// Low-rank adapters around frozen layers.
	Lora,
	/// The same, the frozen layers in four bits.
	Qlora,
	/// Every tensor of the model.
	Full,
}

/// What the base's weights are kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
	/// 32 bits.
	F32,
	/// 16 bits, of frozen weights; adapters and sums in f32.
	Bf16,
}

impl Dtype {
	/// As config.json and manifests name it.
	pub fn name(self) -> &'static str {
		match self {
			Self::F32 => "float32",
			Self::Bf16 => "bfloat16",
		}
	}

	pub(crate) fn of_tensors(self) -> DType {
		match self {
			Self::F32 => DType::F32,
			Self::Bf16 => DType::BF16,
		}
	}
}

/// How the learning rate moves after the warm-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheduler {
	/// It stays.
	Constant,
	/// Straight down to 0.
	Linear,
	/// Half a cosine down to 0.
	Cosine,
}

/// `lora_targets`: a list, or one string.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Targets {
	/// `"all-linear"`, or names separated by commas.
	One(String),
	/// Names.
	Many(Vec<String>),
}

impl Targets {
	/// The names.
	pub fn names(&self) -> Vec<String> {
		match self {
			Self::Many(names) => names.clone(),
			Self::One(text) => text
				.split(',')
				.map(|n| n.trim().to_owned())
				.filter(|n| !n.is_empty())
				.collect(),
		}
	}
}

/// One run. Paths are taken as given, relative ones from the current folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
	/// Folder of the base model.
	pub model: PathBuf,
	/// Folder of text files, or a JSONL file of `text`, `messages` or `input_ids`.
	pub data: PathBuf,
	/// Folder that the run writes.
	pub output: PathBuf,
	/// Adapter to continue from; brings its own rank, alpha, targets, rsLoRA and DoRA.
	#[serde(default)]
	pub init_adapter: Option<PathBuf>,
	/// What is trained.
	#[serde(default = "defaults::method")]
	pub method: Method,
	/// Peak learning rate.
	#[serde(default = "defaults::learning_rate")]
	pub learning_rate: f64,
	/// How it moves.
	#[serde(default = "defaults::scheduler")]
	pub scheduler: Scheduler,
	/// Steps over which it rises from 0.
	#[serde(default)]
	pub warmup_steps: usize,
	/// AdamW's weight decay, on every trained tensor.
	#[serde(default)]
	pub weight_decay: f64,
	/// Norm to which gradients are clipped; 0 clips nothing.
	#[serde(default = "defaults::max_grad_norm")]
	pub max_grad_norm: f64,
	/// Sequences of a micro-batch.
	#[serde(default = "defaults::batch_size")]
	pub batch_size: usize,
	/// Micro-batches of a step.
	#[serde(default = "defaults::gradient_accumulation")]
	pub gradient_accumulation: usize,
	/// Passes over the data; may be a fraction.
	#[serde(default = "defaults::epochs")]
	pub epochs: f64,
	/// Steps in place of `epochs`, where above 0, the data repeating.
	#[serde(default)]
	pub max_steps: usize,
	/// Tokens of a sequence; longer texts are cut into several.
	#[serde(default = "defaults::cutoff_length")]
	pub cutoff_length: usize,
	/// Whether every epoch has its own seeded order.
	#[serde(default = "defaults::yes")]
	pub shuffle: bool,
	/// Whether documents are joined and cut into full sequences.
	#[serde(default)]
	pub packing: bool,
	/// Whether batches are made of sequences of about the same length, so that little is padded.
	#[serde(default)]
	pub group_by_length: bool,
	/// Share of the documents kept out of training and evaluated at the end, 0 to below 1.
	#[serde(default)]
	pub validation_split: f64,
	/// Steps between evaluations on the documents kept out; 0 for none before the end.
	#[serde(default)]
	pub eval_steps: usize,
	/// Evaluations without a lower loss than the lowest before, after which the run ends; 0 for never.
	#[serde(default)]
	pub early_stop_patience: usize,
	/// Whether the result is what had the lowest loss in an evaluation, not what the last step left.
	#[serde(default)]
	pub keep_best: bool,
	/// Seed of everything random.
	#[serde(default = "defaults::seed")]
	pub seed: u64,
	/// Steps between lines of metrics.jsonl.
	#[serde(default = "defaults::logging_steps")]
	pub logging_steps: usize,
	/// Steps between checkpoints; 0 for none.
	#[serde(default = "defaults::save_steps")]
	pub save_steps: usize,
	/// Above 0 every checkpoint is kept, for others to repeat a part of the run, and there are at most so many:
	/// `save_steps` grows to that. With 0 the newest two are kept.
	#[serde(default)]
	pub max_checkpoints: usize,
	/// Rank (8).
	#[serde(default)]
	pub lora_rank: Option<usize>,
	/// Alpha (16).
	#[serde(default)]
	pub lora_alpha: Option<f64>,
	/// Dropout of the adapters' input (0).
	#[serde(default)]
	pub lora_dropout: Option<f64>,
	/// Adapted layers (PEFT's default of the family).
	#[serde(default)]
	pub lora_targets: Option<Targets>,
	/// Scale by `alpha / sqrt(rank)` (false).
	#[serde(default)]
	pub use_rslora: Option<bool>,
	/// Train the magnitudes of the adapted rows too (false): DoRA.
	#[serde(default)]
	pub dora: Option<bool>,
	/// What the base's weights are kept in.
	#[serde(default = "defaults::dtype")]
	pub dtype: Dtype,
	/// `cpu`, `cuda` or `cuda:N`.
	#[serde(default = "defaults::device")]
	pub device: String,
	/// Threads to compute on; 0 for as many as the machine has. Sums differ in the last digits on another number.
	#[serde(default)]
	pub threads: usize,
}

mod defaults {
	use super::{Dtype, Method, Scheduler};

	pub fn method() -> Method {
		Method::Lora
	}
	pub fn learning_rate() -> f64 {
		5e-5
	}
	pub fn scheduler() -> Scheduler {
		Scheduler::Cosine
	}
	pub fn max_grad_norm() -> f64 {
		1.0
	}
	pub fn batch_size() -> usize {
		2
	}
	pub fn gradient_accumulation() -> usize {
		8
	}
	pub fn epochs() -> f64 {
		3.0
	}
	pub fn cutoff_length() -> usize {
		1024
	}
	pub fn yes() -> bool {
		true
	}
	pub fn seed() -> u64 {
		42
	}
	pub fn logging_steps() -> usize {
		5
	}
	pub fn save_steps() -> usize {
		100
	}
	pub fn dtype() -> Dtype {
		Dtype::F32
	}
	pub fn device() -> String {
		"cpu".to_owned()
	}
}

/// Rank where none is given.
pub const DEFAULT_RANK: usize = 8;
/// Most threads of a run: what a manifest says is not believed beyond it.
pub const MAX_THREADS: usize = 1_024;
/// Alpha where none is given.
pub const DEFAULT_ALPHA: f64 = 16.0;

impl RunConfig {
	/// A run with every default.
	pub fn new(model: impl Into<PathBuf>, data: impl Into<PathBuf>, output: impl Into<PathBuf>) -> Self {
		Self {
			model: model.into(),
			data: data.into(),
			output: output.into(),
			init_adapter: None,
			method: defaults::method(),
			learning_rate: defaults::learning_rate(),
			scheduler: defaults::scheduler(),
			warmup_steps: 0,
			weight_decay: 0.0,
			max_grad_norm: defaults::max_grad_norm(),
			batch_size: defaults::batch_size(),
			gradient_accumulation: defaults::gradient_accumulation(),
			epochs: defaults::epochs(),
			max_steps: 0,
			cutoff_length: defaults::cutoff_length(),
			shuffle: true,
			packing: false,
			group_by_length: false,
			validation_split: 0.0,
			eval_steps: 0,
			early_stop_patience: 0,
			keep_best: false,
			seed: defaults::seed(),
			logging_steps: defaults::logging_steps(),
			save_steps: defaults::save_steps(),
			max_checkpoints: 0,
			lora_rank: None,
			lora_alpha: None,
			lora_dropout: None,
			lora_targets: None,
			use_rslora: None,
			dora: None,
			dtype: defaults::dtype(),
			device: defaults::device(),
			threads: 0,
		}
	}

	/// Reads and checks run.toml.
	pub fn read(path: &Path) -> Result<Self> {
		let text = std::fs::read_to_string(path).map_err(FinetuneError::io(path))?;
		let config: Self = toml::from_str(&text).map_err(|e| FinetuneError::Toml {
			path: path.to_owned(),
			reason: e.to_string().trim_end().to_owned(),
		})?;
		config.validate()?;
		Ok(config)
	}

	/// Keys that mean nothing without another.
	fn validate_dependent(&self) -> Result<()> {
		let no_evaluation = (self.eval_steps == 0).then_some("eval_steps = 0: nothing is evaluated on the way");
		let no_checkpoint = (self.save_steps == 0).then_some("save_steps = 0: there are none");
		let no_validation = (self.validation_split == 0.0).then_some("validation_split = 0: nothing is kept out");
		let one_length = self.packing.then_some("packing = true: sequences are full");
		let dependent = [
			("max_checkpoints", self.max_checkpoints > 0, no_checkpoint),
			("eval_steps", self.eval_steps > 0, no_validation),
			("early_stop_patience", self.early_stop_patience > 0, no_evaluation),
			("keep_best", self.keep_best, no_evaluation),
			("group_by_length", self.group_by_length, one_length),
		];
		let one = |(key, set, without): (&'static str, bool, Option<&str>)| match without {
			Some(without) if set => Err(FinetuneError::config(key, format!("has no meaning with {without}"))),
			_ => Ok(()),
		};
		dependent.into_iter().try_for_each(one)
	}

	/// Checks every limit.
	pub fn validate(&self) -> Result<()> {
		self.validate_dependent()?;
		let at_least_one = [
			("batch_size", self.batch_size),
			("gradient_accumulation", self.gradient_accumulation),
			("logging_steps", self.logging_steps),
			("lora_rank", self.lora_rank.unwrap_or(1)),
		];
		if let Some((key, _)) = at_least_one.iter().find(|(_, value)| *value == 0) {
			return Err(FinetuneError::config(key, "must be at least 1"));
		}
		if self.cutoff_length < 2 {
			return Err(FinetuneError::config(
				"cutoff_length",
				"must be at least 2: a token and its target",
			));
		}
		if self.threads > MAX_THREADS {
			return Err(FinetuneError::config(
				"threads",
				format!("{} are more than {MAX_THREADS}", self.threads),
			));
		}
		let dropout = self.lora_dropout.unwrap_or(0.0);
		let alpha = self.lora_alpha.unwrap_or(DEFAULT_ALPHA);
		let ranges = [
			(
				"learning_rate",
				self.learning_rate,
				self.learning_rate >= 0.0,
				"must not be negative",
			),
			(
				"weight_decay",
				self.weight_decay,
				self.weight_decay >= 0.0,
				"must not be negative",
			),
			(
				"max_grad_norm",
				self.max_grad_norm,
				self.max_grad_norm >= 0.0,
				"must not be negative",
			),
			(
				"epochs",
				self.epochs,
				self.epochs > 0.0 || self.max_steps > 0,
				"must be above 0",
			),
			("lora_alpha", alpha, alpha > 0.0, "must be above 0"),
			(
				"lora_dropout",
				dropout,
				(0.0..1.0).contains(&dropout),
				"must be 0 to below 1",
			),
			(
				"validation_split",
				self.validation_split,
				(0.0..1.0).contains(&self.validation_split),
				"must be 0 to below 1: a share of the documents",
			),
		];
		for (key, value, good, reason) in ranges {
			if !good || !value.is_finite() {
				return Err(FinetuneError::config(key, format!("{value} {reason}")));
			}
		}
		if self.method == Method::Full {
			let set = [
				("init_adapter", self.init_adapter.is_some()),
				("lora_rank", self.lora_rank.is_some()),
				("lora_alpha", self.lora_alpha.is_some()),
				("lora_dropout", self.lora_dropout.is_some()),
				("lora_targets", self.lora_targets.is_some()),
				("use_rslora", self.use_rslora.is_some()),
				("dora", self.dora.is_some()),
				("dtype", self.dtype != Dtype::F32),
			];
			if let Some((key, _)) = set.iter().find(|(_, set)| *set) {
				return Err(FinetuneError::config(key, "has no meaning with method = \"full\""));
			}
		}
		if self.lora_targets.as_ref().is_some_and(|t| t.names().is_empty()) {
			return Err(FinetuneError::config("lora_targets", "names no layer"));
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn parse(extra: &str) -> Result<RunConfig> {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("run.toml");
		std::fs::write(&path, format!("model = \"m\"\ndata = \"d\"\noutput = \"o\"\n{extra}")).unwrap();
		RunConfig::read(&path)
	}

	#[test]
	fn defaults_should_hold_when_only_paths_are_given() {
		let config = parse("").unwrap();
		assert_eq!(config, RunConfig::new("m", "d", "o"));
		assert_eq!(
			(config.learning_rate, config.epochs, config.cutoff_length),
			(5e-5, 3.0, 1024)
		);
		assert_eq!((config.batch_size, config.gradient_accumulation), (2, 8));
	}

	#[test]
	fn every_key_should_be_read() {
		let config = parse(
			"init_adapter = \"a\"\nmethod = \"lora\"\nlearning_rate = 1\nscheduler = \"linear\"\nwarmup_steps = 2\n\
			 weight_decay = 0.1\nmax_grad_norm = 0\nbatch_size = 3\ngradient_accumulation = 4\nepochs = 2\n\
			 max_steps = 9\ncutoff_length = 64\nshuffle = false\npacking = true\ngroup_by_length = false\nvalidation_split = 0.2\nseed = 1\n\
			 eval_steps = 5\nearly_stop_patience = 2\nkeep_best = true\n\
			 logging_steps = 1\nsave_steps = 10\nmax_checkpoints = 4\nthreads = 2\nlora_rank = 2\nlora_alpha = 3\nlora_dropout = 0.5\n\
			 lora_targets = \"q_proj, v_proj\"\nuse_rslora = true\ndora = true\ndtype = \"f32\"\ndevice = \"cuda:1\"\n",
		)
		.unwrap();
		assert_eq!(config.lora_targets.unwrap().names(), ["q_proj", "v_proj"]);
		assert_eq!(
			(config.epochs, config.scheduler, config.learning_rate),
			(2.0, Scheduler::Linear, 1.0)
		);
	}

	#[test]
	fn key_should_be_named_when_it_is_wrong() {
		for (text, key) in [
			("learning_rte = 1", "learning_rte"),
			("learning_rate = \"fast\"", "learning_rate"),
			("method = \"dora\"", "method"),
			("scheduler = \"step\"", "scheduler"),
			("batch_size = 0", "batch_size"),
			("batch_size = -1", "batch_size"),
			("learning_rate = -1", "learning_rate"),
			("learning_rate = nan", "learning_rate"),
			("epochs = 0", "epochs"),
			("cutoff_length = 1", "cutoff_length"),
			("lora_dropout = 1", "lora_dropout"),
			("validation_split = 1", "validation_split"),
			("lora_targets = \"\"", "lora_targets"),
			("threads = 1025", "threads"),
			("save_steps = 0\nmax_checkpoints = 3", "max_checkpoints"),
			("eval_steps = 5", "eval_steps"),
			("validation_split = 0.1\nearly_stop_patience = 1", "early_stop_patience"),
			("validation_split = 0.1\nkeep_best = true", "keep_best"),
			("packing = true\ngroup_by_length = true", "group_by_length"),
			("method = \"full\"\nlora_rank = 4", "lora_rank"),
			("method = \"full\"\ndora = true", "dora"),
			("method = \"full\"\ndtype = \"bf16\"", "dtype"),
			("dtype = \"f16\"", "dtype"),
		] {
			let message = parse(text).unwrap_err().to_string();
			assert!(message.contains(key), "{text}: {message}");
		}
		let dir = tempfile::tempdir().unwrap();
		let message = RunConfig::read(&dir.path().join("run.toml")).unwrap_err().to_string();
		assert!(message.contains("run.toml"), "{message}");
	}
}
