//! `WorkerLocation`.

use url::Url;

use crate::bindings::WorkerLocationMethods;
use crate::engine::Cx;
use crate::webidl::{Fallible, Ref};

/// Where a worker's script is.
///
/// <https://html.spec.whatwg.org/multipage/workers.html#worker-locations>
pub struct WorkerLocation(pub(super) Url);

macro_rules! parts {
    ($($part:ident)*) => {$(
        fn $part<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
            Ok(url::quirks::$part(&this.0).to_owned())
        }
    )*};
}

impl WorkerLocationMethods for WorkerLocation {
    fn origin<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.0.origin().ascii_serialization())
    }

    parts!(href protocol host hostname port pathname search hash);
}
