//! A server on loopback for the demo and the tests: it throttles, drops connections, answers ranges, lies where it is
//! told to, and counts every byte.

mod coverage;
pub(crate) mod folder;
mod log;
mod message;
mod pattern;
mod range;
mod resource;
mod server;
mod upload;
mod uploads;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

pub use log::{Exchange, Tally};
pub use pattern::{fill, sha256};
pub use resource::Resource;
pub use server::Server;
pub use uploads::{UploadExchange, UploadServer};

/// Serves each connection on a thread of its own, as long as the process lives.
fn accept<S>(name: &str, listener: TcpListener, serve: S) -> io::Result<()>
where
    S: Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static,
{
    let serve = Arc::new(serve);
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            // A client that goes away in the middle is what it is for.
            thread::spawn(move || serve(&stream));
        }
    })?;
    Ok(())
}
