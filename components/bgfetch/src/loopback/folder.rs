//! A server of a folder's files, on loopback.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use percent_encoding::percent_decode_str;

use super::message::{self, Message};
use super::range::{Part, part_of};

/// Serves the files of a folder to whoever names the host, until the program ends.
///
/// `GET` and `HEAD` give its files, with entity tags and ranges; what is sent with another method is read to its end and
/// answered with its length, and nothing is written.
///
/// # Errors
///
/// Where there is no port, or no thread.
pub(crate) fn serve(folder: PathBuf, host: String) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    super::accept("folder", listener, move |stream| {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(message) = message::read(&mut reader)? {
            // A page of another host that found the port does not see what is here.
            if message.header("host") != Some(&host) {
                let text = "there is no such host here\n".to_owned();
                answer(stream, &message, "421 Misdirected Request", "text/plain", text)?;
                continue;
            }
            match message.method.as_str() {
                "GET" | "HEAD" => file(stream, &message, &folder)?,
                _ => {
                    let text = format!("{{\"bytes\": {}}}\n", message.body_length);
                    answer(stream, &message, "201 Created", "application/json", text)?;
                }
            }
        }
        Ok(())
    })?;
    Ok(address)
}

fn file(stream: &TcpStream, message: &Message, folder: &Path) -> io::Result<()> {
    let opened = path_in(folder, &message.path).and_then(|path| Some((File::open(&path).ok()?, path)));
    let opened = opened.filter(|(file, _)| file.metadata().is_ok_and(|metadata| metadata.is_file()));
    let Some((mut file, path)) = opened else {
        let text = format!("{} is not in the folder\n", message.path);
        return answer(
            stream,
            message,
            "404 Not Found",
            "text/plain; charset=utf-8",
            text,
        );
    };
    let metadata = file.metadata()?;
    let length = metadata.len();
    let modified = metadata.modified().ok();
    let modified = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let etag = format!("\"{length:x}-{:x}\"", modified.map_or(0, |time| time.as_nanos()));
    let known = message.header("if-none-match").unwrap_or_default();
    let is_known = known
        .split(',')
        .any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == etag);
    if is_known {
        return respond(stream, "304 Not Modified", &[("ETag", &etag)]);
    }
    let is_same = message
        .header("if-range")
        .is_none_or(|validator| validator == etag);
    let range = message.header("range").filter(|_| is_same);
    let (first, count, status) = match range.map_or(Part::Whole, |range| part_of(range, length)) {
        Part::Whole => (0, length, "200 OK"),
        Part::Bytes { first, count } => (first, count, "206 Partial Content"),
        Part::None => {
            let fields = [
                ("Content-Range", &*format!("bytes */{length}")),
                ("Content-Length", "0"),
            ];
            return respond(stream, "416 Range Not Satisfiable", &fields);
        }
    };
    let range = format!("bytes {first}-{}/{length}", (first + count).saturating_sub(1));
    let mut fields = vec![
        ("Content-Type", mime_of(&path)),
        ("Accept-Ranges", "bytes"),
        ("ETag", &etag),
    ];
    let count_text = count.to_string();
    fields.push(("Content-Length", &count_text));
    if status.starts_with("206") {
        fields.push(("Content-Range", &range));
    }
    respond(stream, status, &fields)?;
    if message.method == "HEAD" {
        return Ok(());
    }
    file.seek(SeekFrom::Start(first))?;
    let mut writer = stream;
    match io::copy(&mut file.take(count), &mut writer)? {
        // It has become shorter: the connection ends, and so the client knows.
        copied if copied < count => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

fn answer(stream: &TcpStream, message: &Message, status: &str, mime: &str, text: String) -> io::Result<()> {
    let length = text.len().to_string();
    respond(
        stream,
        status,
        &[("Content-Type", mime), ("Content-Length", &length)],
    )?;
    let mut writer = stream;
    match message.method.as_str() {
        "HEAD" => Ok(()),
        _ => writer.write_all(text.as_bytes()),
    }
}

fn respond(stream: &TcpStream, status: &str, fields: &[(&str, &str)]) -> io::Result<()> {
    let fields = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
    let head = format!("HTTP/1.1 {status}\r\n{}\r\n", fields.collect::<String>());
    let mut writer = stream;
    writer.write_all(head.as_bytes())
}

/// The file that a path names; none where it leads out of the folder.
fn path_in(folder: &Path, path: &str) -> Option<PathBuf> {
    let decoded = percent_decode_str(path.trim_start_matches('/'))
        .decode_utf8()
        .ok()?;
    let relative = Path::new(&*decoded);
    let stays = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    let found = folder.join(relative);
    let found = if found.is_dir() {
        found.join("index.html")
    } else {
        found
    };
    (stays && !decoded.contains('\0')).then_some(found)
}

/// The MIME type of a file, by its name.
fn mime_of(path: &Path) -> &'static str {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "css" => "text/css; charset=utf-8",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_the_folder() {
        let folder = Path::new("/srv");
        assert_eq!(
            path_in(folder, "/a/b%20c.txt"),
            Some(PathBuf::from("/srv/a/b c.txt"))
        );
        for out in ["/../etc/passwd", "/a/%2e%2e/%2e%2e/etc", "//etc/passwd", "/%00"] {
            let found = path_in(folder, out);
            assert!(
                found.as_ref().is_none_or(|found| found.starts_with("/srv")),
                "{out}: {found:?}"
            );
        }
    }
}
