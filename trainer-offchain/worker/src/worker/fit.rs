//! Whether a job's training fits the device's memory, and its result a gateway, before its base model is fetched and before
//! anything is bid.

use super::cache::{verify, Cache};
use super::config::{dtype, method};
use super::error::{Result, WorkerError};
use super::prepare::{file_name, Prepared};
use super::Service;
use chain_client::{Chain, Query};
use openledger_finetune::memory::{adapter_numbers, in_four_bits, numbers_in, Footprint};
use openledger_finetune::{config::Dtype, FinetuneError, Method};
use openledger_model::lora::ALL_LINEAR;
use openledger_model::{DecoderConfig, RawConfig};
use openledger_primitives::{
	training::{LoraTargets, Method as Ordered, Parent, TrainingSpec},
	JobId,
};
use payload_store::MAX_ARTIFACT_BYTES;

/// The one of a base model's files that says how large it is.
const CONFIG: &str = "config.json";
const MIB: u64 = 1 << 20;

/// What is done about an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
	/// Train it, and evaluate the result.
	Training,
	/// Train a segment of it again.
	Judging,
	/// Evaluate its result.
	Evaluating,
}

/// What an order takes at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Needs {
	pub training_mib: u64,
	pub judging_mib: u64,
	pub evaluating_mib: u64,
	/// Of the result's file.
	pub result_bytes: u64,
}

impl Needs {
	/// MiB of the device's memory.
	pub fn mib(&self, work: Work) -> u64 {
		match work {
			Work::Training => self.training_mib.max(self.evaluating_mib),
			Work::Judging => self.judging_mib,
			Work::Evaluating => self.evaluating_mib,
		}
	}
}

impl<C: Chain> Service<C> {
	/// [`Service::prepare`], where the training fits.
	pub async fn prepare_fitting(&self, id: JobId) -> Result<Prepared> {
		let job = Query::new(&*self.chain)
			.job(id)
			.await?
			.ok_or(WorkerError::JobMissing(id))?;
		self.ensure_fits(id, &job.spec, Work::Training).await?;
		self.prepare(id).await
	}

	/// Refuses an order of which this work cannot be done here, or whose result no gateway would take.
	pub async fn ensure_fits(&self, id: JobId, spec: &TrainingSpec, work: Work) -> Result<()> {
		if method(spec.method) == Method::Full && dtype(spec.dtype) != Dtype::F32 {
			return Err(WorkerError::Unsupported(
				"a full training in bf16, which is for frozen weights",
			));
		}
		let needs = self.needs(spec).await?;
		let needed_mib = needs.mib(work);
		tracing::info!("job {id}: about {needed_mib} MiB of memory");
		if needed_mib > self.memory_mib.into() {
			let memory_mib = self.memory_mib;
			return Err(WorkerError::TooLarge { needed_mib, memory_mib });
		}
		if work == Work::Training && needs.result_bytes > MAX_ARTIFACT_BYTES {
			let bytes = needs.result_bytes;
			return Err(WorkerError::ResultTooLarge { bytes });
		}
		Ok(())
	}

	/// What an order takes, by its base model's configuration and the sizes of its files.
	pub async fn needs(&self, spec: &TrainingSpec) -> Result<Needs> {
		let query = Query::new(&*self.chain);
		let (base, continued) = match spec.parent {
			Parent::Base(base) => (base, None),
			Parent::Model(id) => {
				let model = query.model(id).await?.ok_or(WorkerError::ModelMissing(id))?;
				(model.base, Some(model.result.adapter.bytes / size_of::<f32>() as u64))
			}
		};
		let base = query
			.base_model(base)
			.await?
			.ok_or(WorkerError::BaseModelMissing(base))?;
		let mut config = None;
		let mut file_bytes = 0;
		for file in &base.files {
			let name = file_name(&file.name)?;
			if name.ends_with(".safetensors") {
				file_bytes += file.artifact.bytes;
			}
			if name == CONFIG {
				let local = self.base_dirs.get(String::from_utf8_lossy(&base.name).as_ref());
				config = Some(match local {
					Some(dir) => {
						let path = dir.join(&name);
						verify(&path, &file.artifact.sha256, &path.display().to_string()).await?;
						path
					}
					None => {
						let cache = Cache::new(self.home.join("artifacts"))?;
						cache.fetch(&*self.artifacts, (&file.artifact).into(), &name).await?
					}
				});
			}
		}
		let config = config.ok_or(WorkerError::Unsupported("a base model without config.json"))?;
		let raw = RawConfig::read_file(&config).map_err(FinetuneError::from)?;
		let config = DecoderConfig::from_raw(&raw).map_err(FinetuneError::from)?;
		let (dora, method) = (spec.method == Ordered::Dora, method(spec.method));
		let h = &spec.hyperparameters;
		let targets = match h.lora_targets {
			LoraTargets::Default => Vec::new(),
			LoraTargets::AllLinear => vec![ALL_LINEAR.to_owned()],
		};
		let adapts_anew = continued.is_none() && method != Method::Full;
		if adapts_anew && targets.is_empty() && config.family.default_targets.is_empty() {
			return Err(WorkerError::NoTargets {
				family: config.family.model_type,
			});
		}
		let footprint = Footprint {
			config: &config,
			weights: numbers_in(&raw, &config, file_bytes).map_err(FinetuneError::from)?,
			four_bits: in_four_bits(&raw, method).map_err(FinetuneError::from)?,
			dtype: dtype(spec.dtype),
			method,
			adapter: continued.unwrap_or_else(|| adapter_numbers(&config, h.lora_rank.into(), &targets, dora)),
			dropout: h.lora_dropout_milli > 0,
			dora,
			batch: h.batch_size.into(),
			sequence: h.cutoff_length.into(),
		};
		let threads = rayon::current_num_threads();
		Ok(Needs {
			training_mib: footprint.peak_bytes().div_ceil(MIB),
			judging_mib: footprint.judging_bytes().div_ceil(MIB),
			evaluating_mib: footprint.evaluating_bytes(threads).div_ceil(MIB),
			result_bytes: footprint.result_bytes(),
		})
	}
}
