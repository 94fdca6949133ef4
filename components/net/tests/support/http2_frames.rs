//! An HTTP/2 server that writes whatever frames it is told, over TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use url::Url;

use super::certificates;
use super::server::accept_one;

pub(crate) type Stream = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PUSH_PROMISE: u8 = 5;
pub(crate) const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// `:status: 200` in HPACK.
pub(crate) const OK: &[u8] = &[0x88];

/// A frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header field in HPACK, without index and Huffman's code.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    let mut field = vec![0];
    for text in [name, value] {
        assert!(text.len() < 127);
        field.push(text.len() as u8);
        field.extend_from_slice(text.as_bytes());
    }
    field
}

/// Shakes hands with the first client, reads its request on stream 1, and leaves the rest to `serve`. What the client
/// sends afterwards is read and forgotten where `serve` reads.
pub(crate) fn serve_frames(serve: impl FnOnce(&mut Stream) + Send + 'static) -> Url {
    let url = accept_one(move |socket| {
        let tls = rustls::ServerConnection::new(certificates::server(&["h2"])).expect("TLS");
        let mut stream = rustls::StreamOwned::new(tls, socket);
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).expect("the preface");
        stream.write_all(&frame(SETTINGS, 0, 0, &[])).expect("a client");
        // Until the request is there.
        while read_frame(&mut stream).is_some_and(|(kind, _)| kind != HEADERS) {}
        serve(&mut stream);
    });
    Url::parse(&url.as_str().replace("http:", "https:")).unwrap()
}

/// The type and the stream of the next frame; none once the client has gone.
pub(crate) fn read_frame(stream: &mut Stream) -> Option<(u8, u32)> {
    let mut head = [0; 9];
    stream.read_exact(&mut head).ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).ok()?;
    let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some((head[3], id))
}

/// Writes these bytes again and again, until the client has gone, while somebody reads what it says.
pub(crate) fn write_for_ever(stream: &mut Stream, bytes: &[u8]) {
    let socket = stream.sock.try_clone().expect("a socket");
    // Its answers must not fill the way back.
    thread::spawn(move || std::io::copy(&mut &socket, &mut std::io::sink()));
    while stream.write_all(bytes).is_ok() {}
}
