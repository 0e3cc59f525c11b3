//! Everything that can be wrong with the peer, and the cases that show it.

use crate::case::Role;

/// A defect of the peer, with the cases by which the suite shows it.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// The defect.
    pub defect: Defect,
    /// Its name on a command line.
    pub name: &'static str,
    /// The only role that can have it; `None` if both can.
    pub role: Option<Role>,
    /// Cases that must fail with it, as patterns with spaces between them; `server:` or `client:` in front of one
    /// restricts it to that role. Empty if the defect is not against the RFC.
    pub shown_by: &'static str,
    /// Further cases that may fail with it.
    pub touches: &'static str,
}

impl Listed {
    /// Returns true if a peer of that role can have the defect.
    #[must_use]
    pub fn applies_to(&self, role: Role) -> bool {
        self.role.is_none_or(|only| only == role)
    }
}

/// Makes the enum and the list of one table, so that neither lacks a defect.
macro_rules! defects {
    ($($(#[$doc:meta])* $defect:ident, $name:literal, $role:ident, $shown_by:literal, $touches:literal;)*) => {
        /// Something that is wrong with a peer. Most of it was seen in published implementations.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Defect {
            $($(#[$doc])* $defect,)*
        }

        /// All defects.
        pub const DEFECTS: &[Listed] = &[
            $(Listed {
                defect: Defect::$defect,
                name: $name,
                role: $role,
                shown_by: $shown_by,
                touches: $touches,
            },)*
        ];
    };
}

const BOTH: Option<Role> = None;
const SERVER: Option<Role> = Some(Role::Server);
const CLIENT: Option<Role> = Some(Role::Client);

impl Defect {
    /// The name on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        // The list is in the order of the variants.
        DEFECTS[self as usize].name
    }

    /// Finds a defect by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let listed = DEFECTS.iter().find(|listed| listed.name == name)?;
        Some(listed.defect)
    }

    /// Returns true if it is in the request of a client. A suite may refuse that before it knows which case it is for.
    #[must_use]
    pub const fn is_in_request(self) -> bool {
        matches!(
            self,
            Self::OldHttp
                | Self::NoUpgrade
                | Self::NoConnection
                | Self::Post
                | Self::NoHost
                | Self::NoKey
                | Self::ShortKey
                | Self::NoVersion
                | Self::OtherVersion
        )
    }

    /// Returns true if it changes pongs as they are sent. They are then not bounded.
    pub(super) const fn changes_pongs(self) -> bool {
        matches!(
            self,
            Self::PongTwice
                | Self::OtherPong
                | Self::LongPong
                | Self::PongInFragments
                | Self::ReservedControlOpcode
                | Self::PingForPong
        )
    }
}

defects! {
    /// A second frame in the same read waits for more bytes.
    OneFrameARead, "one-frame-a-read", BOTH,
        "2.10 chopping/in-two-two-fragmented chopping/many-messages-in-* chopping/many-fragments-in-* \
         backpressure/message-small-pipelined",
        "*";
    /// Reading stops while the output is full, and is never taken up again.
    NeverResumes, "never-resumes", BOTH,
        "backpressure/message-flood",
        "limits/message-longest-twice closing/before-unread-messages";
    /// The end of the stream is processed before the bytes that came before it.
    EndOvertakes, "end-overtakes", BOTH,
        "closing/finish-after-* closing/end-after-message closing/end-after-long-message",
        "server-handshake/answer-no-key-then-end early-data/request-ends-with-message-close-and-end \
         early-data/response-ends-with-message-close-and-end";
    /// Bytes that arrive together with the head are dropped.
    EarlyDataLost, "early-data-lost", BOTH,
        "early-data/request-with-* early-data/response-with-*",
        "client-handshake/form-* early-data";
    /// A pong between two fragments ends the message.
    PongEndsMessage, "pong-ends-message", BOTH,
        "chopping/in-two-pong-between chopping/in-pieces-pong-between",
        "deflate/mixture-controls-between-fragments deadlines/ping-inside-a-message";
    /// A new message silently replaces one that is not finished.
    NewReplacesOld, "new-replaces-old", BOTH,
        "5.18 limits/first-byte-text-in-message limits/first-byte-binary-in-message",
        "";
    /// The payloads of pings enter the history of the compressor, as if they were sent compressed in pongs.
    ControlInHistory, "control-in-history", BOTH,
        "deflate/mixture-pings-not-in-history deflate/mixture-controls-between-fragments",
        "";
    /// All plain messages behind a compressed one are inflated.
    CompressedSticks, "compressed-sticks", BOTH,
        "deflate/mixture-plain-in-turn deflate/mixture-plain-not-in-history deflate/mixture-empty-between \
         deflate/mixture-plain-fragments-after deflate/mixture-fragments-in-turn \
         deflate/mixture-plain-like-a-stream",
        "deflate/mixture-* deflate/offer-*";
    /// Each message is inflated without history, in spite of context takeover.
    TakeoverForgotten, "takeover-forgotten", BOTH,
        "deflate/message-lengths-0-to-129 deflate/mixture-repeated deflate/mixture-plain-in-turn \
         deflate/mixture-plain-not-in-history deflate/mixture-empty-between deflate/mixture-fragments-in-turn \
         deflate/mixture-plain-like-a-stream deflate/mixture-pings-not-in-history \
         deflate/mixture-beyond-the-window deflate/server-window-* deflate/client-window-* \
         server:deflate/no-takeover-* deflate/offer-*",
        "client:deflate";
    /// The server keeps to the window that it was asked for, but does not confirm it.
    WindowNotEchoed, "window-not-echoed", SERVER,
        "deflate/server-window-8 deflate/server-window-9 deflate/server-window-10",
        "server-handshake/offer-* deflate";
    /// An offer with `client_max_window_bits` without a value is declined.
    BitsWithoutValueDeclined, "bits-without-value-declined", SERVER,
        "deflate/message-text deflate/message-binary",
        "deflate";
    /// An unknown extension fails the handshake instead of being declined.
    UnknownExtensionRefused, "unknown-extension-refused", SERVER,
        "server-handshake/offer-unknown-extension server-handshake/offer-unknown-extension-parameters \
         server-handshake/offer-unknown-extensions-two-lines server-handshake/offer-unknown-then-deflate",
        "deflate/offer-* deflate/decline-*";
    /// A request that is refused gets no answer.
    RefusalUnanswered, "refusal-unanswered", SERVER,
        "server-handshake/first-line-* server-handshake/header-*",
        "server-handshake";
    /// A Close frame is sent before messages that were queued earlier.
    CloseOvertakes, "close-overtakes", BOTH,
        "closing/before-message closing/before-hundred-messages closing/before-long-message \
         closing/before-unread-messages closing/finish-after-message closing/finish-after-two-messages",
        "3.2 4.* 5.15 chopping/close-after-* closing/before-ping closing/finish-after-long-message \
         early-data/request-ends-with-* early-data/response-ends-with-*";
    /// Messages behind the Close frame of the peer are echoed.
    DataAfterClose, "data-after-close", BOTH,
        "closing/after-message",
        "*";
    /// A transport that is closed with unread input is reset, which destroys the bytes sent last.
    UnreadResets, "unread-resets", BOTH,
        "closing/after-message closing/after-second-close closing/after-reserved-opcode closing/after-bad-text \
         closing/after-garbage closing/after-rest-of-message",
        "7.1.* server-handshake/answer-* closing/after-* deadlines/close-*";
    /// Messages of one read are answered out of order.
    Disorder, "disorder", BOTH,
        "chopping/many-messages-in-one-write backpressure/message-small-pipelined",
        "client-handshake/request-masks chopping/many-messages-in-* deflate/mixture-* deflate/cut-pings-between \
         closing/before-hundred-messages early-data";
    /// The top bit of a length is ignored.
    TopBit, "top-bit", BOTH,
        "limits/length-2-64-minus-1-text limits/length-2-64-minus-1-binary \
         limits/length-2-64-minus-1-continuation limits/later-byte-top-bit",
        "limits/length-2-63-text limits/length-2-63-binary limits/length-2-63-continuation";
    /// Frames and messages may have any length.
    LengthUnlimited, "length-unlimited", BOTH,
        "limits/length-2-62-text limits/length-2-62-binary limits/length-2-62-continuation limits/later-byte-2-62 \
         limits/message-one-byte-too-long limits/frame-one-byte-too-long",
        "limits/length-* limits/message-too-long-by-header limits/frame-of-text-too-long";
    /// The limit of messages applies to single frames only.
    SumUncounted, "sum-uncounted", BOTH,
        "limits/message-one-byte-too-long limits/message-too-long-by-header",
        "";
    /// A message may have any number of fragments.
    FragmentsUncounted, "fragments-uncounted", BOTH,
        "limits/fragments-one-too-many-of-0-bytes limits/fragments-one-too-many-of-1-bytes",
        "";
    /// The limit of messages applies to compressed bytes only.
    InflatedUnlimited, "inflated-unlimited", BOTH,
        "deflate/bomb-one-byte-too-long deflate/bomb-64-times-too-long deflate/bomb-fragments-too-long",
        "deflate/bomb-*";
    /// Every ping is answered, even if the peer does not read the pongs.
    PongsUnbounded, "pongs-unbounded", BOTH,
        "backpressure/ping-flood",
        "";
    /// Of too many pongs the oldest are kept.
    OldestPongsWin, "oldest-pongs-win", BOTH,
        "backpressure/ping-flood",
        "backpressure/ping-burst";
    /// Reading goes on while the output is full.
    OutputUnbounded, "output-unbounded", BOTH,
        "backpressure/message-flood",
        "";
    /// A head may have any length.
    HeadUnlimited, "head-unlimited", BOTH,
        "server-handshake/limit-one-byte-too-long client-handshake/limit-one-byte-too-long",
        "server-handshake/limit-* client-handshake/limit-*";
    /// The opening handshake may take any time.
    NoOpeningDeadline, "no-opening-deadline", BOTH,
        "server-handshake/limit-timeout-half-head client-handshake/limit-timeout-silent",
        "server-handshake/limit-* client-handshake/limit-*";
    /// The closing handshake and the end of the transport may take any time.
    NoCloseDeadline, "no-close-deadline", BOTH,
        "deadlines/close-after-idle deadlines/close-despite-messages deadlines/close-of-a-client",
        "deadlines/close-after-failure";
    /// A peer may read nothing for any time.
    NoWriteDeadline, "no-write-deadline", BOTH,
        "deadlines/write-stalled",
        "";
    /// A silent peer gets no pings.
    NoPings, "no-pings", BOTH,
        "deadlines/ping-* deadlines/pong-missing",
        "";
    /// A pong may take any time.
    NoPongDeadline, "no-pong-deadline", BOTH,
        "deadlines/pong-missing",
        "";
    /// A connection may have no messages for any time.
    NoIdleDeadline, "no-idle-deadline", BOTH,
        "deadlines/idle-silent deadlines/idle-pings-do-not",
        "deadlines/close-after-idle deadlines/close-despite-messages";
    /// Frames may be masked or not.
    MaskIgnored, "mask-ignored", BOTH,
        "limits/second-byte-text-without-mask limits/second-byte-text-with-mask \
         limits/second-byte-ping-without-mask limits/second-byte-ping-with-mask \
         limits/second-byte-close-without-mask limits/second-byte-close-with-mask",
        "";
    /// Control frames may have more than 125 bytes.
    LongControl, "long-control", BOTH,
        "2.5 7.3.6 limits/second-byte-close-of-126 limits/second-byte-ping-of-126 limits/second-byte-pong-of-126",
        "limits/second-byte-* closing/payload-reason-of-124-bytes closing/crossing-long-ping";
    /// Control frames may be fragments.
    FragmentedControl, "fragmented-control", BOTH,
        "5.1 limits/first-byte-close-without-fin limits/first-byte-ping-without-fin \
         limits/first-byte-pong-without-fin",
        "";
    /// Reserved bits are ignored.
    ReservedBits, "reserved-bits", BOTH,
        "3.1 3.2 3.3 3.4 3.5 3.6 limits/first-byte-text-rsv-001 limits/first-byte-continuation-rsv1",
        "limits/first-byte-* early-data/request-ends-with-reserved-bit early-data/response-ends-with-reserved-bit";
    /// RSV2 and RSV3 are ignored once there is compression.
    ReservedBitsUnderCompression, "reserved-bits-under-compression", BOTH,
        "deflate/reserved-rsv2-plain deflate/reserved-rsv3-plain deflate/reserved-rsv2-compressed \
         deflate/reserved-rsv3-compressed deflate/reserved-all-compressed deflate/reserved-rsv2-continuation \
         deflate/reserved-rsv3-ping",
        "deflate/reserved-*";
    /// RSV1 is ignored on a continuation.
    CompressedContinuation, "compressed-continuation", BOTH,
        "deflate/reserved-rsv1-continuation-of-compressed deflate/reserved-rsv1-continuation-of-plain \
         deflate/reserved-rsv1-continuation-only",
        "deflate/reserved-*";
    /// Reserved opcodes are ignored.
    ReservedOpcodes, "reserved-opcodes", BOTH,
        "4.* limits/first-byte-opcode-3 limits/first-byte-opcode-f",
        "limits/first-byte-* closing/crossing-reserved-opcode deadlines/close-after-failure";
    /// A continuation without a beginning is a message.
    StrayContinuation, "stray-continuation", BOTH,
        "5.9 5.10 5.11 limits/first-byte-stray-continuation limits/first-byte-stray-continuation-without-fin",
        "5.17";
    /// Lengths may take more bytes than they need.
    LongLengths, "long-lengths", BOTH,
        "limits/long-form-text-* limits/long-form-binary-* limits/long-form-last-frame-* \
         limits/later-byte-100-in-two limits/later-byte-100-in-eight",
        "";
    /// A Close frame may have one byte.
    HalfCode, "half-code", BOTH,
        "closing/payload-half-code",
        "";
    /// A Close frame may have any code.
    AnyCode, "any-code", BOTH,
        "7.9.* closing/bad-code-*",
        "";
    /// The reason of a Close frame may be any bytes.
    AnyReason, "any-reason", BOTH,
        "7.5.1 closing/payload-cut-reason closing/payload-reason-begins-inside closing/payload-latin-1 \
         closing/payload-surrogate closing/payload-overlong-nul closing/payload-beyond-last",
        "";
    /// A Close frame is not answered.
    CloseUnanswered, "close-unanswered", BOTH,
        "1.1.1 7.1.1 closing/code-* closing/finish-after-close",
        "*";
    /// A Close frame is always answered with 1011.
    CodeNotEchoed, "code-not-echoed", BOTH,
        "1.1.1 7.7.1 closing/code-1000",
        "*";
    /// The transport is left open until the other side ends it.
    KeepsTransport, "keeps-transport", BOTH,
        "server:7.1.1 server:closing/code-* client:deadlines/close-of-a-client \
         client:deadlines/close-after-failure",
        "*";
    /// Pings are not answered.
    PingsUnanswered, "pings-unanswered", BOTH,
        "2.1 2.2 2.10 chopping/in-two-ping",
        "*";
    /// Pongs do not carry the payload of the ping.
    PongsEmpty, "pongs-empty", BOTH,
        "2.2 2.10 chopping/in-two-ping",
        "*";
    /// Text may be any bytes.
    TextUnchecked, "text-unchecked", BOTH,
        "6.3.* 6.4.* 6.8.* 6.12.*",
        "6.* 7.5.1 deflate closing/crossing-bad-text";
    /// UTF-8 is checked when the message is complete.
    TextJudgedLate, "text-judged-late", BOTH,
        "6.4.*",
        "";
    /// A frame is checked when it is complete.
    JudgedLate, "judged-late", BOTH,
        "limits/first-byte-* limits/later-byte-*",
        "6.4.* limits";
    /// Requests may have the method POST.
    PostAccepted, "post-accepted", SERVER,
        "server-handshake/first-line-post",
        "server-handshake/answer-post-with-long-body";
    /// Requests may be of HTTP/1.0.
    OldHttpAccepted, "old-http-accepted", SERVER,
        "server-handshake/first-line-http-1-0",
        "";
    /// Requests may have any key.
    KeyUnchecked, "key-unchecked", SERVER,
        "server-handshake/header-no-key server-handshake/header-empty-key \
         server-handshake/header-key-of-one-character",
        "server-handshake/header-* server-handshake/answer-*";
    /// Requests may have any version.
    VersionUnchecked, "version-unchecked", SERVER,
        "server-handshake/header-version-0 server-handshake/header-no-version",
        "server-handshake/header-*";
    /// The word `upgrade` may stand anywhere in Connection.
    ConnectionContains, "connection-contains", BOTH,
        "server-handshake/header-connection-no-upgrade-please server-handshake/header-connection-without-comma \
         client-handshake/header-no-connection client-handshake/header-connection-no-upgrade-please",
        "client-handshake/header-empty-connection client-handshake/header-connection-keep-alive";
    /// Connection must consist of one element.
    ConnectionExact, "connection-exact", SERVER,
        "server-handshake/form-connection-list server-handshake/form-connection-list-without-spaces \
         server-handshake/form-connection-empty-elements",
        "";
    /// Only the last line of Connection counts.
    ConnectionLastLine, "connection-last-line", SERVER,
        "server-handshake/form-connection-first-line",
        "";
    /// Upgrade is compared case-sensitively.
    UpgradeHasCase, "upgrade-has-case", SERVER,
        "server-handshake/form-upgrade-mixed-case server-handshake/form-uppercase-values",
        "*";
    /// A client ignores Sec-WebSocket-Accept.
    AcceptUnchecked, "accept-unchecked", CLIENT,
        "client-handshake/header-no-accept client-handshake/header-empty-accept \
         client-handshake/header-accept-of-one-character client-handshake/header-accept-of-another-key \
         client-handshake/header-accept-4-kib",
        "client-handshake/header-*";
    /// A client accepts a subprotocol that it did not ask for.
    SubprotocolUnchecked, "subprotocol-unchecked", CLIENT,
        "client-handshake/header-subprotocol-unasked client-handshake/header-subprotocol-empty \
         client-handshake/header-subprotocol-list client-handshake/header-subprotocol-twice",
        "";
    /// A client accepts an extension that it did not offer.
    ExtensionUnchecked, "extension-unchecked", CLIENT,
        "client-handshake/header-extension-unasked client-handshake/header-extension-unasked-parameters \
         client-handshake/header-deflate-unknown-parameter",
        "client-handshake/header-* deflate";
    /// The payloads of pings enter the history of the inflater.
    PingsInHistory, "pings-in-history", BOTH,
        "deflate/mixture-pings-not-in-history",
        "";
    /// Plain messages enter the history of the inflater.
    PlainInHistory, "plain-in-history", BOTH,
        "deflate/mixture-plain-in-turn deflate/mixture-plain-not-in-history deflate/mixture-fragments-in-turn \
         deflate/mixture-plain-like-a-stream",
        "";
    /// A message in fragments is inflated if the message before was.
    CompressedSticksInFragments, "compressed-sticks-in-fragments", BOTH,
        "deflate/mixture-plain-fragments-after deflate/mixture-fragments-in-turn \
         deflate/mixture-plain-like-a-stream",
        "";
    /// A final block ends the message and the history.
    FinalBlockEnds, "final-block-ends", BOTH,
        "deflate/form-block-after-final deflate/form-reference-past-final deflate/form-three-finals \
         deflate/cut-block-after-final deflate/cut-reference-past-final deflate/cut-three-finals",
        "";
    /// Only plain text is checked for UTF-8.
    InflatedTextUnchecked, "inflated-text-unchecked", BOTH,
        "deflate/text-lone-continuation deflate/text-lone-continuation-bytewise deflate/text-ff-byte \
         deflate/text-ff-byte-bytewise deflate/text-overlong deflate/text-overlong-bytewise \
         deflate/text-surrogate deflate/text-surrogate-bytewise deflate/text-beyond-last \
         deflate/text-beyond-last-bytewise deflate/text-cut-code-point deflate/text-cut-code-point-bytewise \
         deflate/text-half-code-point deflate/text-half-code-point-bytewise",
        "";
    /// RSV1 is ignored on control frames.
    CompressedControl, "compressed-control", BOTH,
        "deflate/reserved-rsv1-ping deflate/reserved-rsv1-ping-between-fragments deflate/reserved-rsv1-pong \
         deflate/reserved-rsv1-close",
        "";
    /// A message that does not inflate is ignored.
    CorruptIgnored, "corrupt-ignored", BOTH,
        "deflate/form-empty-frame deflate/form-unfilled-final deflate/corrupt-*",
        "";
    /// A message that does not inflate is an internal error.
    CorruptIsInternal, "corrupt-is-internal", BOTH,
        "deflate/form-empty-frame deflate/form-unfilled-final deflate/corrupt-*",
        "";
    /// The compressor uses the largest window, whatever was agreed on.
    WindowIgnored, "window-ignored", BOTH,
        "server:deflate/server-window-8 server:deflate/server-window-9 server:deflate/server-window-10 \
         server:deflate/server-window-11 server:deflate/server-window-12 server:deflate/server-window-13 \
         server:deflate/server-window-14 client:deflate/client-window-8 client:deflate/client-window-9 \
         client:deflate/client-window-10 client:deflate/client-window-11 client:deflate/client-window-12 \
         client:deflate/client-window-13 client:deflate/client-window-14 deflate/no-takeover-both-window-9",
        "";
    /// The compressor refers to earlier messages, whatever was agreed on.
    ContextKept, "context-kept", BOTH,
        "server:deflate/no-takeover-server client:deflate/no-takeover-client deflate/no-takeover-both \
         deflate/no-takeover-both-window-9 deflate/offer-without-spaces deflate/offer-all-parameters",
        "";
    /// The last four bytes of a flushed block are sent.
    TailSent, "tail-sent", BOTH,
        "deflate/message-* deflate/mixture-* deflate/form-fixed deflate/form-stored \
         deflate/form-empty-stored-between deflate/form-unaligned deflate/form-final deflate/form-final-stored \
         deflate/form-block-after-final deflate/form-reference-past-final deflate/form-three-finals \
         deflate/form-explicit-empty-block deflate/form-ten-empty-stored deflate/form-empty-fixed \
         deflate/form-empty-stored deflate/form-two-empty-stored deflate/form-empty-final \
         deflate/form-repeated-byte deflate/form-longest-reference deflate/form-library-level-0 \
         deflate/form-library-level-1 deflate/form-dynamic deflate/cut-* deflate/corrupt-after-a-good-one \
         deflate/text-binary-is-not-checked deflate/text-blocks-cut-code-points \
         deflate/text-frames-cut-code-points deflate/text-stream-is-not-utf8 deflate/bomb-longest \
         deflate/bomb-longest-twice deflate/server-window-* deflate/client-window-* deflate/no-takeover-* \
         deflate/offer-*",
        "";
    /// An empty message is compressed to no bytes.
    EmptyUncompressed, "empty-uncompressed", BOTH,
        "deflate/message-empty-text deflate/message-empty-binary deflate/message-lengths-0-to-129 \
         deflate/mixture-empty-between deflate/form-empty-fixed deflate/form-empty-stored \
         deflate/form-two-empty-stored deflate/form-empty-final deflate/cut-empty-fixed deflate/cut-empty-stored \
         deflate/cut-two-empty-stored deflate/cut-empty-final deflate/no-takeover-server \
         deflate/no-takeover-client deflate/no-takeover-both deflate/no-takeover-both-window-9",
        "";
    /// An invalid offer is accepted.
    BadOfferAccepted, "bad-offer-accepted", SERVER,
        "deflate/decline-unknown-parameter deflate/decline-unknown-parameter-with-value \
         deflate/decline-server-takeover-twice deflate/decline-client-takeover-twice \
         deflate/decline-server-window-twice deflate/decline-client-window-twice \
         deflate/decline-client-window-with-and-without-value deflate/decline-server-takeover-1 \
         deflate/decline-server-takeover-true deflate/decline-client-takeover-0 \
         deflate/decline-server-window-without-value deflate/decline-server-window-7 \
         deflate/decline-server-window-16 deflate/decline-server-window-0 \
         deflate/decline-server-window-leading-zero deflate/decline-server-window-huge \
         deflate/decline-server-window-letter deflate/decline-server-window-plus deflate/decline-client-window-7 \
         deflate/decline-client-window-16 deflate/decline-client-window-leading-zero \
         deflate/decline-client-window-negative",
        "";
    /// A request with an invalid offer is refused.
    BadOfferRefused, "bad-offer-refused", SERVER,
        "deflate/offer-after-unknown-parameter deflate/offer-after-unknown-parameter-with-value \
         deflate/offer-after-server-takeover-twice deflate/offer-after-client-takeover-twice \
         deflate/offer-after-server-window-twice deflate/offer-after-client-window-twice \
         deflate/offer-after-client-window-with-and-without-value deflate/offer-after-server-takeover-1 \
         deflate/offer-after-server-takeover-true deflate/offer-after-client-takeover-0 \
         deflate/offer-after-server-window-without-value deflate/offer-after-server-window-7 \
         deflate/offer-after-server-window-16 deflate/offer-after-server-window-0 \
         deflate/offer-after-server-window-leading-zero deflate/offer-after-server-window-huge \
         deflate/offer-after-server-window-letter deflate/offer-after-server-window-plus \
         deflate/offer-after-client-window-7 deflate/offer-after-client-window-16 \
         deflate/offer-after-client-window-leading-zero deflate/offer-after-client-window-negative \
         deflate/offer-after-bad-line deflate/offer-after-ten-bad-ones deflate/decline-unknown-parameter \
         deflate/decline-unknown-parameter-with-value deflate/decline-server-takeover-twice \
         deflate/decline-client-takeover-twice deflate/decline-server-window-twice \
         deflate/decline-client-window-twice deflate/decline-client-window-with-and-without-value \
         deflate/decline-server-takeover-1 deflate/decline-server-takeover-true deflate/decline-client-takeover-0 \
         deflate/decline-server-window-without-value deflate/decline-server-window-7 \
         deflate/decline-server-window-16 deflate/decline-server-window-0 \
         deflate/decline-server-window-leading-zero deflate/decline-server-window-huge \
         deflate/decline-server-window-letter deflate/decline-server-window-plus deflate/decline-client-window-7 \
         deflate/decline-client-window-16 deflate/decline-client-window-leading-zero \
         deflate/decline-client-window-negative",
        "";
    /// An invalid offer makes the server decline all offers.
    BadOfferDeclinesAll, "bad-offer-declines-all", SERVER,
        "deflate/offer-after-unknown-parameter deflate/offer-after-unknown-parameter-with-value \
         deflate/offer-after-server-takeover-twice deflate/offer-after-client-takeover-twice \
         deflate/offer-after-server-window-twice deflate/offer-after-client-window-twice \
         deflate/offer-after-client-window-with-and-without-value deflate/offer-after-server-takeover-1 \
         deflate/offer-after-server-takeover-true deflate/offer-after-client-takeover-0 \
         deflate/offer-after-server-window-without-value deflate/offer-after-server-window-7 \
         deflate/offer-after-server-window-16 deflate/offer-after-server-window-0 \
         deflate/offer-after-server-window-leading-zero deflate/offer-after-server-window-huge \
         deflate/offer-after-server-window-letter deflate/offer-after-server-window-plus \
         deflate/offer-after-client-window-7 deflate/offer-after-client-window-16 \
         deflate/offer-after-client-window-leading-zero deflate/offer-after-client-window-negative \
         deflate/offer-after-bad-line deflate/offer-after-ten-bad-ones",
        "";
    /// The response has a window that the client did not offer.
    UnofferedWindow, "unoffered-window", SERVER,
        "deflate/server-window-* deflate/client-window-8 deflate/client-window-9 deflate/client-window-10 \
         deflate/client-window-11 deflate/client-window-12 deflate/client-window-13 deflate/client-window-14 \
         deflate/no-takeover-* deflate/offer-plain deflate/offer-client-window-10 deflate/offer-odd-spaces \
         deflate/offer-spaces-around-equals deflate/offer-quoted deflate/offer-two-on-one-line \
         deflate/offer-two-on-two-lines deflate/offer-after-unknown deflate/offer-after-unknown-line \
         deflate/offer-before-unknown-line deflate/offer-after-unknown-parameter \
         deflate/offer-after-unknown-parameter-with-value deflate/offer-after-server-takeover-twice \
         deflate/offer-after-client-takeover-twice deflate/offer-after-server-window-twice \
         deflate/offer-after-client-window-twice deflate/offer-after-client-window-with-and-without-value \
         deflate/offer-after-server-takeover-1 deflate/offer-after-server-takeover-true \
         deflate/offer-after-client-takeover-0 deflate/offer-after-server-window-without-value \
         deflate/offer-after-server-window-7 deflate/offer-after-server-window-16 \
         deflate/offer-after-server-window-0 deflate/offer-after-server-window-leading-zero \
         deflate/offer-after-server-window-huge deflate/offer-after-server-window-letter \
         deflate/offer-after-server-window-plus deflate/offer-after-client-window-7 \
         deflate/offer-after-client-window-16 deflate/offer-after-client-window-leading-zero \
         deflate/offer-after-client-window-negative deflate/offer-after-ten-bad-ones",
        "";
    /// Messages are not echoed.
    NoEcho, "no-echo", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Text is echoed as binary and binary as text.
    OtherType, "other-type", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes lack the last byte.
    Shorter, "shorter", BOTH,
        "1.1.2 1.2.4 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes have a byte more.
    Longer, "longer", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// The last byte of an echo is another one.
    OtherByte, "other-byte", BOTH,
        "1.1.2 1.2.4 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Messages are echoed twice.
    Twice, "twice", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes come in fragments of ten bytes, with a ping between them, which is legal.
    Fragments, "fragments", BOTH,
        "",
        "chopping";
    /// Echoes end with a byte that UTF-8 does not have.
    NotUtf8, "not-utf-8", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes come in two fragments, the first of which ends with a byte that UTF-8 does not have.
    NotUtf8InTwo, "not-utf-8-in-two", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes end inside a code point.
    CutUtf8, "cut-utf-8", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// No echo has FIN.
    NeverFinal, "never-final", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes are continuations.
    OnlyContinuations, "only-continuations", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes begin inside a message.
    MessageInMessage, "message-in-message", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes have a reserved opcode.
    ReservedDataOpcode, "reserved-data-opcode", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// RSV1 of echoes is inverted.
    OtherRsv1, "other-rsv-1", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Echoes have RSV3.
    Rsv3, "rsv-3", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// Lengths of echoes take eight bytes.
    LongLength, "long-length", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// The transport is ended in the place of an echo.
    EndForEcho, "end-for-echo", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// The transport is reset in the place of an echo.
    ResetForEcho, "reset-for-echo", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// A Close frame with 1000 is sent in the place of an echo.
    CloseForEcho, "close-for-echo", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// A Close frame with 1001 is sent in the place of an echo.
    Close1001ForEcho, "close-1001-for-echo", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// An unsolicited pong is sent before each echo.
    PongBeforeEcho, "pong-before-echo", BOTH,
        "1.1.1 1.2.1 6.2.2 7.1.1 12.1.1 deflate/message-text",
        "*";
    /// A ping is sent before each echo, which is legal.
    PingBeforeEcho, "ping-before-echo", BOTH,
        "",
        "chopping deadlines";
    /// Pings are answered twice.
    PongTwice, "pong-twice", BOTH,
        "2.1 2.2 2.10 5.6",
        "*";
    /// Pongs have a byte more than the ping.
    OtherPong, "other-pong", BOTH,
        "2.1 2.2 2.10 5.6",
        "*";
    /// Pongs have 126 bytes.
    LongPong, "long-pong", BOTH,
        "2.1 2.2 2.10 5.6",
        "*";
    /// Pongs lack FIN.
    PongInFragments, "pong-in-fragments", BOTH,
        "2.1 2.2 2.10 5.6",
        "*";
    /// Pongs have a reserved opcode.
    ReservedControlOpcode, "reserved-control-opcode", BOTH,
        "2.1 2.2 2.10 5.6",
        "*";
    /// Pings are answered with pings.
    PingForPong, "ping-for-pong", BOTH,
        "2.1 2.2 2.10 5.6",
        "*";
    /// No Close frame is sent.
    NoClose, "no-close", BOTH,
        "1.1.1 2.2 7.1.1 7.3.3 closing/code-1000",
        "*";
    /// The transport is ended in the place of a Close frame.
    EndForClose, "end-for-close", BOTH,
        "1.1.1 2.2 7.1.1 7.3.3 closing/code-1000",
        "*";
    /// The transport is reset in the place of a Close frame.
    ResetForClose, "reset-for-close", BOTH,
        "1.1.1 2.2 7.1.1 7.3.3 closing/code-1000",
        "*";
    /// Close frames are empty, which is legal.
    CloseEmpty, "close-empty", BOTH,
        "",
        "closing";
    /// Close frames have one byte.
    CloseOneByte, "close-one-byte", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames have the code 1001.
    Close1001, "close-1001", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames have the code 1002.
    Close1002, "close-1002", BOTH,
        "1.1.1 2.1 7.1.1 7.3.3",
        "*";
    /// Close frames have the code 1005.
    Close1005, "close-1005", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames have the code 1007.
    Close1007, "close-1007", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames have the code 3000.
    Close3000, "close-3000", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames have the code 5000.
    Close5000, "close-5000", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames have the code 1000 and a reason.
    CloseWithReason, "close-with-reason", BOTH,
        "2.5 3.1 4.1.1 7.5.1 7.9.1",
        "*";
    /// Close frames have a reason that is not UTF-8.
    CloseNotUtf8, "close-not-utf-8", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames lack FIN.
    CloseFragment, "close-fragment", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// Close frames are sent twice.
    CloseTwice, "close-twice", BOTH,
        "closing/code-1000",
        "*";
    /// A message is sent behind the Close frame.
    EchoBehindClose, "echo-behind-close", BOTH,
        "closing/code-1000 server:1.1.1",
        "*";
    /// A pong is sent behind the Close frame.
    PongBehindClose, "pong-behind-close", BOTH,
        "closing/code-1000 server:1.1.1",
        "*";
    /// A server masks, and a client does not.
    OtherMask, "other-mask", BOTH,
        "1.1.1 2.5 3.1 7.1.1",
        "*";
    /// The transport is reset where it should be ended.
    ResetAtEnd, "reset-at-end", BOTH,
        "server:server-handshake/header-no-key server:server-handshake/first-line-post",
        "*";
    /// The head is of HTTP/1.0.
    OldHttp, "old-http", BOTH,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The head lacks Upgrade.
    NoUpgrade, "no-upgrade", BOTH,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The head lacks Connection.
    NoConnection, "no-connection", BOTH,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The status is 200.
    Status200, "status-200", SERVER,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The response lacks Sec-WebSocket-Accept.
    NoAccept, "no-accept", SERVER,
        "1.1.1 2.1 7.1.1",
        "*";
    /// Sec-WebSocket-Accept is another one.
    OtherAccept, "other-accept", SERVER,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The response has a second Sec-WebSocket-Accept.
    TwoAccepts, "two-accepts", SERVER,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The response has an extension that was not offered.
    UnaskedExtension, "unasked-extension", SERVER,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The response has a subprotocol that was not asked for.
    UnaskedProtocol, "unasked-protocol", SERVER,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The method is POST.
    Post, "post", CLIENT,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The request lacks Host.
    NoHost, "no-host", CLIENT,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The request lacks a key.
    NoKey, "no-key", CLIENT,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The key has one byte.
    ShortKey, "short-key", CLIENT,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The request lacks a version.
    NoVersion, "no-version", CLIENT,
        "1.1.1 2.1 7.1.1",
        "*";
    /// The version is 14.
    OtherVersion, "other-version", CLIENT,
        "1.1.1 2.1 7.1.1",
        "*";
}
