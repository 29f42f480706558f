//! What the pallets can be tuned by. Each one's parameters are stored as they stand here, and have the same names in JSON: in
//! genesis, and in `openledger params`.

mod authorities;
mod datanets;
mod models;
mod rewards;
mod validation;

pub use authorities::AuthorityParams;
pub use datanets::DatanetParams;
pub use models::ModelParams;
pub use rewards::{PerKind, RewardParams};
pub use validation::{CourtParams, MAX_CHALLENGES, MAX_PANEL, MAX_WIDTHS, RING_BLOCKS};
