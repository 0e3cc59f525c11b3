//! Opening handshakes that are not as they should be, or only just: what is sent, and what has to be answered.

/// What is sent to a server in the place of a proper request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The octets, in which `{host}`, `{path}` and `{key}` stand for what fits the subject.
    pub text: String,
    /// What the server has to answer.
    pub answer: Answer,
}

/// What a server has to answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// One of these status codes.
    Status(Vec<u16>),
    /// The connection opens, and echoes.
    Opens,
}

/// What is sent to a client in the place of a proper response.
#[derive(Debug, Clone)]
pub struct Response {
    /// The octets, in which `{accept}` stands for what fits the request.
    pub text: String,
    /// Whether the client has to take it.
    pub opens: bool,
}
