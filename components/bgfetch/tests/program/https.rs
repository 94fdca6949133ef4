//! What stands between people and servers: TLS with a root of one's own, a redirect that sets a cookie, a content
//! coding, and a proxy.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use flate2::Compression;
use flate2::write::GzEncoder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::{World, run};

const TEXT: &str = "what the server keeps for those who bring its cookie\n";

/// A server that vouches for itself by a root of its own.
struct Guarded {
    url: String,
    root_pem: String,
}

/// The tunnels that were asked for.
type Asked = Arc<Mutex<Vec<String>>>;

impl Guarded {
    fn start() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("a root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a leaf");
        let leaf = leaf.signed_by(&key, &root).expect("a leaf");
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![CertificateDer::from(leaf.der().to_vec())], private)
            .expect("a certificate");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("its address"));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let config = config.clone();
                thread::spawn(move || serve(socket, config));
            }
        });
        Self {
            url,
            root_pem: root.pem(),
        }
    }
}

/// Answers one request: a redirect with a cookie to those who have none, the text, encoded, to those who do.
fn serve(socket: TcpStream, config: Arc<ServerConfig>) -> Option<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config).ok()?, socket));
    let head = read_head(&mut stream)?;
    let answer = if head.contains("cookie: member=yes") {
        let mut coder = GzEncoder::new(Vec::new(), Compression::default());
        coder.write_all(TEXT.as_bytes()).ok()?;
        let body = coder.finish().ok()?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), &body].concat()
    } else {
        let head = "HTTP/1.1 302 Found\r\nLocation: /text.txt\r\nSet-Cookie: member=yes; Secure; Path=/\r\n\
                    Content-Length: 0\r\nConnection: close\r\n\r\n";
        head.as_bytes().to_vec()
    };
    let stream = stream.get_mut();
    stream.write_all(&answer).ok()?;
    stream.conn.send_close_notify();
    stream.flush().ok()
}

/// The head of a request, in lower case.
fn read_head(stream: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head.to_ascii_lowercase())
}

/// A proxy that opens tunnels.
fn proxy() -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let asked = Asked::default();
    let noted = asked.clone();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let noted = noted.clone();
            thread::spawn(move || tunnel(client, &noted));
        }
    });
    (url, asked)
}

fn tunnel(mut client: TcpStream, noted: &Asked) -> Option<()> {
    let head = read_head(&mut BufReader::new(client.try_clone().ok()?))?;
    let target = head.strip_prefix("connect ")?.split(' ').next()?.to_owned();
    let mut server = TcpStream::connect(&target).ok()?;
    noted.lock().ok()?.push(target);
    client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").ok()?;
    let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    let mut buffer = [0; 4096];
    loop {
        let read = server.read(&mut buffer).ok().filter(|read| *read > 0)?;
        client.write_all(&buffer[..read]).ok()?;
    }
}

#[test]
fn a_server_with_a_root_of_its_own_a_redirect_a_cookie_and_a_coding_is_fetched_from() {
    let (world, server) = (World::new(), Guarded::start());
    let pem = world.path("root.pem");
    fs::write(&pem, &server.root_pem).expect("the root is written");
    let url = format!("{}/login", server.url);
    let done = run(world
        .command(&["get", &url, "--output", "files"])
        .env("SSL_CERT_FILE", &pem));
    assert_eq!(done.status, 0, "{done:?}");
    let name = &world.names("files")[0];
    assert_eq!(fs::read_to_string(world.path("files").join(name)).unwrap(), TEXT);
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused_with_its_reason() {
    let (world, server) = (World::new(), Guarded::start());
    let done = world.run(&["get", &format!("{}/login", server.url)]);
    assert_eq!(done.status, 1, "{done:?}");
    assert!(
        done.err.contains("certificate") && done.err.contains("fetch-error"),
        "{done:?}"
    );
}

#[test]
fn a_proxy_of_the_environment_is_gone_through() {
    let (world, server, (proxy, asked)) = (World::new(), Guarded::start(), proxy());
    let pem = world.path("root.pem");
    fs::write(&pem, &server.root_pem).expect("the root is written");
    let url = format!("{}/login", server.url);
    let mut command = world.command(&["get", &url, "--output", "files"]);
    let done = run(command.env("SSL_CERT_FILE", &pem).env("HTTPS_PROXY", &proxy));
    assert_eq!(done.status, 0, "{done:?}");
    let target = server.url.trim_start_matches("https://");
    let asked = asked.lock().unwrap();
    assert!(
        !asked.is_empty() && asked.iter().all(|asked| asked == target),
        "{asked:?}"
    );
}
