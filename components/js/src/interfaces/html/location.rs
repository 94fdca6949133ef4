//! `Location`. A page stays where it is: only its fragment changes.

use std::cell::RefCell;

use url::Url;

use crate::bindings::LocationMethods;
use crate::engine::Cx;
use crate::webidl::{Error, Fallible, Ref};

/// Where a page is.
///
/// <https://html.spec.whatwg.org/multipage/nav-history-apis.html#the-location-interface>
pub struct Location(RefCell<Url>);

impl Location {
    /// That of a page at a URL.
    pub(super) fn new(url: Url) -> Self {
        Self(RefCell::new(url))
    }

    /// <https://html.spec.whatwg.org/multipage/nav-history-apis.html#location-object-navigate>
    fn navigate<'js>(&self, url: Result<Url, url::ParseError>) -> Fallible<'js, ()> {
        let url = url.map_err(|error| Error::dom("SyntaxError", format!("it is not a URL: {error}")))?;
        let without_fragment = |url: &Url| {
            let mut url = url.clone();
            url.set_fragment(None);
            url
        };
        let mut current = self.0.borrow_mut();
        if url.fragment().is_none() || without_fragment(&url) != without_fragment(&current) {
            return Err(Error::dom(
                "NotSupportedError",
                format!("the page stays where it is: it does not go to {url}"),
            ));
        }
        *current = url;
        Ok(())
    }

    fn parse(&self, url: &str) -> Result<Url, url::ParseError> {
        self.0.borrow().join(url)
    }

    fn with<'js>(&self, change: impl FnOnce(&mut Url)) -> Fallible<'js, ()> {
        let mut url = self.0.borrow().clone();
        let before = url.clone();
        change(&mut url);
        if url == before {
            return Ok(());
        }
        self.navigate(Ok(url))
    }
}

macro_rules! parts {
    ($($get:ident, $set:ident, $quirk_get:ident, $quirk_set:ident;)*) => {$(
        fn $get<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
            Ok(url::quirks::$quirk_get(&this.0.borrow()).to_owned())
        }

        fn $set<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
            this.with(|url| {
                // What is no part of a URL changes nothing.
                let _ = url::quirks::$quirk_set(url, &value);
            })
        }
    )*};
}

impl LocationMethods for Location {
    fn href<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.0.borrow().to_string())
    }

    fn set_href<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, value: String) -> Fallible<'js, ()> {
        let url = this.parse(&value);
        this.navigate(url)
    }

    fn origin<'js>(this: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, String> {
        Ok(this.0.borrow().origin().ascii_serialization())
    }

    parts! {
        protocol, set_protocol, protocol, set_protocol;
        host, set_host, host, set_host;
        hostname, set_hostname, hostname, set_hostname;
        port, set_port, port, set_port;
        pathname, set_pathname, pathname, set_pathname;
        search, set_search, search, set_search;
        hash, set_hash, hash, set_hash;
    }

    fn assign<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, url: String) -> Fallible<'js, ()> {
        let url = this.parse(&url);
        this.navigate(url)
    }

    fn replace<'js>(this: &Ref<'js, Self>, _: &Cx<'js>, url: String) -> Fallible<'js, ()> {
        let url = this.parse(&url);
        this.navigate(url)
    }

    fn reload<'js>(_: &Ref<'js, Self>, _: &Cx<'js>) -> Fallible<'js, ()> {
        Err(Error::dom("NotSupportedError", "the page is not loaded again"))
    }
}
