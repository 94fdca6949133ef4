//! A server on loopback for the demo and the tests: it throttles, drops connections, answers ranges, lies where it is
//! told to, and counts every byte.

mod coverage;
mod log;
mod message;
mod pattern;
mod resource;
mod server;
mod upload;
mod uploads;

pub use log::{Exchange, Tally};
pub use pattern::{fill, sha256};
pub use resource::Resource;
pub use server::Server;
pub use uploads::{UploadExchange, UploadServer};
