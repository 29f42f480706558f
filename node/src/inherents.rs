//! What every block says first: the time, and the slot that it falls in.

use sp_consensus_babe::{inherents::InherentDataProvider as SlotProvider, SlotDuration};
use sp_inherents::CreateInherentDataProviders;
use sp_runtime::traits::Block as BlockT;
use sp_timestamp::InherentDataProvider as TimestampProvider;

/// Makes the inherent data of a block from the clock of this machine.
#[derive(Clone)]
pub struct ClockInherents(pub SlotDuration);

#[async_trait::async_trait]
impl<Block: BlockT> CreateInherentDataProviders<Block, ()> for ClockInherents {
	type InherentDataProviders = (SlotProvider, TimestampProvider);

	async fn create_inherent_data_providers(
		&self,
		_: Block::Hash,
		_: (),
	) -> Result<Self::InherentDataProviders, Box<dyn std::error::Error + Send + Sync>> {
		let timestamp = TimestampProvider::from_system_time();
		let slot = SlotProvider::from_timestamp_and_slot_duration(*timestamp, self.0);
		Ok((slot, timestamp))
	}
}
