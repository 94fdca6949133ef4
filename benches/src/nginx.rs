//! The server: nginx on the loopback, with nothing of the system's configuration.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use crate::certificate::Certificate;
use crate::failure::Failure;
use crate::job::{Direction, Transport};

/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Nginx {
    process: Child,
    ports: Ports,
}

#[derive(Clone, Copy, Debug)]
struct Ports {
    http: u16,
    https: u16,
    http2: u16,
}

impl Nginx {
    /// Starts it. It serves `folder/www/files`, and stores what is sent to it in `folder/www/upload`.
    pub(crate) fn start(folder: &Path, certificate: &Certificate, stores: bool) -> Result<Self, Failure> {
        let [http, https, http2] = free_ports()?;
        let ports = Ports { http, https, http2 };
        let (config, log) = (folder.join("nginx.conf"), folder.join("nginx.log"));
        for needed in [uploads(folder), files(folder), folder.join("nginx")] {
            fs::create_dir_all(&needed).map_err(|error| Failure::file("make the folder", &needed, error))?;
        }
        fs::write(&config, configuration(folder, ports, certificate, stores))
            .map_err(|error| Failure::file("write", &config, error))?;
        let said = File::create(&log).map_err(|error| Failure::file("write", &log, error))?;
        let process = Command::new("nginx")
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            // Ctrl-C is ours to notice; it is stopped when this is dropped.
            .process_group(0)
            .spawn()
            .map_err(|error| Failure::new(format!("cannot start nginx: {error}")))?;
        let mut nginx = Self { process, ports };
        nginx.wait_until_it_listens(&log)?;
        Ok(nginx)
    }

    /// The start of the URLs of files that travel like this.
    pub(crate) fn base(&self, transport: Transport, direction: Direction) -> String {
        let (scheme, port) = match transport {
            Transport::Http => ("http", self.ports.http),
            Transport::Https => ("https", self.ports.https),
            Transport::Http2 => ("https", self.ports.http2),
        };
        let folder = match direction {
            Direction::Download => "files",
            Direction::Upload => "upload",
        };
        format!("{scheme}://127.0.0.1:{port}/{folder}")
    }

    fn wait_until_it_listens(&mut self, log: &Path) -> Result<(), Failure> {
        let start = Instant::now();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.http));
        while TcpStream::connect(address).is_err() {
            let ended = matches!(self.process.try_wait(), Ok(Some(_)));
            if ended || start.elapsed() > PATIENCE {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(Failure::new(format!("nginx does not start: {}", said.trim())));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // A fast shutdown, of its workers too.
        let _ = kill(Pid::from_raw(self.process.id() as i32), Signal::SIGTERM);
        let _ = self.process.wait();
    }
}

/// Where the files are that it serves.
pub(crate) fn files(folder: &Path) -> PathBuf {
    folder.join("www/files")
}

/// Where it stores what is sent to it.
pub(crate) fn uploads(folder: &Path) -> PathBuf {
    folder.join("www/upload")
}

/// Ports that nobody listens on. All are taken before one is given back, so that they differ.
fn free_ports() -> Result<[u16; 3], Failure> {
    let failed = |error| Failure::new(format!("there is no free port on the loopback: {error}"));
    let mut ports = [0; 3];
    let mut listeners = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
        *port = listener.local_addr().map_err(failed)?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

/// The configuration: nginx as it comes, but for the log of every request, and what must not be the system's.
fn configuration(folder: &Path, ports: Ports, certificate: &Certificate, stores: bool) -> String {
    let quoted = |path: &Path| format!("\"{}\"", path.display());
    let temporary = |of: &str| quoted(&folder.join("nginx").join(of));
    // A server that starts as root changes to a user who may not read the files.
    let user = if Uid::effective().is_root() {
        "user root;"
    } else {
        ""
    };
    let upload = match stores {
        true => "location /upload/ { dav_methods PUT; client_max_body_size 0; }",
        false => "",
    };
    let Ports { http, https, http2 } = ports;
    let [server, key] = [&certificate.server, &certificate.key].map(|path| quoted(path));
    let [root, pid] = ["www", "nginx.pid"].map(|name| quoted(&folder.join(name)));
    let [body, proxy, fastcgi, uwsgi, scgi] = ["body", "proxy", "fastcgi", "uwsgi", "scgi"].map(temporary);
    format!(
        "{user}
daemon off;
worker_processes auto;
pid {pid};
error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    default_type application/octet-stream;
    client_body_temp_path {body};
    proxy_temp_path {proxy};
    fastcgi_temp_path {fastcgi};
    uwsgi_temp_path {uwsgi};
    scgi_temp_path {scgi};
    root {root};
    ssl_certificate {server};
    ssl_certificate_key {key};
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        {upload}
    }}
    server {{
        listen 127.0.0.1:{http2} ssl http2;
        {upload}
    }}
}}
"
    )
}
