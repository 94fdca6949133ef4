// What other standards' streams have in common; the interfaces of streams themselves are not made from Web IDL.
// https://streams.spec.whatwg.org/

interface mixin GenericTransformStream {
  readonly attribute ReadableStream readable;
  readonly attribute WritableStream writable;
};
