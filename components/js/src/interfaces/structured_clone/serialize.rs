//! Values as plain data.

mod built_in;

use std::collections::HashMap;

use background_fetch::DomString;

use super::{Datum, Record, Serialized, transfer};
use crate::bindings::INTERFACES;
use crate::engine::{Class, Cx, Object, Type, Value};
use crate::interfaces::ReadableStream;
use crate::realm::Charge;
use crate::webidl::{Error, Fallible, FromJs, Serialization};

/// StructuredSerializeWithTransfer.
///
/// <https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializewithtransfer>
///
/// # Errors
///
/// A DataCloneError where the value cannot be cloned, or what is to be transferred cannot be; what a getter throws.
pub fn structured_serialize<'js>(
    cx: &Cx<'js>,
    value: &Value<'js>,
    transfer: &[Object<'js>],
) -> Fallible<'js, Serialized> {
    let mut serializer = Serializer {
        cx,
        memory: HashMap::new(),
        records: Vec::new(),
        frames: Vec::new(),
        charge: Charge::default(),
    };
    // 2. Each can be moved, and only once.
    for (index, object) in transfer.iter().enumerate() {
        if !transfer::is_transferable(cx, object) {
            return Err(data_clone_error(
                "an object to be transferred is not transferable",
            ));
        }
        let place = serializer.records.len();
        let known = serializer
            .memory
            .insert(object.identity(), (object.clone(), place));
        if known.is_some() {
            return Err(data_clone_error("an object is to be transferred twice"));
        }
        serializer.records.push(Record::Transferred(index));
    }
    // 3.
    let root = serializer.run(value)?;
    // 4 and 5.
    let transferred = transfer.iter().map(|object| transfer::take(cx, object));
    Ok(Serialized {
        root,
        transferred: transferred.collect::<Result<_, _>>()?,
        records: serializer.records,
        _charge: serializer.charge,
    })
}

fn data_clone_error<'js>(message: &str) -> Error<'js> {
    Error::dom("DataCloneError", message)
}

/// StructuredSerializeInternal, without recursion: a script may nest as deeply as it likes.
struct Serializer<'a, 'js> {
    cx: &'a Cx<'js>,
    /// The objects that were met, by identity, and their records. They are held, so that no other gets the identity.
    memory: HashMap<usize, (Object<'js>, usize)>,
    records: Vec<Record>,
    /// The objects whose parts are being serialised, the innermost last.
    frames: Vec<Frame<'js>>,
    charge: Charge,
}

struct Frame<'js> {
    record: usize,
    object: Object<'js>,
    parts: Parts<'js>,
    next: usize,
}

enum Parts<'js> {
    /// Keys of properties.
    Properties(Vec<Value<'js>>),
    /// The entries of a Map or a Set, as they were at first.
    Entries(Vec<Value<'js>>),
}

/// The next part of an object.
enum Part<'js> {
    Property(Value<'js>),
    Entry(Value<'js>),
}

impl<'js> Serializer<'_, 'js> {
    fn run(&mut self, value: &Value<'js>) -> Fallible<'js, Datum> {
        let root = self.datum(value)?;
        while let Some(frame) = self.frames.last_mut() {
            let parts = match &frame.parts {
                Parts::Properties(keys) => keys.get(frame.next).cloned().map(Part::Property),
                Parts::Entries(entries) => entries.get(frame.next).cloned().map(Part::Entry),
            };
            frame.next += 1;
            let (record, object) = (frame.record, frame.object.clone());
            match parts {
                None => drop(self.frames.pop()),
                Some(Part::Property(key)) => self.property(record, &object, &key)?,
                Some(Part::Entry(entry)) => {
                    let entry = self.datum(&entry)?;
                    if let Record::Map(entries) | Record::Set(entries) = &mut self.records[record] {
                        entries.push(entry);
                    }
                }
            }
        }
        Ok(root)
    }

    /// Step 26.4.
    fn property(&mut self, record: usize, object: &Object<'js>, key: &Value<'js>) -> Fallible<'js, ()> {
        let cx = self.cx;
        let arguments = [object.value(), key.clone()];
        let has = cx.intrinsic("hasOwn")?.call(cx, &cx.undefined(), &arguments)?;
        if !has.to_boolean(cx) {
            return Ok(());
        }
        let value = object.get_by_value(cx, key)?;
        let name = self.string(key)?;
        let value = self.datum(&value)?;
        if let Record::Object(properties) | Record::Array { properties, .. } = &mut self.records[record] {
            properties.push((name, value));
        }
        Ok(())
    }

    fn string(&mut self, value: &Value<'js>) -> Fallible<'js, DomString> {
        let string = DomString::from_js(self.cx, value)?;
        self.charge.grow(self.cx, string.len() * 2)?;
        Ok(string)
    }

    /// A value; what is an object gets its record, and a frame for its parts.
    ///
    /// <https://html.spec.whatwg.org/multipage/structured-data.html#structuredserializeinternal>
    fn datum(&mut self, value: &Value<'js>) -> Fallible<'js, Datum> {
        // 4 and 5.
        let object = match (value.kind(), value.as_object()) {
            (Type::Undefined, _) => return Ok(Datum::Undefined),
            (Type::Null, _) => return Ok(Datum::Null),
            (Type::Boolean, _) => return Ok(Datum::Boolean(value.to_boolean(self.cx))),
            (Type::Number, _) => return Ok(Datum::Number(value.to_number(self.cx)?)),
            (Type::BigInt, _) => return Ok(Datum::BigInt(self.string(value)?.to_string())),
            (Type::String, _) => return Ok(Datum::String(self.string(value)?)),
            (Type::Object, Some(object)) => object,
            (Type::Symbol | Type::Object, _) => return Err(data_clone_error("a symbol cannot be cloned")),
        };
        // 2. What is known is not serialised again.
        if let Some((_, known)) = self.memory.get(&object.identity()) {
            return Ok(Datum::Object(*known));
        }
        self.charge
            .grow(self.cx, size_of::<Record>() + size_of::<(DomString, Datum)>())?;
        let place = self.records.len();
        self.memory.insert(object.identity(), (object.clone(), place));
        // Its place is its own, also where its parts come first.
        self.records.push(Record::Platform(None));
        let record = self.record(place, &object)?;
        self.records[place] = record;
        Ok(Datum::Object(place))
    }

    /// Steps 6 to 26: by what the object is.
    fn record(&mut self, place: usize, object: &Object<'js>) -> Fallible<'js, Record> {
        let cx = self.cx;
        let call = |name: &str| cx.intrinsic(name)?.call(cx, &object.value(), &[]);
        if object.is_array_buffer() {
            return self.array_buffer(object);
        }
        if object.is_view() {
            return self.view(object);
        }
        if object.platform().is_some() || *object == cx.global() {
            let serialization = Serialization::of_object(cx, INTERFACES, object);
            let serialization = serialization
                .ok_or_else(|| data_clone_error("an object of the platform cannot be cloned"))?;
            return Ok(Record::Platform(Some((serialization.serialize)(cx, object)?)));
        }
        if object.value().is_callable() {
            return Err(data_clone_error("a function cannot be cloned"));
        }
        Ok(match cx.class_of(object) {
            Class::Boolean => Record::Wrapper(self.datum(&call("booleanValue")?)?),
            Class::Number => Record::Wrapper(self.datum(&call("numberValue")?)?),
            Class::BigInt => Record::Wrapper(self.datum(&call("bigIntValue")?)?),
            Class::String => Record::Wrapper(self.datum(&call("stringValue")?)?),
            Class::Date => Record::Date(call("dateValue")?.as_number().unwrap_or(f64::NAN)),
            Class::RegExp => {
                let flags = cx.intrinsic("regExpFlags")?;
                let flags = flags.call(cx, &cx.undefined(), &[object.value()])?;
                Record::RegExp {
                    source: self.string(&call("regExpSource")?)?,
                    flags: self.string(&flags)?,
                }
            }
            Class::Map => {
                self.entries(place, object, "mapEntries")?;
                Record::Map(Vec::new())
            }
            Class::Set => {
                self.entries(place, object, "setEntries")?;
                Record::Set(Vec::new())
            }
            Class::Error => self.error(object)?,
            Class::Array => {
                self.properties(place, object)?;
                let length = object.array_length().unwrap_or(0);
                Record::Array {
                    length: u32::try_from(length).unwrap_or(u32::MAX),
                    properties: Vec::new(),
                }
            }
            // The streams are objects of scripts to the engine.
            Class::Ordinary if self.is_stream(object)? => {
                return Err(data_clone_error("a stream cannot be cloned"));
            }
            Class::Ordinary => {
                self.properties(place, object)?;
                Record::Object(Vec::new())
            }
            Class::Other => {
                return Err(data_clone_error(
                    "an object with internals of its own cannot be cloned",
                ));
            }
        })
    }

    fn is_stream(&self, object: &Object<'js>) -> Fallible<'js, bool> {
        let cx = self.cx;
        // Most objects are plain ones, which are not asked further.
        let Some(prototype) = object.prototype() else {
            return Ok(false);
        };
        let plain = cx.intrinsic("Object")?.get(cx, "prototype")?;
        Ok(!plain.is(&prototype.value()) && ReadableStream::is_exactly(cx, &object.value()))
    }

    fn properties(&mut self, record: usize, object: &Object<'js>) -> Fallible<'js, ()> {
        let keys = object.own_enumerable_keys(self.cx)?;
        self.push(record, object, Parts::Properties(keys));
        Ok(())
    }

    fn entries(&mut self, record: usize, object: &Object<'js>, list: &str) -> Fallible<'js, ()> {
        let cx = self.cx;
        let list = cx.intrinsic(list)?.call(cx, &cx.undefined(), &[object.value()])?;
        let list = Object::from_js(cx, &list)?;
        let length = list.array_length().unwrap_or(0) as u32;
        let entries: Result<_, _> = (0..length).map(|index| list.get(cx, index)).collect();
        self.push(record, object, Parts::Entries(entries?));
        Ok(())
    }

    fn push(&mut self, record: usize, object: &Object<'js>, parts: Parts<'js>) {
        self.frames.push(Frame {
            record,
            object: object.clone(),
            parts,
            next: 0,
        });
    }
}
