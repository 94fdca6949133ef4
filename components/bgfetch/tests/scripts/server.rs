//! The server that lays the tests out: a thread for each connection, which is enough on loopback.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::thread;

use url::Url;

use super::handlers::Handlers;

/// A server. It ends with the program.
pub(crate) struct Server(SocketAddr);

/// A request.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    /// With names in lower case.
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

/// Where files are.
struct Layout {
    packages: PathBuf,
    js: PathBuf,
    handlers: Handlers,
}

impl Server {
    /// Serves the tests of a folder, with what they need of the packages.
    pub(crate) fn start(packages: &Path, js: &Path) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let layout = Arc::new(Layout {
            packages: packages.to_owned(),
            js: js.to_owned(),
            handlers: Handlers::default(),
        });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let layout = Arc::clone(&layout);
                // A client that goes away in the middle is what some tests are for.
                thread::spawn(move || serve(&layout, &stream));
            }
        });
        Ok(Self(address))
    }

    /// Its origin under a name: `localhost` and `127.0.0.1` are two.
    pub(crate) fn origin(&self, name: &str) -> String {
        format!("http://{name}:{}", self.0.port())
    }
}

fn serve(layout: &Layout, stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader)? {
        let stays = match asked.path.strip_prefix("/handlers/") {
            Some(name) => layout.handlers.answer(name, &asked, stream)?,
            None => {
                layout.file(&asked, stream)?;
                true
            }
        };
        if !stays {
            break;
        }
    }
    Ok(())
}

/// Reads a request with its body; none where the client closed the connection.
fn read(from: &mut impl BufRead) -> io::Result<Option<Asked>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Err(invalid());
    };
    let target = Url::parse(&format!("http://localhost{target}")).map_err(|_| invalid())?;
    let mut asked = Asked {
        method,
        path: target.path().to_owned(),
        query: target.query_pairs().into_owned().collect(),
        headers: HashMap::new(),
        body: Vec::new(),
    };
    loop {
        line.clear();
        from.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        asked
            .headers
            .insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    if asked.headers.contains_key("transfer-encoding") {
        loop {
            line.clear();
            from.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).map_err(io::Error::other)?;
            from.take(size).read_to_end(&mut asked.body)?;
            from.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = asked.headers.get("content-length") {
        let length = length.parse().map_err(io::Error::other)?;
        from.take(length).read_to_end(&mut asked.body)?;
    }
    Ok(Some(asked))
}

/// Answers with a body that is there at once.
pub(crate) fn answer(
    mut stream: &TcpStream,
    status: u16,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    stream.write_all((head + "\r\n").as_bytes())?;
    stream.write_all(body)
}

impl Layout {
    fn file(&self, asked: &Asked, stream: &TcpStream) -> io::Result<()> {
        let not_found = || answer(stream, 404, &[("Content-Type", "text/plain")], b"not here");
        let path = Path::new(asked.path.trim_start_matches('/'));
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return not_found();
        }
        let file = self.locate(path);
        if file.is_dir() {
            return answer(
                stream,
                200,
                &[("Content-Type", "text/html")],
                listing(&file)?.as_bytes(),
            );
        }
        let Ok(bytes) = fs::read(&file) else {
            return not_found();
        };
        let mime = match path.extension().and_then(|extension| extension.to_str()) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("html") => "text/html; charset=utf-8",
            _ => "text/plain; charset=utf-8",
        };
        // Workers may have any scope.
        answer(
            stream,
            200,
            &[("Content-Type", mime), ("Service-Worker-Allowed", "/")],
            &bytes,
        )
    }

    /// Where a path is: the harness and the Web IDL are in packages, the rest is ours.
    fn locate(&self, path: &Path) -> PathBuf {
        let harness = self.packages.join("wpt-runner/testharness");
        match path.to_str() {
            Some("resources/testharness.js") => harness.join("testharness.js"),
            Some("resources/idlharness.js") => harness.join("idlharness.js"),
            Some("resources/WebIDLParser.js") => harness.join("webidl2.js"),
            _ => match path.strip_prefix("interfaces") {
                Ok(name) => self.packages.join("@webref/idl").join(name),
                Err(_) => self.js.join(path),
            },
        }
    }
}

/// A folder, as the platform's server lists it.
fn listing(folder: &Path) -> io::Result<String> {
    let mut html = String::from("<!doctype html>\n");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
        let name = entry.file_name();
        let _ = writeln!(html, "<a href=\"{}{slash}\">", name.to_string_lossy());
    }
    Ok(html)
}
