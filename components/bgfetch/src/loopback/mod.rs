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
use std::time::Duration;

pub use log::{Exchange, Tally};
pub use pattern::{fill, sha256};
pub use resource::Resource;
pub use server::Server;
pub use uploads::{UploadExchange, UploadServer};

/// The connections that are served at a time.
const MOST_CONNECTIONS: usize = 256;

/// Serves each connection on a thread of its own, as long as the process lives.
fn accept<S>(name: &str, listener: TcpListener, serve: S) -> io::Result<()>
where
    S: Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static,
{
    let serve = Arc::new(serve);
    // Each has one of these.
    let connections = Arc::new(());
    thread::Builder::new().name(name.to_owned()).spawn(move || {
        for stream in listener.incoming().flatten() {
            // Others wait until they are accepted.
            while Arc::strong_count(&connections) > MOST_CONNECTIONS {
                thread::sleep(Duration::from_millis(5));
            }
            let (serve, connection) = (Arc::clone(&serve), Arc::clone(&connections));
            let thread = thread::Builder::new().name("connection".to_owned());
            // A client that goes away in the middle is what it is for. One for which there is no thread is not served.
            let _ = thread.spawn(move || {
                let _ = serve(&stream);
                drop(connection);
            });
        }
    })?;
    Ok(())
}
