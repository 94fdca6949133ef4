//! Blobs, forms and URLs, as scripts see them.

mod common;

use common::run;

#[test]
fn a_blob_is_made_of_parts_and_read_in_each_way() {
    let script = "
        (async () => {
            const out = [];
            const buffer = new Uint8Array([0, 104, 105, 0]);
            const blob = new Blob(['\\u{feff}é\\ud800', buffer.subarray(1, 3), new Blob(['!']), 7, null], { type: 'Text/PLAIN' });
            out.push(blob.size, blob.type, await blob.text());
            const part = blob.slice(-12, -4, 'a/B');
            out.push(part.size, part.type, await part.text(), blob.slice(5, 2).size, blob.slice(2 ** 60).size);
            out.push([...await new Blob([buffer.buffer]).bytes()].join('-'));
            const sizes = [];
            for await (const chunk of new Blob([new Uint8Array(100000)]).stream()) sizes.push(chunk.length);
            out.push(sizes.join('+'));
            out.push(new DataView(await part.arrayBuffer()).byteLength);
            out.push(await new Blob(['a\\r\\nb\\rc\\n'], { endings: 'native' }).text() === 'a\\nb\\nc\\n');
            out.push(new Blob([], { type: 'a\\u00e5' }).type === '', String(new Blob()), Blob.length);
            const file = new File(['x'], 'ü', { lastModified: 42, type: 'T' });
            out.push(file.name, file.lastModified, file.type, file instanceof Blob, file.slice() instanceof File, File.length);
            for (const arg of [null, 1, 'x', {}, new Date()])
                try { new Blob(arg); out.push('bad') } catch (e) { if (e.name !== 'TypeError') out.push(e.name) }
            try { Blob.prototype.text.call({}).catch(e => out.push(e.name)); await 0; await 0 } catch (e) { out.push('threw') }
            tell(out.join());
        })().catch(e => tell('' + e + e.stack))";
    let expected = "16,text/plain,é\u{fffd}hi!7null,8,a/b,\u{fffd}\u{fffd}hi!7,0,0,0-104-105-0,65536+34464,8,true,true,[object Blob],0,\
                    ü,42,t,true,false,2,TypeError";
    assert_eq!(run(script), expected);
}

#[test]
fn what_scripts_have_the_host_keep_is_limited() {
    let script = "
        const out = [], kept = [], part = new Blob([new Uint8Array(1 << 24)]);
        try { for (;;) kept.push(new Blob([part, ''])); } catch (e) { out.push(e.name, kept.length) }
        const params = new URLSearchParams(), form = new FormData(), long = 'x'.repeat(1 << 23);
        try { for (;;) params.append('a', long); } catch (e) { out.push(e.name, params.size) }
        try { for (;;) form.append('a', long); } catch (e) { out.push(e.name) }
        kept.length = 0;
        form.append('a', long);
        tell(out.join())";
    assert_eq!(run(script), "RangeError,30,RangeError,0,RangeError");
}

#[test]
fn what_tells_a_sequence_apart_is_got_once_and_is_what_is_iterated_over() {
    // The second time it would be another.
    let script = "
        let got;
        const once = list => {
            got = 0;
            return { get [Symbol.iterator]() { return got++ ? () => { throw new Error('again') } : () => list.values() } };
        };
        const out = [];
        out.push(new URLSearchParams(once([[1, 2]])) + '', got, new Headers(once([['a', 'b']])).get('a'), got);
        out.push(new Blob(once(['abc'])).size, got);
        const { port1, port2 } = new MessageChannel();
        port1.postMessage('x', once([port2]));
        out.push(got);
        out.push(structuredClone(5, { transfer: once([]) }), got);
        tell(out.join())";
    assert_eq!(run(script), "1=2,1,b,1,3,1,1,5,1");
}

#[test]
fn form_data_keeps_its_entries_in_order_and_its_files_the_same() {
    let script = "
        const form = new FormData(), out = [];
        form.append('a', 'b\\ud800');
        form.append('f', new Blob(['x'], { type: 't' }));
        form.append('a', null);
        form.append('f', new File([], 'n', { lastModified: 5 }), 'other');
        const file = form.get('f');
        out.push(file instanceof File, file.name, file.type, file === form.getAll('f')[0]);
        out.push(form.getAll('f')[1].name, form.getAll('f')[1].lastModified);
        form.set('a', 'c');
        form.set('new', new Blob());
        out.push([...form].map(([k, v]) => k + '=' + (v.name ?? v)).join('&'), [...form.keys()].length);
        form.delete('f');
        out.push(form.has('f'), form.get('f'), form.get('new').name, [...form.values()].length);
        for (const call of [() => form.append('a'), () => form.append('a', 'b', 'c'), () => form.set('a', {}, 'c'), () => new FormData({}),
                            () => new FormData(undefined, {})])
            try { call(); out.push('bad') } catch (e) { out.push(e.name) }
        out.push(new FormData(undefined, null).has('x'), FormData.prototype.append.length);
        tell(out.join())";
    let expected = "true,blob,t,true,other,5,a=c&f=blob&f=other&new=blob,4,false,,blob,2,\
                    TypeError,TypeError,TypeError,TypeError,TypeError,false,2";
    assert_eq!(run(script), expected);
}

#[test]
fn a_url_and_its_query_object_follow_each_other() {
    let script = "
        const out = [];
        const url = new URL('../x?a=1&b=2#h', 'https://user:pass@example.com:8080/p/q/');
        const { searchParams } = url;
        out.push(url.href, url.origin, url.host, url.searchParams === searchParams);
        searchParams.append('c', 'ü &');
        searchParams.delete('a');
        out.push(url.search, '' + searchParams);
        url.search = '?z=%ff';
        out.push([...searchParams].join(), url.href);
        url.href = 'https://example.org/?k';
        out.push(searchParams.has('k', ''), searchParams.size);
        searchParams.delete('k');
        out.push(url.href);
        url.protocol = 'http'; url.port = '81'; url.hash = 'f'; url.hostname = 'a.b'; url.pathname = 'c d';
        out.push(url + '', JSON.stringify({ url }));
        try { url.href = 'nonsense' } catch (e) { out.push(e.name) }
        try { new URL('x', 'y') } catch (e) { out.push(e.name) }
        out.push(URL.canParse('x'), URL.canParse('x', 'https://a/'), URL.parse('x'), URL.parse('https://a').pathname);
        out.push(webkitURL === URL, URL.length);
        out.push(new URL('blob:ftp://a/b').origin, new URL('blob:https://a/b').origin, new URL('///a', 'http://b').href);
        out.push(new URL('x:a  ?b').href, new URL(' /\\\\/a', 'https://b').host);
        tell(out.join(' '))";
    let expected = "https://user:pass@example.com:8080/p/x?a=1&b=2#h https://example.com:8080 example.com:8080 true \
                    ?b=2&c=%C3%BC+%26 b=2&c=%C3%BC+%26 z,\u{fffd} https://user:pass@example.com:8080/p/x?z=%ff#h \
                    true 1 https://example.org/ http://a.b:81/c%20d#f {\"url\":\"http://a.b:81/c%20d#f\"} \
                    TypeError TypeError false true  / true 1 \
                    null https://a http://a/ x:a %20?b a";
    assert_eq!(run(script), expected);
}

#[test]
fn search_params_come_from_strings_pairs_and_records() {
    let script = "
        const out = [];
        const of = init => '' + new URLSearchParams(init);
        out.push(of('?a=b&a=%20+c'), of([['a', 'b'], new Set(['c', 'd'])]), of({ x: 1, 'y ': '\\ud800' }));
        out.push(of(new URLSearchParams('q=1')), of(), of(undefined), of(null), of('??'));
        try { of([['a']]) } catch (e) { out.push(e.name) }
        const params = new URLSearchParams('z=1&\\u{1f308}=2&\\ufb03=3&z=0');
        params.sort();
        out.push([...params.keys()].join(''));
        params.set('z', 'new');
        out.push(params.getAll('z').length);
        const seen = [];
        for (const [name] of params) { seen.push(name); if (seen.length < 3) params.delete(name); }
        out.push(seen.join(''));
        tell(out.join(' '))";
    let expected =
        "a=b&a=++c a=b&c=d x=1&y+=%EF%BF%BD q=1   null= %3F= TypeError zz\u{1f308}\u{fb03} 1 z\u{fb03}";
    assert_eq!(run(script), expected);
}
