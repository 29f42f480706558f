//! A result with a backward pass of its own, both out of candle's operations: the same code on every device.

use candle_core::backend::BackendStorage;
use candle_core::{
	bail, CpuStorage, CudaStorage, CustomOp1, CustomOp3, DType, Layout, MetalStorage, Result, Shape, Storage, Tensor,
};
use std::sync::Mutex;

/// Makes the gradients of the arguments, in their order, of that of the result.
type Backward = Box<dyn Fn(&Tensor) -> Result<Vec<Tensor>> + Send + Sync>;

/// `result`, computed of `arguments` (one or three) outside the graph, as their function in f32. The graph keeps
/// nothing but what `backward` holds; candle's own operations keep every intermediate, and in the backward pass a
/// gradient for every constant that they meet.
pub(super) fn with_backward(
	arguments: &[&Tensor],
	result: &Tensor,
	backward: impl Fn(&Tensor) -> Result<Vec<Tensor>> + Send + Sync + 'static,
) -> Result<Tensor> {
	if !arguments.iter().any(|argument| argument.track_op()) {
		return result.to_dtype(DType::F32);
	}
	let op = Computed {
		result: Mutex::new(Some(result.detach())),
		backward: Box::new(backward),
	};
	match arguments {
		[x] => x.apply_op1(op),
		[a, b, c] => a.apply_op3(b, c, op),
		_ => bail!("a backward pass is of one or of three arguments"),
	}
}

struct Computed {
	/// Until the graph has taken it.
	result: Mutex<Option<Tensor>>,
	backward: Backward,
}

impl Computed {
	/// The result as the graph's: candle gives no tensor's memory away, so this copies, and a result in bf16 it widens,
	/// which is wanted anyway.
	fn take<S: BackendStorage>(&self, of: impl Fn(&Storage) -> Option<&S>) -> Result<(S, Shape)> {
		let Some(result) = self.result.lock().unwrap_or_else(|e| e.into_inner()).take() else {
			bail!("the result was taken already");
		};
		let (storage, layout) = result.storage_and_layout();
		match of(&storage) {
			Some(storage) => Ok((storage.to_dtype(layout, DType::F32)?, layout.shape().clone())),
			None => bail!("the result is on another device than its arguments"),
		}
	}

	fn on_cpu(&self) -> Result<(CpuStorage, Shape)> {
		self.take(|storage| match storage {
			Storage::Cpu(storage) => Some(storage),
			_ => None,
		})
	}

	fn on_cuda(&self) -> Result<(CudaStorage, Shape)> {
		self.take(|storage| match storage {
			Storage::Cuda(storage) => Some(storage),
			_ => None,
		})
	}

	fn on_metal(&self) -> Result<(MetalStorage, Shape)> {
		self.take(|storage| match storage {
			Storage::Metal(storage) => Some(storage),
			_ => None,
		})
	}
}

impl CustomOp1 for Computed {
	fn name(&self) -> &'static str {
		"computed"
	}

	fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
		self.on_cpu()
	}

	fn cuda_fwd(&self, _: &CudaStorage, _: &Layout) -> Result<(CudaStorage, Shape)> {
		self.on_cuda()
	}

	fn metal_fwd(&self, _: &MetalStorage, _: &Layout) -> Result<(MetalStorage, Shape)> {
		self.on_metal()
	}

	fn bwd(&self, _: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
		Ok((self.backward)(&grad.contiguous()?)?.pop())
	}
}

impl CustomOp3 for Computed {
	fn name(&self) -> &'static str {
		"computed"
	}

	fn cpu_fwd(
		&self,
		_: &CpuStorage,
		_: &Layout,
		_: &CpuStorage,
		_: &Layout,
		_: &CpuStorage,
		_: &Layout,
	) -> Result<(CpuStorage, Shape)> {
		self.on_cpu()
	}

	fn cuda_fwd(
		&self,
		_: &CudaStorage,
		_: &Layout,
		_: &CudaStorage,
		_: &Layout,
		_: &CudaStorage,
		_: &Layout,
	) -> Result<(CudaStorage, Shape)> {
		self.on_cuda()
	}

	fn metal_fwd(
		&self,
		_: &MetalStorage,
		_: &Layout,
		_: &MetalStorage,
		_: &Layout,
		_: &MetalStorage,
		_: &Layout,
	) -> Result<(MetalStorage, Shape)> {
		self.on_metal()
	}

	fn bwd(
		&self,
		_: &Tensor,
		_: &Tensor,
		_: &Tensor,
		_: &Tensor,
		grad: &Tensor,
	) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
		let mut gradients = (self.backward)(&grad.contiguous()?)?.into_iter();
		Ok((gradients.next(), gradients.next(), gradients.next()))
	}
}
