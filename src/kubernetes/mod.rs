//! The cluster: workloads as they are, their revisions and pods. Writes only on an effect, by a patch that holds only for what was judged.
//!
//! May touch: `ports`, the pure rooms' types, the API server through `kube`. Deliberately absent: other adapters, judgments, typed writes
//! (what a newer server knows and this lastgood does not must survive), secrets, `replicas`.

mod announce;
mod audit;
mod bell;
pub mod brake;
mod call;
mod cluster;
pub mod crd;
mod document;
mod doorbell;
mod exchange;
pub mod hold;
mod holding;
pub mod identity;
mod leading;
pub mod lease;
pub mod leftover;
pub mod object;
mod objects;
pub mod ownership;
mod packing;
pub mod patch;
mod place;
pub mod pods;
mod rehearse;
mod resource;
mod revert;
pub mod revision;
mod seen;
pub mod ship;
pub mod template;
mod term;
pub mod trouble;
mod watches;
mod workload;
mod write;

pub use cluster::{Address, Cluster};
pub use document::MOST_BYTES;
pub use exchange::image_called;
pub use leading::{Contender, Contest, Held};
pub use objects::Objects;
pub use term::{Term, Uptime};
pub use workload::Workload;
