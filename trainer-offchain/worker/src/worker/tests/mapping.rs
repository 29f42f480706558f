//! From an order to run.toml, amounts, marks.

use super::world::spec;
use crate::worker::config::{run_config, write, Paths};
use crate::worker::{beat, mark, plancks};
use openledger_finetune::config::{Dtype as Kept, Targets};
use openledger_finetune::{Method, RunConfig, Scheduler};
use openledger_primitives::training::{
	Dtype as OrderedDtype, Hyperparameters, LoraTargets, Method as Ordered, Scheduler as OrderedScheduler, TrainingSpec,
};
use openledger_primitives::OPEN;
use safetensors::{Dtype, SafeTensors};

fn paths() -> Paths {
	Paths {
		model: "m".into(),
		data: "d".into(),
		output: "o".into(),
		init_adapter: None,
	}
}

fn every_number() -> TrainingSpec {
	TrainingSpec {
		hyperparameters: Hyperparameters {
			learning_rate_nano: 200_000,
			scheduler: OrderedScheduler::Linear,
			warmup_steps: 7,
			weight_decay_micro: 10_000,
			max_grad_norm_micro: 500_000,
			batch_size: 3,
			gradient_accumulation: 4,
			epochs: 2,
			max_steps: 11,
			cutoff_length: 128,
			packing: true,
			seed: 1 << 63 | 5,
			lora_rank: 16,
			lora_alpha: 32,
			lora_dropout_milli: 50,
			lora_targets: LoraTargets::AllLinear,
			use_rslora: true,
		},
		..spec(1)
	}
}

#[test]
fn every_hyperparameter_should_reach_run_toml() {
	let dir = tempfile::tempdir().unwrap();
	let config = run_config(&every_number(), &paths(), "cuda:1").unwrap();
	let config = write(&config, &dir.path().join("run.toml")).unwrap();
	assert_eq!(
		(config.method, config.scheduler, config.learning_rate),
		(Method::Lora, Scheduler::Linear, 2e-4)
	);
	assert_eq!(
		(config.warmup_steps, config.weight_decay, config.max_grad_norm),
		(7, 0.01, 0.5)
	);
	assert_eq!(
		(config.batch_size, config.gradient_accumulation, config.epochs),
		(3, 4, 2.0)
	);
	assert_eq!(
		(config.max_steps, config.cutoff_length, config.packing, config.seed),
		(11, 128, true, 5)
	);
	assert_eq!(
		(config.lora_rank, config.lora_alpha, config.lora_dropout),
		(Some(16), Some(32.0), Some(0.05))
	);
	assert_eq!(config.lora_targets, Some(Targets::One("all-linear".into())));
	assert_eq!(
		(config.use_rslora, config.device.as_str(), config.validation_split),
		(Some(true), "cuda:1", 0.0)
	);
	assert_eq!(config.model.to_str(), Some("m"));
	assert!(config.shuffle);
}

#[test]
fn a_continued_adapter_should_bring_its_own_shape() {
	let paths = Paths {
		init_adapter: Some("a".into()),
		..paths()
	};
	let config = run_config(&every_number(), &paths, "cpu").unwrap();
	assert_eq!(config.init_adapter, Some("a".into()));
	assert_eq!(
		(config.lora_rank, config.lora_alpha, config.use_rslora),
		(None, None, None)
	);
	assert_eq!((config.lora_targets, config.lora_dropout), (None, Some(0.05)));
}

#[test]
fn a_full_training_should_have_no_adapter_keys_and_qlora_all_of_them() {
	let dir = tempfile::tempdir().unwrap();
	let full = TrainingSpec {
		method: Ordered::Full,
		..every_number()
	};
	let config = run_config(&full, &paths(), "cpu").unwrap();
	let config = write(&config, &dir.path().join("run.toml")).unwrap();
	assert_eq!(
		(config.method, config.lora_rank, config.lora_dropout),
		(Method::Full, None, None)
	);
	let qlora = TrainingSpec {
		method: Ordered::Qlora,
		..every_number()
	};
	let (qlora, lora) = (
		run_config(&qlora, &paths(), "cpu").unwrap(),
		run_config(&every_number(), &paths(), "cpu").unwrap(),
	);
	assert_eq!((qlora.method, qlora.dora), (Method::Qlora, Some(false)));
	let dora = TrainingSpec {
		method: Ordered::Dora,
		..every_number()
	};
	let dora = run_config(&dora, &paths(), "cpu").unwrap();
	assert_eq!((dora.method, dora.dora), (Method::Lora, Some(true)));
	assert_eq!(
		RunConfig {
			method: Method::Lora,
			..qlora
		},
		lora
	);
}

#[test]
fn the_ordered_dtype_should_reach_run_toml_where_it_can_be_trained_in() {
	let narrow = |method| TrainingSpec {
		method,
		dtype: OrderedDtype::Bf16,
		..every_number()
	};
	for (method, device) in [(Ordered::Lora, "cpu"), (Ordered::Qlora, "cpu"), (Ordered::Lora, "cuda")] {
		assert_eq!(run_config(&narrow(method), &paths(), device).unwrap().dtype, Kept::Bf16);
	}
	assert_eq!(run_config(&every_number(), &paths(), "cpu").unwrap().dtype, Kept::F32);
	assert!(run_config(&narrow(Ordered::Full), &paths(), "cpu").is_err());
}

#[test]
fn amounts_losses_and_intervals_should_be_exact() {
	assert_eq!(plancks("100"), Ok(100 * OPEN));
	assert_eq!(plancks("0.000000000001"), Ok(1));
	for wrong in ["", "-1", ".5", "1.", "1.0000000000001", "1e3", "1,5"] {
		assert!(plancks(wrong).is_err(), "{wrong}");
	}
	assert_eq!([2.5, 0.0, -1.0, f64::NAN].map(beat::micro), [2_500_000, 0, 0, 0]);
	assert_eq!([0, 1, 3, 100].map(beat::interval), [1, 1, 1, 33]);
}

#[test]
fn a_mark_should_change_the_hash_and_no_tensor() {
	let dir = tempfile::tempdir().unwrap();
	let path = dir.path().join("a.safetensors");
	let data: Vec<u8> = (0..24).collect();
	let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![2, 3], &data).unwrap();
	std::fs::write(&path, safetensors::serialize([("w", view)], None).unwrap()).unwrap();
	let mut seen = vec![std::fs::read(&path).unwrap()];
	for value in ["x/0/1", "x/0/2", "x/10/1"] {
		mark::set(&path, value).unwrap();
		let bytes = std::fs::read(&path).unwrap();
		let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
		assert_eq!(metadata.metadata().as_ref().unwrap()[mark::KEY], value);
		let tensors = SafeTensors::deserialize(&bytes).unwrap();
		assert_eq!((tensors.tensor("w").unwrap().data(), tensors.len()), (&data[..], 1));
		assert!(!seen.contains(&bytes));
		seen.push(bytes);
	}
	mark::set(&path, "x/0/1").unwrap();
	assert_eq!(
		std::fs::read(&path).unwrap(),
		seen[1],
		"the same mark gives the same bytes"
	);
	std::fs::write(&path, b"short").unwrap();
	assert!(mark::set(&path, "x").is_err());
	std::fs::write(&path, [0xff; 64]).unwrap();
	assert!(mark::set(&path, "x").is_err());
}
