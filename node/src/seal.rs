//! Lets BABE's import see the seals of blocks.
//!
//! It looks for two blocks that one authority made in one slot, and reports their headers to the chain, which refuses a report
//! without their seals: it proves nothing. But while a block is imported its seal is kept apart from its header, and
//! sc-consensus-babe reports that header. So the seal is put into the header before BABE's import, and taken out again
//! behind it, where the block is executed.

use openledger_runtime::opaque::Block;
use sc_consensus::{BlockCheckParams, BlockImport, BlockImportParams, ImportResult};
use sp_runtime::{traits::Header as _, DigestItem};

/// Hands headers on with their seals.
#[derive(Clone)]
pub struct Sealed<I>(pub I);

/// Hands headers on without their seals.
#[derive(Clone)]
pub struct Unsealed<I>(pub I);

#[async_trait::async_trait]
impl<I: BlockImport<Block> + Send + Sync> BlockImport<Block> for Sealed<I> {
	type Error = I::Error;

	async fn check_block(&self, block: BlockCheckParams<Block>) -> Result<ImportResult, Self::Error> {
		self.0.check_block(block).await
	}

	async fn import_block(&self, mut block: BlockImportParams<Block>) -> Result<ImportResult, Self::Error> {
		seal(&mut block);
		self.0.import_block(block).await
	}
}

#[async_trait::async_trait]
impl<I: BlockImport<Block> + Send + Sync> BlockImport<Block> for Unsealed<I> {
	type Error = I::Error;

	async fn check_block(&self, block: BlockCheckParams<Block>) -> Result<ImportResult, Self::Error> {
		self.0.check_block(block).await
	}

	async fn import_block(&self, mut block: BlockImportParams<Block>) -> Result<ImportResult, Self::Error> {
		unseal(&mut block);
		self.0.import_block(block).await
	}
}

/// The block's hash is the same: it counts the seal wherever that is.
fn seal(block: &mut BlockImportParams<Block>) {
	for item in block.post_digests.drain(..) {
		block.header.digest_mut().push(item);
	}
}

fn unseal(block: &mut BlockImportParams<Block>) {
	while let Some(DigestItem::Seal(..)) = block.header.digest().logs().last() {
		let item = block.header.digest_mut().pop().expect("it has a last item; qed");
		block.post_digests.insert(0, item);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use openledger_runtime::Header;
	use sp_consensus::BlockOrigin;
	use sp_runtime::Digest;

	#[test]
	fn a_seal_should_go_into_the_header_and_out_again() {
		let pre = DigestItem::PreRuntime(*b"BABE", vec![1]);
		let seal_item = DigestItem::Seal(*b"BABE", vec![2]);
		let digest = Digest {
			logs: vec![pre.clone()],
		};
		let header = Header::new(7, Default::default(), Default::default(), Default::default(), digest);
		let mut block = BlockImportParams::<Block>::new(BlockOrigin::NetworkBroadcast, header.clone());
		block.post_digests.push(seal_item.clone());
		let hash = block.post_hash();

		seal(&mut block);
		assert_eq!(block.header.digest().logs, [pre, seal_item.clone()]);
		assert_eq!((block.post_digests.len(), block.post_hash()), (0, hash));

		unseal(&mut block);
		assert_eq!(
			(block.header.clone(), &block.post_digests[..]),
			(header, &[seal_item][..])
		);
		assert_eq!(block.post_hash(), hash);
	}
}
