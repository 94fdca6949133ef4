//! Streams, as scripts see them.

mod common;

use common::run;

#[test]
fn streams_are_read_piped_and_teed() {
    let script = "
        const source = new ReadableStream({
            start(controller) { for (const word of ['a', 'b', 'c']) controller.enqueue(word); controller.close(); },
        });
        const [one, other] = source.tee();
        const upper = new TransformStream({ transform(chunk, controller) { controller.enqueue(chunk.toUpperCase()); } });
        (async () => {
            const seen = [];
            for await (const chunk of one.pipeThrough(upper)) seen.push(chunk);
            for await (const chunk of other) seen.push(chunk);
            for await (const chunk of ReadableStream.from([1, 2])) seen.push(chunk);
            const bytes = new ReadableStream({
                type: 'bytes',
                pull(controller) { controller.enqueue(new Uint8Array([1, 2, 3, 4])); },
            });
            const iterator = Object.getPrototypeOf(ReadableStream.from([]).values());
            const base = Object.getPrototypeOf(Object.getPrototypeOf(async function* () {}).prototype);
            seen.push(Object.getPrototypeOf(iterator) === base, Object.getOwnPropertySymbols(iterator).length);
            const { value } = await bytes.getReader({ mode: 'byob' }).read(new Uint8Array(3));
            seen.push(value.join('-'));
            tell(seen.join());
        })().catch(error => tell('failed ' + error));";
    assert_eq!(run(script), "A,B,C,a,b,c,1,2,true,0,1-2-3");
}

#[test]
fn the_interfaces_are_properties_as_web_idl_says_and_brands_cannot_be_copied() {
    let script = "
        const seen = [];
        for (const name of ['ReadableStream', 'WritableStream', 'TransformStream', 'CountQueuingStrategy']) {
            const { value, writable, enumerable, configurable } = Object.getOwnPropertyDescriptor(globalThis, name);
            seen.push(value.name === name && writable && !enumerable && configurable);
        }
        seen.push(String(ReadableStream).includes('[native code]'));
        const stream = new ReadableStream();
        const copy = Object.create(ReadableStream.prototype, Object.getOwnPropertyDescriptors(stream));
        const locked = Object.getOwnPropertyDescriptor(ReadableStream.prototype, 'locked').get;
        seen.push(locked.call(stream));
        try { locked.call(copy); seen.push('fooled'); } catch (error) { seen.push(error.name); }
        class Mine extends ReadableStream {}
        seen.push(new Mine().locked, new Mine().tee()[1].locked);
        tell(seen.join());";
    assert_eq!(
        run(script),
        "true,true,true,true,true,false,TypeError,false,false"
    );
}

#[test]
fn what_scripts_change_of_the_language_does_not_reach_streams() {
    let script = "
        globalThis.Promise = Object.create = Object.prototype.hasOwnProperty = null;
        Object.defineProperty(Object.prototype, 'highWaterMark', { get() { throw new Error('asked'); } });
        globalThis.Uint8Array = globalThis.WeakMap = null;
        const stream = new ReadableStream({ start(controller) { controller.enqueue('x'); } }, { highWaterMark: 1 });
        stream.getReader().read().then(({ value }) => tell(value));";
    assert_eq!(run(script), "x");
}
