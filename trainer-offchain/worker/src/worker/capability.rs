//! What this machine can train, as declared on chain.

use anyhow::{bail, Context};
use openledger_primitives::{
	capability::{Capability, Device, DtypeSet, MethodSet},
	training::{Dtype, Method},
};

/// What this trainer can do on `device`. The memory of a GPU has to be said.
pub fn find(device: &str, memory_mib: Option<u32>) -> anyhow::Result<Capability> {
	let kind = match device.split(':').next() {
		Some("cpu") => Device::Cpu,
		Some("cuda") => Device::Cuda,
		Some("metal") => Device::Metal,
		_ => bail!("--device {device}: neither cpu nor cuda nor metal"),
	};
	let memory_mib = match memory_mib {
		Some(0) => bail!("--memory-mib: a device has some"),
		Some(memory) => memory,
		None if kind == Device::Cpu => machine_memory().context("say --memory-mib")?,
		None => bail!("say the device's memory by --memory-mib"),
	};
	// On a card, weights in four bits and in bf16 have not been tried.
	let (methods, dtypes) = match kind {
		Device::Cpu => (MethodSet::of(&Method::ALL), DtypeSet::of(&Dtype::ALL)),
		Device::Cuda | Device::Metal => (
			MethodSet::of(&[Method::Lora, Method::Full, Method::Dora]),
			DtypeSet::of(&[Dtype::F32]),
		),
	};
	Ok(Capability {
		device: kind,
		memory_mib,
		methods,
		dtypes,
	})
}

/// The machine's memory in MiB.
fn machine_memory() -> anyhow::Result<u32> {
	const PATH: &str = "/proc/meminfo";
	let text = std::fs::read_to_string(PATH).context(PATH)?;
	total_mib(&text).with_context(|| format!("{PATH} has no MemTotal in kB"))
}

fn total_mib(meminfo: &str) -> Option<u32> {
	let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
	let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
	u32::try_from(kib / 1_024).ok().filter(|mib| *mib > 0)
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_primitives::training::{Parent, TrainingSpec};

	#[test]
	fn a_device_should_be_declared_with_its_memory_and_what_this_trainer_does() {
		let gpu = find("cuda:1", Some(80_000)).unwrap();
		assert_eq!((gpu.device, gpu.memory_mib), (Device::Cuda, 80_000));
		assert!(gpu.is_valid());
		let spec = |method, dtype| TrainingSpec {
			parent: Parent::Base(0),
			datasets: Default::default(),
			method,
			dtype,
			min_memory_mib: 80_000,
			hyperparameters: Default::default(),
		};
		assert!(gpu.fits(&spec(Method::Lora, Dtype::F32)) && gpu.fits(&spec(Method::Full, Dtype::F32)));
		assert!(gpu.fits(&spec(Method::Dora, Dtype::F32)));
		assert!(!gpu.fits(&spec(Method::Qlora, Dtype::F32)) && !gpu.fits(&spec(Method::Lora, Dtype::Bf16)));
		let cpu = find("cpu", Some(80_000)).unwrap();
		let fits = |dtype| Method::ALL.iter().all(|method| cpu.fits(&spec(*method, dtype)));
		assert!(Dtype::ALL.into_iter().all(fits));
	}

	#[test]
	fn memory_should_be_the_machine_s_or_said() {
		assert!(find("cpu", None).unwrap().memory_mib > 0);
		for (device, memory) in [("cuda", None), ("cpu", Some(0)), ("tpu", Some(1))] {
			assert!(find(device, memory).is_err(), "{device}");
		}
		assert_eq!(total_mib("MemFree: 1 kB\nMemTotal:       16384 kB\n"), Some(16));
		assert_eq!(total_mib("MemTotal: many\n"), None);
	}
}
