// Run in every engine before the first script: what the host uses of the language, whatever scripts change of it later.
(() => {
  const getter = (prototype, name) => Object.getOwnPropertyDescriptor(prototype, name).get;
  const callable = Function.prototype.call.bind.bind(Function.prototype.call);
  const { defineProperty } = Object;
  const TypedArray = Object.getPrototypeOf(Uint8Array);
  const ofMap = callable(Map.prototype.forEach);
  const ofSet = callable(Set.prototype.forEach);
  const append = (list, value) => {
    defineProperty(list, list.length, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
  };
  const isResizable = callable(getter(ArrayBuffer.prototype, "resizable"));
  const maxByteLength = callable(getter(ArrayBuffer.prototype, "maxByteLength"));
  const byteLength = callable(getter(ArrayBuffer.prototype, "byteLength"));
  const resize = callable(ArrayBuffer.prototype.resize);
  const views = {
    array: {
      buffer: callable(getter(TypedArray.prototype, "buffer")),
      length: callable(getter(TypedArray.prototype, "byteLength")),
      // It throws where the array is out of bounds.
      validate: callable(TypedArray.prototype.keys),
    },
    data: {
      buffer: callable(getter(DataView.prototype, "buffer")),
      length: callable(getter(DataView.prototype, "byteLength")),
      validate: callable(getter(DataView.prototype, "byteLength")),
    },
  };
  const setBytes = callable(TypedArray.prototype.set);
  const bytes = Uint8Array;
  const isOutOfBounds = (view, kind) => {
    try {
      kind.validate(view);
      return false;
    } catch {
      return true;
    }
  };
  // The language does not tell; it is tried, and nobody sees it.
  const followsLength = (view, kind, size) => {
    const buffer = kind.buffer(view);
    if (!isResizable(buffer)) return false;
    const before = kind.length(view);
    const whole = byteLength(buffer);
    if (whole + size <= maxByteLength(buffer)) {
      resize(buffer, whole + size);
      const follows = kind.length(view) !== before;
      resize(buffer, whole);
      return follows;
    }
    if (whole < size) return false;
    const copy = new bytes(new bytes(buffer));
    resize(buffer, whole - size);
    const follows = !isOutOfBounds(view, kind) && kind.length(view) !== before;
    resize(buffer, whole);
    setBytes(new bytes(buffer), copy);
    return follows;
  };
  const flags = [
    ["d", "hasIndices"], ["g", "global"], ["i", "ignoreCase"], ["m", "multiline"],
    ["s", "dotAll"], ["u", "unicode"], ["v", "unicodeSets"], ["y", "sticky"],
  ].map(([flag, name]) => [flag, callable(getter(RegExp.prototype, name))]);

  // No memory is shared with another agent: scripts see that as in a page that is not isolated.
  delete globalThis.SharedArrayBuffer;

  const functions = {
    __proto__: null,
    WeakRef,
    deref: WeakRef.prototype.deref,
    WeakSet,
    addToWeakSet: WeakSet.prototype.add,
    deleteFromWeakSet: WeakSet.prototype.delete,
    isResizable: getter(ArrayBuffer.prototype, "resizable"),
    isDetached: getter(ArrayBuffer.prototype, "detached"),
    maxByteLength: getter(ArrayBuffer.prototype, "maxByteLength"),
    arrayName: getter(TypedArray.prototype, Symbol.toStringTag),
    arrayBuffer: getter(TypedArray.prototype, "buffer"),
    arrayOffset: getter(TypedArray.prototype, "byteOffset"),
    arrayLength: getter(TypedArray.prototype, "byteLength"),
    viewBuffer: getter(DataView.prototype, "buffer"),
    viewOffset: getter(DataView.prototype, "byteOffset"),
    viewLength: getter(DataView.prototype, "byteLength"),
    // Of a view with elements of this size.
    viewState(view, size, isArray) {
      const kind = isArray ? views.array : views.data;
      if (isOutOfBounds(view, kind)) return "out of bounds";
      return followsLength(view, kind, size) ? "follows" : "fixed";
    },
    booleanValue: Boolean.prototype.valueOf,
    numberValue: Number.prototype.valueOf,
    stringValue: String.prototype.valueOf,
    bigIntValue: BigInt.prototype.valueOf,
    dateValue: Date.prototype.valueOf,
    regExpSource: getter(RegExp.prototype, "source"),
    regExpFlags(regExp) {
      let text = "";
      for (let index = 0; index < flags.length; index++) {
        if (flags[index][1](regExp)) text += flags[index][0];
      }
      return text;
    },
    mapEntries(map) {
      const list = [];
      ofMap(map, (value, key) => { append(list, key); append(list, value); });
      return list;
    },
    setEntries(set) {
      const list = [];
      ofSet(set, (value) => append(list, value));
      return list;
    },
    mapSet: Map.prototype.set,
    setAdd: Set.prototype.add,
    errorStack: getter(Error.prototype, "stack"),
    captureStackTrace: Error.captureStackTrace,
    hasOwn: Object.hasOwn,
    ownDescriptor: Object.getOwnPropertyDescriptor,
    Object, BigInt, Array, ArrayBuffer, DataView, Date, RegExp, Map, Set,
    Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
    Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
    BigInt64Array, BigUint64Array, Float32Array, Float64Array,
    Float16Array: globalThis.Float16Array,
  };
  const samples = [
    {}, (function () { return arguments; })(), (function () { "use strict"; return arguments; })(),
    [], Object(true), Object(1), Object(""), Object(1n), new Date(0), /a/, new Map(), new Set(), new Error(),
  ];
  return { functions, samples };
})()
