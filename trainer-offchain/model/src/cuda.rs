//! NVIDIA cards, in a build with the feature `cuda`.

use candle_core::Device;

/// Opens a card, or says why it cannot be used.
#[cfg(feature = "cuda")]
pub fn open(ordinal: usize) -> Result<Device, String> {
	driver::load()?;
	// One stream for all threads: candle's usual one is of each thread, and threads would read what others have not written.
	Device::new_cuda_with_stream(ordinal).map_err(|e| e.to_string().lines().next().unwrap_or_default().to_owned())
}

/// Opens a card, or says why it cannot be used.
#[cfg(not(feature = "cuda"))]
pub fn open(_: usize) -> Result<Device, String> {
	Err("this program was built without CUDA; scripts/build-cuda.sh builds one with it".into())
}

/// Bytes of a card's memory in use, by all programs; with what this one has freed and keeps to use again. None of another
/// device.
#[cfg(feature = "cuda")]
pub fn used_bytes(device: &Device) -> Option<u64> {
	let stream = device.as_cuda_device().ok()?.cuda_stream();
	let (free, total) = stream.context().mem_get_info().ok()?;
	Some((total - free) as u64)
}

/// Bytes of a card's memory in use; none of another device.
#[cfg(not(feature = "cuda"))]
pub fn used_bytes(_: &Device) -> Option<u64> {
	None
}

/// The driver's library, opened when a card is asked for: linked as others are, the program would not start without it,
/// neither to compute on the CPU nor to print its help.
#[cfg(feature = "cuda")]
mod driver {
	use std::ffi::c_void;
	use std::sync::atomic::{AtomicPtr, Ordering};

	/// CUDA_ERROR_NOT_SUPPORTED: what a function returns that the driver does not have, or before [`load`].
	extern "C" fn missing() -> u32 {
		801
	}

	macro_rules! functions {
		($($name:ident)*) => {
			$(
				#[allow(non_snake_case)]
				mod $name {
					use super::*;
					pub static ADDRESS: AtomicPtr<c_void> = AtomicPtr::new(missing as *mut c_void);
					// Goes on to the driver's function with all arguments as they are.
					core::arch::global_asm!(
						concat!(".globl ", stringify!($name)),
						concat!(".type ", stringify!($name), ",@function"),
						concat!(stringify!($name), ":"),
						"jmp *{address}(%rip)",
						address = sym ADDRESS,
						options(att_syntax)
					);
				}
			)*

			/// Opens the driver's library.
			pub fn load() -> Result<(), String> {
				// SAFETY: names end with 0; the library is never closed.
				let library = unsafe { libc::dlopen(c"libcuda.so.1".as_ptr(), libc::RTLD_NOW) };
				if library.is_null() {
					return Err("libcuda.so.1 is not found: this machine has no NVIDIA driver".into());
				}
				$(
					let name = concat!(stringify!($name), "\0");
					// SAFETY: as above.
					let address = unsafe { libc::dlsym(library, name.as_ptr().cast()) };
					if !address.is_null() {
						$name::ADDRESS.store(address, Ordering::Release);
					}
				)*
				Ok(())
			}
		};
	}

	functions! {
		cuCtxCreate_v3 cuCtxCreate_v4 cuCtxDestroy_v2 cuCtxGetCacheConfig cuCtxGetCurrent cuCtxGetLimit
		cuCtxGetStreamPriorityRange cuCtxSetCacheConfig cuCtxSetCurrent cuCtxSetFlags cuCtxSetLimit
		cuCtxSynchronize cuDestroyExternalMemory cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount
		cuDeviceGetDefaultMemPool cuDeviceGetMemPool cuDeviceGetName cuDeviceGetUuid cuDeviceGetUuid_v2
		cuDevicePrimaryCtxRelease_v2 cuDevicePrimaryCtxRetain cuDeviceSetMemPool cuDeviceTotalMem_v2
		cuEventCreate cuEventDestroy_v2 cuEventElapsedTime cuEventElapsedTime_v2 cuEventQuery cuEventRecord
		cuEventSynchronize cuExternalMemoryGetMappedBuffer cuFuncGetAttribute cuFuncSetAttribute
		cuFuncSetCacheConfig cuGetErrorName cuGetErrorString cuGraphClone cuGraphDestroy cuGraphExecDestroy
		cuGraphInstantiate cuGraphInstantiateWithFlags cuGraphLaunch cuGraphUpload cuImportExternalMemory
		cuInit cuLaunchCooperativeKernel cuLaunchHostFunc cuLaunchKernel cuMemAdvise_v2 cuMemAllocAsync
		cuMemAllocFromPoolAsync cuMemAllocManaged cuMemAlloc_v2 cuMemFreeAsync cuMemFreeHost cuMemFree_v2
		cuMemGetInfo_v2 cuMemHostAlloc cuMemPoolCreate cuMemPoolDestroy cuMemPoolGetAttribute
		cuMemPoolSetAttribute cuMemPoolTrimTo cuMemPrefetchAsync_v2 cuMemcpyDtoDAsync_v2 cuMemcpyDtoD_v2
		cuMemcpyDtoHAsync_v2 cuMemcpyDtoH_v2 cuMemcpyHtoDAsync_v2 cuMemcpyHtoD_v2 cuMemcpyPeerAsync
		cuMemsetD8Async cuMemsetD8_v2 cuModuleGetFunction cuModuleGetGlobal_v2 cuModuleLoad cuModuleLoadData
		cuModuleUnload cuOccupancyAvailableDynamicSMemPerBlock cuOccupancyMaxActiveBlocksPerMultiprocessor
		cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cuOccupancyMaxActiveClusters
		cuOccupancyMaxPotentialBlockSize cuOccupancyMaxPotentialBlockSizeWithFlags
		cuOccupancyMaxPotentialClusterSize cuProfilerStart cuProfilerStop cuStreamAttachMemAsync
		cuStreamBeginCapture_v2 cuStreamCreate cuStreamCreateWithPriority cuStreamDestroy_v2
		cuStreamEndCapture cuStreamIsCapturing cuStreamSynchronize cuStreamWaitEvent
	}
}
