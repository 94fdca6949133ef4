//! `FileReader` and `FileReaderSync`.

use std::cell::Cell;

use background_fetch::DomString;

use super::package::Package;
use super::{Blob, BlobData};
use crate::bindings::{DomStringOrArrayBuffer, FileReaderMethods, FileReaderSyncMethods};
use crate::engine::{Cx, Slots};
use crate::interfaces::{DOMException, EventTarget, ProgressEvent};
use crate::realm::{Realm, report_thrown};
use crate::webidl::{ArrayBuffer, Error, Fallible, FromJs, Inherits, Ref, Rooted, ToJs};

/// Reads blobs.
///
/// <https://w3c.github.io/FileAPI/#dfn-filereader>
#[derive(Default)]
pub struct FileReader {
    target: EventTarget,
    state: Cell<State>,
    /// How many reads began: the tasks of others than the last one do nothing.
    reads: Cell<u64>,
}

/// <https://w3c.github.io/FileAPI/#filereader-state>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Empty,
    Loading,
    Done,
}

const RESULT: &str = "result";
const ERROR: &str = "error";

impl Inherits<EventTarget> for FileReader {
    fn parent(&self) -> &EventTarget {
        &self.target
    }
}

/// A read that goes on, in tasks.
struct Read {
    reader: Rooted<FileReader>,
    number: u64,
    blob: BlobData,
    package: Package,
}

impl Read {
    /// The reader; none where this read was aborted.
    fn reader<'js>(&self, cx: &Cx<'js>) -> Option<Ref<'js, FileReader>> {
        let is_on = |reader: &Ref<'js, FileReader>| {
            reader.reads.get() == self.number && reader.state.get() == State::Loading
        };
        self.reader.get(cx).filter(is_on)
    }

    /// Queues its next task.
    fn then(self, realm: &std::rc::Rc<Realm>, task: impl for<'js> FnOnce(&Cx<'js>, Self) + 'static) {
        realm.spawn_then(async {}, move |cx, ()| task(cx, self));
    }

    fn fire(&self, cx: &Cx<'_>, type_: &str, loaded: usize) {
        if let Some(reader) = self.reader(cx) {
            report_thrown(
                cx,
                FileReader::fire(&reader, cx, type_, loaded, self.blob.bytes.len()),
            );
        }
    }

    /// 10.5. All bytes are here.
    fn end<'js>(self, cx: &Cx<'js>) -> Fallible<'js, ()> {
        let Some(reader) = self.reader(cx) else {
            return Ok(());
        };
        let length = self.blob.bytes.len();
        // 10.5.1.
        reader.state.set(State::Done);
        // 10.5.2 to 10.5.4.
        match self
            .package
            .data(cx, &self.blob)
            .and_then(|result| result.to_js(cx))
        {
            Ok(result) => {
                reader.slots().set_named(RESULT, result);
                FileReader::fire(&reader, cx, "load", length, length)?;
            }
            Err(error) => {
                let exception = match &error {
                    Error::Dom(..) => error.to_value(cx),
                    _ => Error::dom("NotReadableError", "there is no memory for the blob").to_value(cx),
                };
                reader.slots().set_named(ERROR, exception);
                FileReader::fire(&reader, cx, "error", 0, length)?;
            }
        }
        // 10.5.5. A listener may have begun the next read.
        if reader.state.get() != State::Loading {
            FileReader::fire(&reader, cx, "loadend", length, length)?;
        }
        Ok(())
    }
}

impl FileReader {
    fn fire<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        type_: &str,
        loaded: usize,
        total: usize,
    ) -> Fallible<'js, ()> {
        ProgressEvent::fire(cx, type_, &this.upcast(), loaded, total)
    }

    /// <https://w3c.github.io/FileAPI/#readOperation>
    fn read<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        blob: &Ref<'js, Blob>,
        package: Package,
    ) -> Fallible<'js, ()> {
        // 1.
        if this.state.get() == State::Loading {
            return Err(Error::dom("InvalidStateError", "the reader reads already"));
        }
        // 2 to 4.
        this.state.set(State::Loading);
        this.slots().set_named(RESULT, cx.null());
        this.slots().set_named(ERROR, cx.null());
        this.reads.set(this.reads.get() + 1);
        // 5 to 10. The bytes are here: one task for each event.
        let read = Read {
            reader: this.root(cx),
            number: this.reads.get(),
            blob: blob.data().clone(),
            package,
        };
        read.then(&Realm::of(cx), |cx, read| {
            read.fire(cx, "loadstart", 0);
            read.then(&Realm::of(cx), |cx, read| {
                let length = read.blob.bytes.len();
                if length > 0 {
                    read.fire(cx, "progress", length);
                }
                read.then(&Realm::of(cx), |cx, read| report_thrown(cx, read.end(cx)));
            });
        });
        Ok(())
    }
}

impl FileReaderMethods for FileReader {
    fn constructor<'js>(_: &Cx<'js>, _: &Slots<'js>) -> Fallible<'js, Self> {
        Ok(Self::default())
    }

    fn read_as_array_buffer<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        blob: Ref<'js, Blob>,
    ) -> Fallible<'js, ()> {
        Self::read(this, cx, &blob, Package::ArrayBuffer)
    }

    fn read_as_binary_string<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        blob: Ref<'js, Blob>,
    ) -> Fallible<'js, ()> {
        Self::read(this, cx, &blob, Package::BinaryString)
    }

    fn read_as_text<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        blob: Ref<'js, Blob>,
        encoding: Option<DomString>,
    ) -> Fallible<'js, ()> {
        Self::read(this, cx, &blob, Package::Text(encoding))
    }

    fn read_as_data_url<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, blob: Ref<'js, Blob>) -> Fallible<'js, ()> {
        Self::read(this, cx, &blob, Package::DataUrl)
    }

    /// <https://w3c.github.io/FileAPI/#dfn-abort>
    fn abort<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, ()> {
        // 1 and 2.
        this.slots().set_named(RESULT, cx.null());
        if this.state.get() != State::Loading {
            return Ok(());
        }
        this.state.set(State::Done);
        // 3 and 4. Its tasks see that they are of another read.
        this.reads.set(this.reads.get() + 1);
        // 5.
        Self::fire(this, cx, "abort", 0, 0)?;
        // 6.
        if this.state.get() != State::Loading {
            Self::fire(this, cx, "loadend", 0, 0)?;
        }
        Ok(())
    }

    fn ready_state<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, u16> {
        Ok(match this.state.get() {
            State::Empty => 0,
            State::Loading => 1,
            State::Done => 2,
        })
    }

    fn result<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
    ) -> Fallible<'js, Option<DomStringOrArrayBuffer<'js>>> {
        match this.slots().named(RESULT) {
            Some(result) => Option::from_js(cx, &result),
            None => Ok(None),
        }
    }

    fn error<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<Ref<'js, DOMException>>> {
        match this.slots().named(ERROR) {
            Some(error) => Option::from_js(cx, &error),
            None => Ok(None),
        }
    }
}

/// Reads blobs while a worker waits.
///
/// <https://w3c.github.io/FileAPI/#dfn-FileReaderSync>
pub struct FileReaderSync(());

impl FileReaderSyncMethods for FileReaderSync {
    fn constructor<'js>(_: &Cx<'js>, _: &Slots<'js>) -> Fallible<'js, Self> {
        Ok(Self(()))
    }

    fn read_as_array_buffer<'js>(
        _: &Ref<'js, Self>,
        cx: &Cx<'js>,
        blob: Ref<'js, Blob>,
    ) -> Fallible<'js, ArrayBuffer<'js>> {
        Ok(ArrayBuffer(cx.array_buffer(blob.data().bytes.clone())?))
    }

    fn read_as_binary_string<'js>(
        _: &Ref<'js, Self>,
        _: &Cx<'js>,
        blob: Ref<'js, Blob>,
    ) -> Fallible<'js, DomString> {
        Ok(Package::BinaryString.text(blob.data()))
    }

    fn read_as_text<'js>(
        _: &Ref<'js, Self>,
        _: &Cx<'js>,
        blob: Ref<'js, Blob>,
        encoding: Option<DomString>,
    ) -> Fallible<'js, DomString> {
        Ok(Package::Text(encoding).text(blob.data()))
    }

    fn read_as_data_url<'js>(
        _: &Ref<'js, Self>,
        _: &Cx<'js>,
        blob: Ref<'js, Blob>,
    ) -> Fallible<'js, DomString> {
        Ok(Package::DataUrl.text(blob.data()))
    }
}
