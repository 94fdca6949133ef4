//! `fetch()`, with a server.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use common::UserAgent;

/// A server that tells what it is asked; what it answers is in the path.
struct Echo {
    origin: String,
    /// The connections that a client has closed before their response ended.
    closed: Receiver<()>,
}

impl Echo {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let (closes, closed) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let closes = closes.clone();
                thread::spawn(move || serve(stream, &closes));
            }
        });
        Self { origin, closed }
    }

    /// Runs a script that may await in a page of this server; what it returns.
    fn run(&self, script: &str) -> String {
        let script = format!(
            "(async () => {{ {script} }})().then(tell, error => tell('failed: ' + error + ' ' + error.stack));"
        );
        UserAgent::new()
            .page(&format!("{}/page", self.origin), &script)
            .told()
    }
}

fn serve(mut stream: TcpStream, closes: &Sender<()>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            head.push(line.trim_end().to_owned());
        }
        let header = |name: &str| {
            let lines = head.iter().skip(1).filter_map(|line| line.split_once(": "));
            let mut lines = lines.filter(|(other, _)| other.eq_ignore_ascii_case(name));
            lines.next().map(|(_, value)| value.to_owned())
        };
        let length = header("content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let (method, path) = {
            let mut words = head[0].split(' ');
            (words.next()?, words.next()?)
        };
        let (status, headers, text) = match path.split('?').next()? {
            "/echo" => {
                let type_ = header("content-type").unwrap_or_default();
                let mine = header("x-mine").unwrap_or_default();
                let text = format!("{method}|{type_}|{mine}|{}", String::from_utf8_lossy(&body));
                (
                    "200 Fine",
                    "X-Seen: yes\r\nSet-Cookie: a=b\r\nContent-Type: text/plain".to_owned(),
                    text,
                )
            }
            "/redirect" => ("302 Found", "Location: /echo".to_owned(), String::new()),
            "/nothing" => ("204 No Content", "X: y".to_owned(), String::new()),
            "/shared" => {
                let headers = "Access-Control-Allow-Origin: *\r\nX-Hidden: 1\r\nX-Shown: 2\r\n\
                               Access-Control-Expose-Headers: x-shown";
                ("200 OK", headers.to_owned(), "shared".to_owned())
            }
            "/endless" => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst")
                    .ok()?;
                stream.set_read_timeout(Some(Duration::from_secs(15))).ok()?;
                // Until the client is gone.
                let mut byte = [0];
                if !matches!(reader.read(&mut byte), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
                {
                    closes.send(()).ok()?;
                }
                return None;
            }
            "/broken" => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")
                    .ok()?;
                return None;
            }
            "/kept" => {
                let headers = "Cross-Origin-Resource-Policy: same-origin";
                ("200 OK", headers.to_owned(), "kept".to_owned())
            }
            "/away" => {
                let location = path.split_once('?').map_or("", |(_, query)| query);
                ("302 Found", format!("Location: {location}"), String::new())
            }
            _ => ("404 Not Found", "X: y".to_owned(), "nothing".to_owned()),
        };
        let length = text.len();
        let (length, text) = match (status, method) {
            ("204 No Content", _) => (String::new(), ""),
            (_, "HEAD") => (format!("Content-Length: {length}\r\n"), ""),
            _ => (format!("Content-Length: {length}\r\n"), &*text),
        };
        write!(stream, "HTTP/1.1 {status}\r\n{length}{headers}\r\n\r\n{text}").ok()?;
    }
}

#[test]
fn requests_and_responses_travel() {
    let server = Echo::new();
    let script = "
        const seen = [];
        const plain = await fetch('/echo?a#b');
        seen.push(plain.status, plain.statusText, plain.type, plain.redirected, plain.url === location.origin + '/echo?a');
        seen.push(plain.headers.get('x-seen'), plain.headers.get('set-cookie'), await plain.text());
        const form = new FormData();
        form.append('a', 'b');
        const posted = await fetch(new Request('/echo', { method: 'post', body: 'text', headers: { 'X-Mine': '1' } }));
        seen.push(await posted.text());
        const stream = new ReadableStream({ start(c) { c.enqueue(new Uint8Array([104, 105])); c.close(); } });
        seen.push(await (await fetch('/echo', { method: 'PUT', body: stream, duplex: 'half' })).text());
        seen.push((await (await fetch('/echo', { method: 'POST', body: form })).text()).includes('name=\"a\"'));
        const redirected = await fetch('/redirect');
        seen.push(redirected.redirected, redirected.url.endsWith('/echo'));
        const manual = await fetch('/redirect', { redirect: 'manual' });
        seen.push(manual.type, manual.status, manual.body, [...manual.headers].length);
        seen.push((await fetch('/nothing')).body, (await fetch('/echo', { method: 'HEAD' })).body, (await fetch('/404')).ok);
        const chunks = [];
        for await (const chunk of (await fetch('/echo')).body) chunks.push(chunk.constructor.name);
        seen.push(chunks.join());
        const data = await fetch('data:text/x;charset=y,a%20b');
        seen.push(data.type, data.headers.get('content-type'), await data.text());
        return seen.join('\\n');";
    let expected = "200\nFine\nbasic\nfalse\ntrue\nyes\n\nGET|||\nPOST|text/plain;charset=UTF-8|1|text\nPUT|||hi\ntrue\ntrue\ntrue\n\
                    opaqueredirect\n0\n\n0\n\n\nfalse\nUint8Array\nbasic\ntext/x;charset=y\na b";
    assert_eq!(server.run(script), expected);
}

#[test]
fn network_errors_are_type_errors_and_other_origins_ask_to_be_shared() {
    let (server, other) = (Echo::new(), Echo::new());
    let script = "
        const seen = [];
        for (const [url, init] of [
            [other + '/echo'], [other + '/shared', { mode: 'same-origin' }], [other + '/kept', { mode: 'no-cors' }],
            ['/redirect', { redirect: 'error' }], ['http://127.0.0.1:1/'], ['about:blank'], ['data:nonsense'], ['blob:x'],
            ['/echo', { integrity: 'sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' }],
        ]) {
            const told = await fetch(url, init).then(response => response.text()).then(() => 'fetched ' + url, error => error.name);
            seen.push(told);
        }
        const shared = await fetch(other + '/shared');
        seen.push(shared.type, shared.headers.get('x-hidden'), shared.headers.get('x-shown'), await shared.text());
        seen.push((await fetch('/echo', { mode: 'no-cors' })).type);
        seen.push(await (await fetch('/broken')).text().catch(error => error.name));
        return seen.join();";
    let script = format!("const other = '{}'; {script}", other.origin);
    let expected = "TypeError,TypeError,TypeError,TypeError,TypeError,TypeError,TypeError,TypeError,TypeError,\
                    cors,,2,shared,basic,TypeError";
    assert_eq!(server.run(&script), expected);
}

#[test]
fn of_another_origin_a_page_gets_an_opaque_response_and_sees_nothing_of_it() {
    let (server, other) = (Echo::new(), Echo::new());
    let script = "
        const seen = [];
        const look = async response => seen.push([
            response.type, response.url, response.status, response.statusText, response.ok, response.redirected,
            [...response.headers].length, response.body, response.bodyUsed, await response.text(), await response.text(),
            response.bodyUsed,
        ].join());
        const mode = 'no-cors';
        await look(await fetch(other + '/echo', { mode }));
        await look((await fetch(new Request(other + '/echo', { mode, method: 'POST', body: 'x' }))).clone());
        await look(await fetch('/away?' + other + '/echo', { mode }));
        await look(await fetch(other + '/away?' + location.origin + '/echo', { mode }));
        await look(await fetch(other + '/404', { mode, method: 'HEAD' }));
        for (const init of [
            { redirect: 'manual' }, { redirect: 'error' }, { method: 'PUT' }, { integrity: 'sha256-AAAA' }, { body: 'x', method: 'DELETE' },
        ]) seen.push(await fetch(other + '/echo', { mode, ...init }).then(r => r.type, error => error.name));
        const manual = await fetch('/away?/echo', { mode, redirect: 'manual' });
        seen.push([manual.type, manual.url.endsWith('/away?/echo'), manual.status, manual.body, await manual.text()]);
        const controller = new AbortController();
        const endless = await fetch(other + '/endless', { mode, signal: controller.signal });
        controller.abort();
        seen.push(endless.type, endless.clone().type);
        return seen.join('\\n');";
    let script = format!("const other = '{}'; {script}", other.origin);
    let opaque = "opaque,,0,,false,false,0,,false,,,false\n".repeat(5);
    let expected = format!(
        "{opaque}TypeError\nTypeError\nTypeError\nTypeError\nTypeError\n\
         opaqueredirect,true,0,,\nopaque\nopaque"
    );
    assert_eq!(server.run(&script), expected);
    let closed = other.closed.recv_timeout(Duration::from_secs(5));
    closed.expect("the connection is closed");
}

#[test]
fn an_abort_ends_the_request_the_body_and_the_connection() {
    let server = Echo::new();
    let script = "
        const seen = [];
        const name = promise => promise.then(() => 'fetched', error => error.name ?? error);
        seen.push(await name(fetch('/echo', { signal: AbortSignal.abort() })));
        let controller = new AbortController();
        const fetching = fetch('/echo', { signal: controller.signal });
        controller.abort('mine');
        seen.push(await name(fetching));
        controller = new AbortController();
        const { signal } = controller;
        const [read, unread, streamed] = await Promise.all([0, 1, 2].map(() => fetch('/endless', { signal })));
        const text = read.text();
        const reader = streamed.body.getReader();
        const first = await reader.read();
        seen.push(new TextDecoder().decode(first.value));
        const waiting = reader.read();
        controller.abort();
        seen.push(await name(text), await name(unread.text()), await name(waiting), await name(reader.closed));
        // At once: nobody else's turn comes first.
        const turns = [];
        const late = await fetch('/endless', { signal: (controller = new AbortController()).signal });
        controller.abort();
        late.text().catch(() => turns.push('text'));
        Promise.resolve().then(() => turns.push('other'));
        await new Promise(done => setTimeout(done));
        seen.push(turns.join('+'));
        let reason;
        const body = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(1)); }, cancel(why) { reason = why; } });
        const never = fetch('/echo', { method: 'POST', body, duplex: 'half', signal: AbortSignal.abort() });
        seen.push(reason?.name, await never.catch(error => error === reason));
        // What is complete is not touched.
        controller = new AbortController();
        const complete = await fetch('/echo', { signal: controller.signal });
        const bytes = await complete.clone().text();
        controller.abort();
        seen.push(bytes === await complete.text());
        // What nobody wants any more ends, too.
        const cancelled = await fetch('/endless');
        await cancelled.body.cancel();
        return seen.join();";
    let expected =
        "AbortError,mine,first,AbortError,AbortError,AbortError,AbortError,text+other,AbortError,true,true";
    assert_eq!(server.run(script), expected);
    for _ in 0..5 {
        server
            .closed
            .recv_timeout(Duration::from_secs(5))
            .expect("a connection is closed");
    }
}
