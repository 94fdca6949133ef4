//! A proxy that opens tunnels, to wherever the test says.

use std::io::{BufReader, Write, copy};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::server::{Seen, read_request};

/// The proxy; it listens until the test ends.
pub(crate) struct Proxy {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Proxy {
    /// Opens each tunnel to this address, whatever it is asked for.
    pub(crate) fn to(server: SocketAddr) -> Self {
        Self::start(move |_| Ok(server))
    }

    /// Answers each request with these bytes, and closes.
    pub(crate) fn answering(answer: &'static str) -> Self {
        Self::start(move |_| Err(answer))
    }

    fn start(decide: impl Fn(&Seen) -> Result<SocketAddr, &'static str> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (noted, decide) = (seen.clone(), Arc::new(decide));
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let (noted, decide) = (noted.clone(), decide.clone());
                thread::spawn(move || {
                    let request = read_request(&mut BufReader::new(client.try_clone().ok()?))?;
                    noted.lock().unwrap().push(request.clone());
                    match decide(&request) {
                        Ok(server) => {
                            let server = TcpStream::connect(server).ok()?;
                            client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
                            tunnel(client, server)
                        }
                        Err(answer) => client.write_all(answer.as_bytes()).ok(),
                    }
                });
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn tunnel(client: TcpStream, server: TcpStream) -> Option<()> {
    let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    let up = thread::spawn(move || {
        let _ = copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = copy(&mut &server, &mut &client);
    let _ = client.shutdown(Shutdown::Write);
    up.join().ok()
}
