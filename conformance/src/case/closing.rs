//! The expected closing of a case.

/// The expected closing of a connection.
#[derive(Debug, Clone)]
pub struct Closing {
    /// The side that has to send the first Close frame.
    pub by: By,
    /// The codes that the subject's Close frame may have. A frame without a code, or no frame, is
    /// also right.
    pub codes: Vec<u16>,
    /// Codes that the RFC allows but does not prefer; 1005 for a Close frame without one.
    pub tolerated: Vec<u16>,
    /// True if the closing handshake has to be complete.
    pub clean: bool,
    /// The mistakes in closing that are mistakes in behaviour too.
    pub blame: Blame,
}

/// The side that closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The suite.
    Suite,
    /// The subject, by a Close frame or by ending the transport.
    Subject,
    /// Either.
    Either,
}

/// The mistakes in closing that are mistakes in behaviour too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Blame {
    /// None.
    #[default]
    None,
    /// The wrong side closed.
    WrongSide,
    /// The code was wrong.
    WrongCode,
}

impl Closing {
    /// The suite closes with 1000, and the subject answers likewise.
    #[must_use]
    pub fn by_suite() -> Self {
        Self::answered(&[1000])
    }

    /// The suite closes, and the subject answers with one of these codes.
    #[must_use]
    pub fn answered(codes: &[u16]) -> Self {
        Self {
            by: By::Suite,
            codes: codes.to_vec(),
            tolerated: Vec::new(),
            clean: true,
            blame: Blame::None,
        }
    }

    /// The suite sends a Close frame that is wrong; the subject answers with one of these codes or ends the transport.
    #[must_use]
    pub fn refused(codes: &[u16]) -> Self {
        Self {
            clean: false,
            ..Self::answered(codes)
        }
    }

    /// The subject closes with one of these codes, or ends the transport.
    #[must_use]
    pub fn by_subject(codes: &[u16]) -> Self {
        Self {
            by: By::Subject,
            ..Self::refused(codes)
        }
    }

    /// Either side closes or ends the transport, the subject with one of these codes if it sends any.
    #[must_use]
    pub fn by_either(codes: &[u16]) -> Self {
        Self {
            by: By::Either,
            ..Self::refused(codes)
        }
    }

    /// Adds codes that are not the best.
    #[must_use]
    pub fn tolerate(mut self, codes: &[u16]) -> Self {
        self.tolerated = codes.to_vec();
        self
    }

    /// Sets the mistakes that count for the behaviour.
    #[must_use]
    pub fn blame(mut self, blame: Blame) -> Self {
        self.blame = blame;
        self
    }
}
