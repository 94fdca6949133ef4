// What stands around the bundle of web-streams-polyfill. `host` has functions of the host: pull, cancel, step.
(function (globalThis, host) {
  "use strict";

  // The bundle looks globals up when it needs them. It finds these instead, whatever scripts do to theirs.
  const {
    AbortController, ArrayBuffer, DataView, Error, Function, Math, Number, Promise, RangeError, Reflect, String, Symbol,
    TypeError, Uint8Array, WeakMap, queueMicrotask, structuredClone,
  } = globalThis;
  const { apply } = Reflect;
  const { get, set, has } = WeakMap.prototype;
  const { hasOwnProperty } = globalThis.Object.prototype;
  const { then } = Promise.prototype;

  // Every stream, and what its bytes come from where that is the host's: the brand.
  const streams = new WeakMap();
  const note = (stream) => apply(set, streams, [stream, undefined]);
  const isStream = (value) => apply(has, streams, [value]);

  const Object = {
    __proto__: null,
    create: globalThis.Object.create,
    defineProperty: globalThis.Object.defineProperty,
    defineProperties: globalThis.Object.defineProperties,
    prototype: {
      __proto__: null,
      // How the bundle checks brands: an object that has a stream's fields is none.
      hasOwnProperty: {
        __proto__: null,
        call: (object, name) =>
          name === "_readableStreamController" ? isStream(object) : apply(hasOwnProperty, object, [name]),
      },
    },
  };

  const exported = (() => {
    /*BUNDLE*/
  })();

  const { ReadableStream, ReadableStreamDefaultReader, ReadableByteStreamController, ReadableStreamBYOBRequest } = exported;
  const getter = (prototype, name) => globalThis.Object.getOwnPropertyDescriptor(prototype, name).get;
  const { cancel, getReader, pipeThrough, tee } = ReadableStream.prototype;
  const { cancel: cancelReader, releaseLock } = ReadableStreamDefaultReader.prototype;
  const { close, enqueue, error } = ReadableByteStreamController.prototype;
  const {
    close: closeDefault, enqueue: enqueueDefault, error: errorDefault,
  } = exported.ReadableStreamDefaultController.prototype;
  const { TransformStream, WritableStream } = exported;
  const { enqueue: enqueueTransform } = exported.TransformStreamDefaultController.prototype;
  const readableOf = getter(TransformStream.prototype, "readable");
  const writableOf = getter(TransformStream.prototype, "writable");
  const { respond } = ReadableStreamBYOBRequest.prototype;
  const byobRequest = getter(ReadableByteStreamController.prototype, "byobRequest");
  const closed = getter(ReadableStreamDefaultReader.prototype, "closed");
  const pullSteps = globalThis.Object.getOwnPropertySymbols(ReadableByteStreamController.prototype).find(
    (symbol) => symbol.description === "[[PullSteps]]",
  );
  const ignore = () => {};

  // The bundle has no syntax for %AsyncIteratorPrototype%, and makes one of its own.
  const { getPrototypeOf, setPrototypeOf } = globalThis.Object;
  const iteratorPrototype = getPrototypeOf(new ReadableStream().values());
  setPrototypeOf(iteratorPrototype, getPrototypeOf(getPrototypeOf(async function* () {}).prototype));
  delete iteratorPrototype[Symbol.asyncIterator];

  const isByteStream = (stream) => stream._readableStreamController instanceof ReadableByteStreamController;

  const lock = (stream) => {
    const reader = apply(getReader, stream, []);
    // What is wrong with the stream is told to whoever reads.
    apply(then, apply(closed, reader, []), [undefined, ignore]);
    return reader;
  };

  // https://streams.spec.whatwg.org/#readable-stream-default-reader-read; no promise, so that no script sees the chunk.
  const read = (reader, request) => {
    const stream = reader._ownerReadableStream;
    stream._disturbed = true;
    if (stream._state === "closed") {
      request._closeSteps();
    } else if (stream._state === "errored") {
      request._errorSteps(stream._storedError);
    } else {
      stream._readableStreamController[pullSteps](request);
    }
  };

  const clone = (chunk) => {
    if (structuredClone !== undefined) {
      return apply(structuredClone, globalThis, [chunk]);
    }
    return chunk instanceof Uint8Array ? new Uint8Array(chunk) : chunk;
  };

  // A stream that gives copies of what another gives.
  const cloned = (stream) => {
    const reader = lock(stream);
    const pull = (controller) =>
      new Promise((resolve) =>
        read(reader, {
          __proto__: null,
          _chunkSteps(chunk) {
            try {
              apply(enqueueDefault, controller, [clone(chunk)]);
            } catch (reason) {
              apply(errorDefault, controller, [reason]);
              apply(then, apply(cancelReader, reader, [reason]), [undefined, ignore]);
            }
            resolve();
          },
          _closeSteps() {
            apply(closeDefault, controller, []);
            resolve();
          },
          _errorSteps(reason) {
            apply(errorDefault, controller, [reason]);
            resolve();
          },
        }),
      );
    const cancelled = (reason) => apply(cancelReader, reader, [reason]);
    return new ReadableStream({ __proto__: null, pull, cancel: cancelled }, { __proto__: null, highWaterMark: 0 });
  };

  return {
    __proto__: null,
    exported: { __proto__: null, ...exported },

    // The prototype of the host's sources.
    source: { __proto__: null, type: "bytes", pull: host.pull, cancel: host.cancel },

    isStream,

    sourceOf: (stream) => apply(get, streams, [stream]),

    createByteStream(source, highWaterMark) {
      const stream = new ReadableStream(source, { __proto__: null, highWaterMark });
      apply(set, streams, [stream, source]);
      return stream;
    },

    isLocked: (stream) => stream._reader !== undefined,
    isDisturbed: (stream) => stream._disturbed,
    isReadable: (stream) => stream._state === "readable",
    isErrored: (stream) => stream._state === "errored",

    // A stream whose bytes were taken elsewhere.
    disturb(stream) {
      stream._disturbed = true;
    },

    isWritable: (value) => value instanceof WritableStream,

    // https://streams.spec.whatwg.org/#transformstream-set-up; what the functions return is given on, where it is something.
    transform(chunkFunction, flushFunction) {
      const give = (controller, chunk) => {
        if (chunk !== undefined) {
          apply(enqueueTransform, controller, [chunk]);
        }
      };
      const stream = new TransformStream({
        __proto__: null,
        transform: (chunk, controller) => give(controller, chunkFunction(chunk)),
        flush: (controller) => give(controller, flushFunction()),
      });
      return [apply(readableOf, stream, []), apply(writableOf, stream, [])];
    },

    cancel: (stream, reason) => apply(cancel, stream, [reason]),
    tee: (stream) => apply(tee, stream, []),
    // https://streams.spec.whatwg.org/#readablestream-tee; nobody sees what is done to a chunk of the other branch.
    teeCloning(stream) {
      const branches = apply(tee, stream, []);
      if (!isByteStream(stream)) {
        branches[1] = cloned(branches[1]);
      }
      return branches;
    },
    // https://streams.spec.whatwg.org/#readablestream-create-a-proxy
    proxy: (stream) => apply(pipeThrough, stream, [new exported.TransformStream()]),

    getReader: lock,
    releaseLock: (reader) => apply(releaseLock, reader, []),
    cancelReader(reader, reason) {
      const cancelled = apply(cancelReader, reader, [reason]);
      apply(then, cancelled, [undefined, ignore]);
      return cancelled;
    },

    read: (reader, request) =>
      read(reader, {
        __proto__: null,
        _chunkSteps: (chunk) => host.step(request, 0, chunk),
        _closeSteps: () => host.step(request, 1),
        _errorSteps: (reason) => host.step(request, 2, reason),
      }),

    // https://streams.spec.whatwg.org/#readablestream-enqueue, for the host's streams.
    enqueue: (controller, chunk) => apply(enqueue, controller, [chunk]),

    // https://streams.spec.whatwg.org/#readablestream-close
    close(controller) {
      apply(close, controller, []);
      const request = apply(byobRequest, controller, []);
      if (request !== null) {
        apply(respond, request, [0]);
      }
    },

    errorController: (controller, reason) => apply(error, controller, [reason]),

    // https://streams.spec.whatwg.org/#readablestream-error
    error(stream, reason) {
      if (stream._state === "readable") {
        const controller = stream._readableStreamController;
        apply(isByteStream(stream) ? error : errorDefault, controller, [reason]);
      }
    },
  };
})
