//! Text as bytes and bytes as text, as scripts see it.

mod common;

use common::run;

#[test]
fn text_is_encoded_as_utf_8() {
    let script = "
        const out = [], encoder = new TextEncoder();
        out.push(encoder.encoding, encoder.encode().length, encoder.encode('é\\ud800').join('-'));
        const bytes = new Uint8Array(10);
        const into = (text, from, to) => { const r = encoder.encodeInto(text, bytes.subarray(from, to)); return r.read + '/' + r.written };
        out.push(into('a\\u{1f308}b', 2, 6), into('a\\u{1f308}b', 2, 8), bytes.join('-'), into('\\ud83c', 0, 3), into('x', 4, 4));
        try { encoder.encodeInto('', new DataView(new ArrayBuffer(1))) } catch (e) { out.push(e.name) }
        try { encoder.encodeInto('', new Uint8Array(new ArrayBuffer(1, { maxByteLength: 2 }))) } catch (e) { out.push(e.name) }
        tell(out.join())";
    let expected =
        "utf-8,0,195-169-239-191-189,1/1,4/6,0-0-97-240-159-140-136-98-0-0,1/3,0/0,TypeError,TypeError";
    assert_eq!(run(script), expected);
}

#[test]
fn bytes_are_decoded_whole_and_in_pieces() {
    let script = "
        const out = [];
        const decode = (bytes, label, options) => new TextDecoder(label, options).decode(new Uint8Array(bytes));
        out.push(decode([0xef, 0xbb, 0xbf, 0x41]), decode([0xef, 0xbb, 0xbf, 0x41], 'UTF8', { ignoreBOM: true }).length);
        out.push(decode([0xe4, 0xff]), decode([0xe4], ' Latin1\\n'), decode([0x41, 0], 'utf-16le'), new TextDecoder('ascii').encoding);
        for (const label of ['nonsense', 'replacement', 'utf-8\\0', ''])
            try { new TextDecoder(label); out.push('bad') } catch (e) { out.push(e.name) }
        try { decode([0xff], 'utf-8', { fatal: true }) } catch (e) { out.push(e.name) }
        const decoder = new TextDecoder('utf-8', { fatal: true });
        let text = '';
        for (const byte of [0xef, 0xbb, 0xbf, 0xf0, 0x9f, 0x8c, 0x88])
            text += decoder.decode(new DataView(Uint8Array.of(0, byte).buffer, 1), { stream: true });
        out.push(text + decoder.decode());
        decoder.decode(Uint8Array.of(0xf0), { stream: true });
        try { decoder.decode() } catch (e) { out.push(e.name) }
        out.push(decoder.decode(Uint8Array.of(0x42)), new TextDecoder().decode(), new TextDecoder().decode(new ArrayBuffer(1)).length);
        tell(out.join())";
    let expected = "A,2,\u{fffd}\u{fffd},ä,A,windows-1252,RangeError,RangeError,RangeError,RangeError,\
                    TypeError,\u{1f308},TypeError,B,,1";
    assert_eq!(run(script), expected);
}

#[test]
fn text_goes_through_streams_in_pieces() {
    let script = "(async () => {
        const through = async (stream, chunks) => {
            const writer = stream.writable.getWriter();
            const written = (async () => { for (const chunk of chunks) await writer.write(chunk); await writer.close() })();
            written.catch(() => {});
            const out = [];
            for await (const chunk of stream.readable) out.push(chunk);
            return out;
        };
        const out = [];
        out.push((await through(new TextEncoderStream(), ['a\\ud83c', '', '\\udf08', '\\udf08', '\\ud83c'])).join('|'));
        const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61, 0xf0, 0x9f, 0x8c, 0x88, 0xf0);
        out.push((await through(new TextDecoderStream(), [bytes.subarray(0, 5), bytes.subarray(5)])).join('|'));
        const fatal = new TextDecoderStream('UTF8', { fatal: true });
        out.push(fatal.encoding, fatal.fatal, fatal.readable === fatal.readable, fatal.writable instanceof WritableStream);
        await through(fatal, [bytes]).catch(e => out.push(e.name));
        await through(new TextDecoderStream(), ['a']).catch(e => out.push(e.name));
        tell(out.join(' '));
    })().catch(e => tell(e + e.stack))";
    let expected = "97|240,159,140,136|239,191,189|239,191,189 a|\u{1f308}|\u{fffd} utf-8 true true true TypeError TypeError";
    assert_eq!(run(script), expected);
}
