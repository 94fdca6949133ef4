//! Blobs: their readers and their URLs, as scripts see them.

mod common;

use common::{UserAgent, run};

#[test]
fn a_reader_tells_how_it_goes_on() {
    let script = "(async () => {
        const out = [];
        const reader = new FileReader();
        for (const type of ['loadstart', 'progress', 'load', 'abort', 'loadend'])
            reader['on' + type] = e => out.push(e.type + ':' + reader.readyState + ':' + e.loaded + '/' + e.total);
        const done = () => new Promise(resolve => reader.addEventListener('loadend', resolve, { once: true }));
        const blob = new Blob(['\\u00e9'], { type: 'text/plain;charset=latin1' });
        reader.readAsText(blob, 'nonsense');
        try { reader.readAsText(blob) } catch (e) { out.push(e.name) }
        await done();
        out.push(reader.result, reader.error);
        reader.readAsDataURL(blob);
        reader.abort();
        out.push(reader.result, reader.readyState);
        reader.onloadstart = reader.onprogress = reader.onload = reader.onloadend = null;
        reader.readAsDataURL(new Blob(['\\u00e9']));
        await done();
        out.push(reader.result);
        reader.readAsBinaryString(blob);
        await done();
        out.push(reader.result.length);
        reader.readAsArrayBuffer(blob);
        await done();
        out.push(reader.result.byteLength, reader.result === reader.result);
        tell(out.join(' '));
    })().catch(e => tell(e + e.stack))";
    let expected = "InvalidStateError loadstart:1:0/2 progress:1:2/2 load:2:2/2 loadend:2:2/2 \u{c3}\u{a9}  \
                    abort:2:0/0 loadend:2:0/0  2 data:application/octet-stream;base64,w6k= 2 2 true";
    assert_eq!(run(script), expected);
}

#[test]
fn a_blob_is_fetched_by_its_url_until_that_is_revoked() {
    let script = "(async () => {
        const out = [];
        const url = URL.createObjectURL(new Blob(['hello'], { type: 'text/x' }));
        out.push(url.startsWith('blob:' + origin + '/'), new URL(url).origin === origin);
        const response = await fetch(url + '#fragment');
        out.push(response.status, response.headers.get('content-type'), response.headers.get('content-length'));
        out.push(await response.text());
        const part = await fetch(url, { headers: { range: 'bytes=1-2' } });
        out.push(part.status, part.headers.get('content-range'), await part.text());
        for (const init of [{ method: 'POST' }, { headers: { range: 'bytes=5-' } }])
            await fetch(url, init).catch(e => out.push(e.name));
        await fetch(url + '?query').catch(e => out.push(e.name));
        const request = new Request(url);
        URL.revokeObjectURL(url + '#fragment');
        await fetch(url).then(() => out.push('there'));
        URL.revokeObjectURL(url);
        await fetch(url).catch(e => out.push(e.name));
        out.push(await (await fetch(request)).text());
        tell(out.join(' '));
    })().catch(e => tell(e + e.stack))";
    let expected =
        "true true 200 text/x 5 hello 206 bytes 1-2/5 el TypeError TypeError TypeError there TypeError hello";
    assert_eq!(run(script), expected);
}

#[test]
fn a_worker_runs_a_blob() {
    let script = "
        const url = URL.createObjectURL(new Blob(['importScripts(name); postMessage([typeof helper, new FileReaderSync().readAsText(new Blob([1]))])']));
        const helper = URL.createObjectURL(new Blob(['function helper() {}']));
        const worker = new Worker(url, { name: helper });
        URL.revokeObjectURL(url);
        worker.onmessage = e => tell(e.data.join());
        worker.onerror = e => tell('error ' + e.message)";
    let page = UserAgent::new().page("https://a.test/", script);
    assert_eq!(page.told(), "function,1");
}

#[test]
fn a_blob_is_no_business_of_other_origins_and_ends_with_its_page() {
    let agent = UserAgent::new();
    let page = agent.page("https://a.test/", "tell(URL.createObjectURL(new Blob(['x'])))");
    let url = page.told();
    let fetch = format!("fetch('{url}').then(() => tell('there'), e => tell(e.name))");
    assert_eq!(agent.page("https://b.test/", &fetch).told(), "TypeError");
    assert_eq!(agent.page("https://a.test/other", &fetch).told(), "there");
    drop(page);
    let gone = format!(
        "(async () => {{ for (;;) {{ try {{ await fetch('{url}') }} catch {{ return tell('gone') }} \
         await new Promise(resolve => setTimeout(resolve, 5)) }} }})()"
    );
    assert_eq!(agent.page("https://a.test/other", &gone).told(), "gone");
}
