//! Whether a job's training fits the device's memory, before its base model is fetched and before anything is bid.

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
	training::{LoraTargets, Parent, TrainingSpec},
	JobId,
};

/// The one of a base model's files that says how large it is.
const CONFIG: &str = "config.json";
const MIB: u64 = 1 << 20;

impl<C: Chain> Service<C> {
	/// [`Service::prepare`], where the training fits.
	pub async fn prepare_fitting(&self, id: JobId) -> Result<Prepared> {
		let job = Query::new(&*self.chain)
			.job(id)
			.await?
			.ok_or(WorkerError::JobMissing(id))?;
		self.ensure_fits(id, &job.spec).await?;
		self.prepare(id).await
	}

	/// Refuses an order whose training does not fit.
	pub async fn ensure_fits(&self, id: JobId, spec: &TrainingSpec) -> Result<()> {
		if method(spec.method) == Method::Full && dtype(spec.dtype) != Dtype::F32 {
			return Err(WorkerError::Unsupported(
				"a full training in bf16, which is for frozen weights",
			));
		}
		let needed_mib = self.needed_mib(spec).await?;
		tracing::info!("job {id}: about {needed_mib} MiB of memory");
		if needed_mib > self.memory_mib.into() {
			let memory_mib = self.memory_mib;
			return Err(WorkerError::TooLarge { needed_mib, memory_mib });
		}
		Ok(())
	}

	/// MiB that an order's training takes at most, or its evaluation, by its base model's configuration and the sizes of its
	/// files.
	pub async fn needed_mib(&self, spec: &TrainingSpec) -> Result<u64> {
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
		let method = method(spec.method);
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
			adapter: continued.unwrap_or_else(|| adapter_numbers(&config, h.lora_rank.into(), &targets, false)),
			dropout: h.lora_dropout_milli > 0,
			dora: false,
			batch: h.batch_size.into(),
			sequence: h.cutoff_length.into(),
		};
		let evaluating = footprint.evaluating_bytes(rayon::current_num_threads());
		Ok(footprint.peak_bytes().max(evaluating).div_ceil(MIB))
	}
}
