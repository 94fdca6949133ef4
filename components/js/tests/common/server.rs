//! A server on the loopback.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use parking_lot::Mutex;

type Files = Arc<Mutex<HashMap<String, (String, String)>>>;

/// Serves files by their paths; other ports of 127.0.0.1 are other origins.
pub(crate) struct Server {
    pub(crate) origin: String,
    files: Files,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let server = Self {
            origin,
            files: Files::default(),
            asked: Arc::default(),
        };
        for (path, text) in files {
            server.put(path, text);
        }
        let (files, asked) = (server.files.clone(), server.asked.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (files, asked) = (files.clone(), asked.clone());
                thread::spawn(move || serve(stream, &files, &asked));
            }
        });
        server
    }

    /// Serves a text at a path; a script where the name says so.
    pub(crate) fn put(&self, path: &str, text: &str) {
        let type_ = if path.ends_with(".js") {
            "text/javascript"
        } else {
            "text/plain"
        };
        self.put_as(path, text, &format!("Content-Type: {type_}"));
    }

    /// Serves a text with these header lines.
    pub(crate) fn put_as(&self, path: &str, text: &str, headers: &str) {
        let file = (text.to_owned(), headers.to_owned());
        self.files.lock().insert(path.to_owned(), file);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.asked.lock().iter().filter(|asked| *asked == path).count()
    }
}

fn serve(stream: TcpStream, files: &Files, asked: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        while !matches!(line.as_str(), "\r\n" | "") {
            line.clear();
            reader.read_line(&mut line).ok()?;
        }
        let file = files.lock().get(path.split('?').next()?).cloned();
        asked.lock().push(path);
        let (status, (text, headers)) = match file {
            Some(file) => ("200 OK", file),
            None => ("404 Not Found", (String::new(), "X-Nothing: here".to_owned())),
        };
        let length = text.len();
        let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n\r\n");
        stream.write_all(head.as_bytes()).ok()?;
        stream.write_all(text.as_bytes()).ok()?;
    }
}
