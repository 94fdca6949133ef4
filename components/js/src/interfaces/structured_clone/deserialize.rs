//! Values from plain data.

use background_fetch::DomString;

use super::{Datum, Record, Serialized, Transferred};
use crate::engine::{Cx, Descriptor, Object, Value};
use crate::interfaces::MessagePort;
use crate::webidl::{Error, Fallible, FromJs, Ref, ToJs};

/// A value in another realm.
#[derive(Debug)]
pub struct Deserialized<'js> {
    /// The value.
    pub value: Value<'js>,
    /// What was transferred, in order.
    pub transferred: Vec<Value<'js>>,
}

impl<'js> Deserialized<'js> {
    /// The ports among what was transferred.
    pub fn ports(&self, cx: &Cx<'js>) -> Vec<Ref<'js, MessagePort>> {
        let ports = self.transferred.iter();
        ports.filter_map(|value| Ref::from_js(cx, value).ok()).collect()
    }
}

impl Serialized {
    /// StructuredDeserializeWithTransfer. No script runs meanwhile.
    ///
    /// <https://html.spec.whatwg.org/multipage/structured-data.html#structureddeserializewithtransfer>
    ///
    /// # Errors
    ///
    /// A DataCloneError where the realm does not have the interface of an object; a RangeError where there is no memory.
    pub fn deserialize<'js>(mut self, cx: &Cx<'js>) -> Fallible<'js, Deserialized<'js>> {
        // 3. What was transferred comes first.
        let transferred = std::mem::take(&mut self.transferred).into_iter();
        let transferred = transferred.map(|transferred| match transferred {
            Transferred::ArrayBuffer(buffer) => Ok(buffer.make(cx)?.value()),
            Transferred::Platform(data) => data.make(cx),
        });
        let transferred: Vec<_> = transferred.collect::<Result<_, _>>()?;
        // 4. Each object, and then what is in it: views first need their buffers.
        let mut objects = vec![cx.undefined(); self.records.len()];
        for is_view in [false, true] {
            for (place, record) in self.records.iter_mut().enumerate() {
                if matches!(record, Record::View { .. }) == is_view {
                    objects[place] = make(cx, record, &objects, &transferred)?;
                }
            }
        }
        for (place, record) in self.records.iter().enumerate() {
            fill(cx, record, &objects[place], &objects)?;
        }
        Ok(Deserialized {
            value: self.root.value(cx, &objects)?,
            transferred,
        })
    }
}

impl Datum {
    fn value<'js>(&self, cx: &Cx<'js>, objects: &[Value<'js>]) -> Fallible<'js, Value<'js>> {
        Ok(match self {
            Self::Undefined => cx.undefined(),
            Self::Null => cx.null(),
            Self::Boolean(boolean) => cx.boolean(*boolean),
            Self::Number(number) => cx.number(*number),
            Self::BigInt(digits) => {
                cx.intrinsic("BigInt")?
                    .call(cx, &cx.undefined(), &[cx.string(digits)])?
            }
            Self::String(string) => string.to_js(cx)?,
            Self::Object(place) => objects[*place].clone(),
        })
    }
}

/// The object of a record, without what is in it.
fn make<'js>(
    cx: &Cx<'js>,
    record: &mut Record,
    objects: &[Value<'js>],
    transferred: &[Value<'js>],
) -> Fallible<'js, Value<'js>> {
    let construct = |name: &str, arguments: &[Value<'js>]| -> Fallible<'js, Value<'js>> {
        Ok(cx.intrinsic(name)?.construct(cx, arguments)?.value())
    };
    match record {
        Record::Wrapper(datum) => {
            let value = datum.value(cx, objects)?;
            Ok(cx.intrinsic("Object")?.call(cx, &cx.undefined(), &[value])?)
        }
        Record::Date(time) => construct("Date", &[cx.number(*time)]),
        Record::RegExp { source, flags } => construct("RegExp", &[source.to_js(cx)?, flags.to_js(cx)?]),
        Record::ArrayBuffer(buffer) => Ok(buffer.make(cx)?.value()),
        Record::View {
            constructor,
            buffer,
            offset,
            length,
        } => {
            let mut arguments = vec![buffer.value(cx, objects)?, cx.number(*offset as f64)];
            arguments.extend(length.map(|length| cx.number(length as f64)));
            construct(constructor, &arguments)
        }
        Record::Map(_) => construct("Map", &[]),
        Record::Set(_) => construct("Set", &[]),
        Record::Error {
            constructor,
            message,
            stack,
        } => {
            let message = message.as_ref().map(|message| message.to_js(cx)).transpose()?;
            let error = cx
                .intrinsic(constructor)?
                .construct(cx, &Vec::from_iter(message))?;
            if let Some(stack) = stack {
                error.define(cx, "stack", &hidden(stack.to_js(cx)?))?;
            }
            Ok(error.value())
        }
        Record::Array { length, .. } => construct("Array", &[cx.number(f64::from(*length))]),
        Record::Object(_) => Ok(cx.object().value()),
        Record::Platform(data) => {
            let data = data
                .take()
                .ok_or_else(|| Error::dom("DataCloneError", "an object has no data"))?;
            data.make(cx)
        }
        Record::Transferred(index) => Ok(transferred[*index].clone()),
    }
}

fn hidden(value: Value<'_>) -> Descriptor<'_> {
    Descriptor::Data {
        value,
        writable: true,
        enumerable: false,
        configurable: true,
    }
}

/// Puts into an object what is in it.
fn fill<'js>(
    cx: &Cx<'js>,
    record: &Record,
    target: &Value<'js>,
    objects: &[Value<'js>],
) -> Fallible<'js, ()> {
    match record {
        Record::Map(entries) => {
            let set = cx.intrinsic("mapSet")?;
            for pair in entries.chunks_exact(2) {
                let pair = [pair[0].value(cx, objects)?, pair[1].value(cx, objects)?];
                set.call(cx, target, &pair)?;
            }
        }
        Record::Set(entries) => {
            let add = cx.intrinsic("setAdd")?;
            for entry in entries {
                add.call(cx, target, &[entry.value(cx, objects)?])?;
            }
        }
        Record::Array { properties, .. } | Record::Object(properties) => {
            let target = Object::from_js(cx, target)?;
            for (key, value) in properties {
                let key: &DomString = key;
                target.create_data_property(cx, &key.to_js(cx)?, &value.value(cx, objects)?)?;
            }
        }
        _ => {}
    }
    Ok(())
}
