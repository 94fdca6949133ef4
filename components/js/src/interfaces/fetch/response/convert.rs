//! Responses of the host as objects of scripts, and back.

use std::cell::RefCell;

use background_fetch::fetch::{self, BodyStream, RequestBody, ResponseHead};
use http::{HeaderMap, StatusCode};

use super::{Response, is_null_body_status};
use crate::bindings::ResponseType;
use crate::engine::{Cx, Value};
use crate::interfaces::fetch::body::{self, Body};
use crate::interfaces::fetch::{Guard, SharedHeaders, mime};
use crate::interfaces::{ByteStream, EndReason};
use crate::webidl::{Error, Fallible, Ref};

impl Response {
    /// A response of the host: what scripts see of its headers, and a body that may still be on its way. One whose status has
    /// no body gets none. Of an opaque one scripts see nothing, and the host has all.
    ///
    /// <https://fetch.spec.whatwg.org/#concept-filtered-response>
    ///
    /// # Errors
    ///
    /// Where the engine has no memory.
    pub fn from_head<'js>(
        cx: &Cx<'js>,
        head: &ResponseHead,
        headers: &HeaderMap,
        body: Option<ByteStream>,
    ) -> Fallible<'js, Ref<'js, Self>> {
        let type_ = ResponseType::from_idl(head.response_type.as_str()).unwrap_or(ResponseType::Error);
        let is_filtered_out = head.is_hidden();
        let body = body
            .filter(|_| type_ != ResponseType::Opaqueredirect && !is_null_body_status(head.status.as_u16()));
        let response = Self {
            type_,
            url_list: match type_ {
                ResponseType::Opaque => Vec::new(),
                _ => head.url_list.clone(),
            },
            status: if is_filtered_out { 0 } else { head.status.as_u16() },
            status_text: match is_filtered_out {
                true => Vec::new(),
                false => isomorphic_encode(&head.status_message),
            },
            headers: SharedHeaders::new(RefCell::new(match is_filtered_out {
                true => Default::default(),
                false => headers.into(),
            })),
            guard: Guard::Immutable,
            body: body.map(Body::stream).unwrap_or_default(),
            internal: Some(Box::new(head.clone())),
        };
        response.create(cx)
    }

    /// What it is, for whoever keeps it: with all headers that the server sent, where it comes from one. Of one that a script
    /// made the URL list is empty.
    ///
    /// # Errors
    ///
    /// A TypeError where it is a network error, or has a header that HTTP does not send.
    pub fn head<'js>(&self) -> Fallible<'js, ResponseHead> {
        if let Some(internal) = &self.internal {
            return Ok(ResponseHead::clone(internal));
        }
        let status = StatusCode::from_u16(self.status)
            .map_err(|_| Error::type_error("the response is a network error"))?;
        Ok(ResponseHead {
            response_type: fetch::ResponseType::Default,
            url_list: self.url_list.clone(),
            status,
            status_message: mime::isomorphic(&self.status_text),
            headers: self.headers.borrow().to_map().map_err(Error::type_error)?,
            cors_exposed_header_names: Vec::new(),
            content_decoded: false,
        })
    }

    /// Whether it is a network error.
    pub fn is_network_error(&self) -> bool {
        self.type_ == ResponseType::Error
    }

    /// The headers that scripts see.
    ///
    /// # Errors
    ///
    /// A TypeError where one is not what HTTP sends.
    pub fn header_map<'js>(&self) -> Fallible<'js, HeaderMap> {
        self.headers.borrow().to_map().map_err(Error::type_error)
    }

    /// Whether its body was used, or somebody reads it.
    pub fn is_unusable<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> bool {
        body::is_unusable(this, cx)
    }

    /// Takes its body, for any thread; none where it has none.
    ///
    /// # Errors
    ///
    /// A TypeError where it was used, or its stream is locked.
    pub fn take_body<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>) -> Fallible<'js, Option<BodyStream>> {
        Self::take_body_with_end(this, cx, EndReason::default())
    }

    /// The same; `end` is told why it breaks off.
    ///
    /// # Errors
    ///
    /// A TypeError where it was used, or its stream is locked.
    pub fn take_body_with_end<'js>(
        this: &Ref<'js, Self>,
        cx: &Cx<'js>,
        end: EndReason,
    ) -> Fallible<'js, Option<BodyStream>> {
        Ok(body::send(this, cx, end)?.map(RequestBody::into_stream))
    }

    /// Gives no more of its body than was read: its stream is errored, where it has one that is not at its end.
    ///
    /// # Errors
    ///
    /// What a script throws that changed the stream's insides.
    pub fn error_body<'js>(this: &Ref<'js, Self>, cx: &Cx<'js>, reason: &Value<'js>) -> Fallible<'js, ()> {
        body::error(this, cx, reason)
    }
}

/// <https://infra.spec.whatwg.org/#isomorphic-encode>; what is no such character is a question mark.
fn isomorphic_encode(text: &str) -> Vec<u8> {
    text.chars()
        .map(|char| u8::try_from(char).unwrap_or(b'?'))
        .collect()
}
