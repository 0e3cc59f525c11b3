//! Owned heads, for handlers that decide later or run as tasks of their own.

use alloc::boxed::Box;
use core::fmt;

use super::headers::HeaderSpan;
use super::parse::{RequestLine, StatusLine};
use super::request::Request;
use super::response::Response;

/// A request that does not borrow the input. Created by [`Request::to_head`].
#[derive(Clone)]
pub struct RequestHead {
    head: Box<[u8]>,
    spans: Box<[HeaderSpan]>,
    line: RequestLine,
}

impl RequestHead {
    /// Returns the request.
    #[must_use]
    pub const fn view(&self) -> Request<'_> {
        Request::new(&self.head, self.line, &self.spans)
    }
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

impl Request<'_> {
    /// Returns an owned copy.
    #[must_use]
    pub fn to_head(&self) -> RequestHead {
        RequestHead {
            head: self.fields.head.into(),
            spans: self.fields.spans.into(),
            line: self.line,
        }
    }
}

/// A response that does not borrow the input. Created by [`Response::to_head`].
#[derive(Clone)]
pub struct ResponseHead {
    head: Box<[u8]>,
    spans: Box<[HeaderSpan]>,
    line: StatusLine,
    body: Box<[u8]>,
}

impl ResponseHead {
    /// Returns the response, with the part of its body that was kept.
    #[must_use]
    pub const fn view(&self) -> Response<'_> {
        Response::new(&self.head, self.line, &self.spans, &self.body)
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

impl Response<'_> {
    /// Returns an owned copy.
    #[must_use]
    pub fn to_head(&self) -> ResponseHead {
        ResponseHead {
            head: self.fields.head.into(),
            spans: self.fields.spans.into(),
            line: self.line,
            body: self.body.into(),
        }
    }
}
